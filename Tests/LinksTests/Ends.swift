import Links
import NetBasics
import Sealing
import Testing
import Wire

/// One end of links, with the part of the control plane that it needs.
final class End {
    let endpoint: Endpoint
    let identity: AgreementKeyPair
    let peer: PeerID
    let name: MemberName
    let token: LinkToken
    var links: SealedLinks
    let cookie: AddressCookie
    var orders: [SealedLinks.Order] = []

    /// `number`: of its address, and what its keys are drawn from.
    init(_ number: UInt8, secret: UInt8 = 7) throws {
        endpoint = Endpoint(
            address: .v4(IPv4Address(rawValue: 0x0A00_0000 + UInt32(number))), port: 7000)
        var generator = SeededGenerator(seed: UInt64(number))
        func draw(_ count: Int) -> [UInt8] {
            (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        }
        identity = try AgreementKeyPair(secret: SecretBytes(draw(32)))
        peer = PeerID(rawValue: identity.publicKey.identifier)
        name = try #require(MemberName("peer-\(number)"))
        token = LinkToken(rawValue: 0x1000 + UInt32(number))
        cookie = AddressCookie(secret: draw(32))
        let keys = GroupKeys(
            secret: try GroupSecret(
                SecretBytes([UInt8](repeating: secret, count: GroupSecret.byteCount))))
        var randomness = generator.child()
        links = SealedLinks(
            keys: keys, identity: identity, group: GroupID(high: 1, low: 2), cookie: cookie,
            randomness: { count in
                (0..<count).map { _ in UInt8(truncatingIfNeeded: randomness.next()) }
            })
    }

    func open(
        _ bytes: [UInt8], from sender: Endpoint, at now: Instant = .zero
    ) throws -> SealedLinks.Opened? {
        try links.open(bytes, from: sender, at: now, into: &orders)
    }

    /// The datagrams that its link layer wants to be sent; empties ``orders``.
    func takeSent() -> [(bytes: [UInt8], to: Endpoint)] {
        defer { orders.removeAll() }
        return orders.compactMap { order in
            if case .send(let bytes, let endpoint) = order { (bytes, endpoint) } else { nil }
        }
    }

    // MARK: - Handshake

    func seal(_ message: LinkMessage, to other: End, at now: Instant) throws -> [UInt8] {
        let bytes = links.seal(message, to: other.endpoint, at: now)
        return try #require(bytes)
    }

    func hello(to other: End, at now: Instant = .zero) throws -> [UInt8] {
        try seal(.hello(token: token), to: other, at: now)
    }

    func challenge(to other: End, at now: Instant = .zero) throws -> [UInt8] {
        try seal(
            .challenge(token: other.token, cookie: cookie(for: other, at: now)), to: other, at: now)
    }

    func cookie(for other: End, at now: Instant = .zero) -> Cookie {
        let (high, low) = cookie.word(for: other.endpoint, at: now)
        return Cookie(high: high, low: low)
    }

    /// Its request, after a challenge of `other` has been opened.
    func request(to other: End, at now: Instant = .zero) throws -> [UInt8] {
        let request = LinkRequest(
            group: GroupID(high: 1, low: 2), peer: peer, token: token,
            cookie: other.cookie(for: self, at: now), name: name)
        return try seal(.request(request), to: other, at: now)
    }

    /// Its answer to the request of `other` that it has just opened.
    func accept(_ other: End, at now: Instant = .zero) throws -> [UInt8] {
        let accept = LinkAccept(
            initiatorToken: other.token, peer: peer, token: token, name: name)
        return try seal(.accept(accept), to: other, at: now)
    }

    /// The first three datagrams, the last of them opened by the other end.
    func ask(_ other: End, at now: Instant = .zero) throws {
        _ = try other.open(hello(to: other, at: now), from: endpoint, at: now)
        _ = try open(other.challenge(to: self, at: now), from: other.endpoint, at: now)
        let asked = try other.open(request(to: other, at: now), from: endpoint, at: now)
        guard case .link(.request(let request)) = asked else {
            throw Unexpected(what: "\(String(describing: asked))")
        }
        #expect(request.peer == peer)
    }

    /// Makes a link; both ends know each other's tokens.
    func link(with other: End, at now: Instant = .zero) throws {
        try ask(other, at: now)
        _ = try open(other.accept(self, at: now), from: other.endpoint, at: now)
    }

    // MARK: - Control

    func say(
        _ messages: [ControlMessage], to other: End, there endpoint: Endpoint? = nil,
        at now: Instant = .zero
    ) -> [UInt8]? {
        links.seal(
            ControlDatagram(token: other.token, messages: messages),
            to: endpoint ?? other.endpoint, at: now
        ).first
    }

    func hear(
        _ bytes: [UInt8], from sender: Endpoint, at now: Instant = .zero
    ) throws -> [ControlMessage]? {
        guard case .control(let datagram, _)? = try open(bytes, from: sender, at: now) else {
            return nil
        }
        return datagram.messages
    }
}

struct Unexpected: Error {
    let what: String
}

/// `bytes` with each bit flipped in turn.
func flipped(_ bytes: [UInt8]) -> [[UInt8]] {
    (0..<bytes.count * 8).map { bit in
        var copy = bytes
        copy[bit / 8] ^= 1 << UInt8(bit % 8)
        return copy
    }
}
