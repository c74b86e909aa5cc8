import CSodium
import Links
import NetBasics
import Sealing
import Sockets
import Wire

/// Links of two ends in one process, turn by turn with plain loops of libsodium's calls.
struct LinkBench {
    private let configuration: BenchConfiguration
    private var initiator: LinkEnd
    private var responder: LinkEnd
    private let datagram: ControlDatagram
    private let secret: [UInt8]

    init(_ configuration: BenchConfiguration) throws {
        self.configuration = configuration
        initiator = try LinkEnd(number: 1)
        responder = try LinkEnd(number: 2)
        try initiator.link(with: &responder)
        // What neighbors say most often: a hello.
        datagram = ControlDatagram(
            token: responder.token,
            messages: [
                .pong(time: 1), .ping(time: 2), .position(.unknown), .prune(source: responder.peer),
            ])
        secret = randomBytes(32)
    }

    mutating func measure() throws -> [BenchResult] {
        [
            try measure("link control", "datagrams sealed and opened per second") { bench, isBare in
                if isBare { bench.bareDatagram() } else { try bench.sealedDatagram() }
            },
            try measure("link handshake", "handshakes, both ends, per second") { bench, isBare in
                if isBare { bench.bareAgreements() } else { try bench.handshake() }
            },
        ]
    }

    private mutating func measure(
        _ name: String, _ unit: String, _ work: (inout LinkBench, Bool) throws -> Void
    ) throws -> BenchResult {
        var result = BenchResult(
            name: name, unit: unit + " of processor time", isMoreBetter: true)
        for round in 0...configuration.rounds {
            let limit = try rate(isBare: true, work)
            let own = try rate(isBare: false, work)
            // The first round warms up.
            if round > 0 { result.add(limit: limit, polycast: own) }
        }
        return result
    }

    private mutating func rate(
        isBare: Bool, _ work: (inout LinkBench, Bool) throws -> Void
    ) throws -> Double {
        let start = Clocks.threadNanoseconds
        var count = 0
        var spent: Int64 = 0
        while spent < configuration.slice.nanoseconds {
            for _ in 0..<16 { try work(&self, isBare) }
            count += 16
            spent = Clocks.threadNanoseconds - start
        }
        return Double(count) / Double(spent) * 1e9
    }

    // MARK: - Datagrams

    private mutating func sealedDatagram() throws {
        for bytes in initiator.links.seal(datagram, to: responder.endpoint, at: .zero) {
            _ = try responder.open(bytes, from: initiator.endpoint)
        }
    }

    /// Encryption and decryption of as many bytes.
    private func bareDatagram() {
        let nonce = [UInt8](repeating: 0, count: 12)
        for var text in datagram.encodedRecords {
            let count = text.count
            text.append(contentsOf: repeatElement(0, count: 16))
            text.withUnsafeMutableBufferPointer { buffer in
                guard let start = buffer.baseAddress else { return }
                crypto_aead_chacha20poly1305_ietf_encrypt_detached(
                    start, start + count, nil, start, UInt64(count), nil, 0, nil, nonce, secret)
                _ = crypto_aead_chacha20poly1305_ietf_decrypt_detached(
                    start, nil, start, UInt64(count), start + count, nil, 0, nonce, secret)
            }
        }
    }

    // MARK: - Handshakes

    private mutating func handshake() throws {
        // New ends, since a responder reads no more than some hundred requests in a second.
        responder.links = responder.freshLinks()
        try initiator.link(with: &responder)
    }

    /// Two ephemeral key pairs and four agreements at each end: what Noise_IK cannot do without.
    private func bareAgreements() {
        var output = [UInt8](repeating: 0, count: 32)
        for _ in 0..<2 { crypto_scalarmult_base(&output, secret) }
        let point = output
        for _ in 0..<8 { _ = crypto_scalarmult(&output, secret, point) }
    }
}

/// One end, and as much of a control plane as a handshake takes.
private struct LinkEnd {
    struct Failed: Error {}

    let endpoint: Endpoint
    let peer: PeerID
    let token: LinkToken
    var links: SealedLinks
    private let identity: AgreementKeyPair
    private let cookie: AddressCookie
    private let name: MemberName
    private var time = Instant.zero
    private static let group = GroupID(high: 1, low: 1)
    private static let keys = GroupKeys(secret: GroupSecret(publicName: "bench"))

    init(number: UInt32) throws {
        guard let name = MemberName("end-\(number)") else { throw Failed() }
        self.name = name
        endpoint = Endpoint(address: .v4(IPv4Address(rawValue: 0x7F00_0000 + number)), port: 1)
        identity = try AgreementKeyPair(secret: SecretBytes(randomBytes(32)))
        peer = PeerID(rawValue: identity.publicKey.identifier)
        token = LinkToken(rawValue: number)
        cookie = AddressCookie(secret: randomBytes(AddressCookie.secretByteCount))
        links = Self.links(identity, cookie)
    }

    private static func links(_ identity: AgreementKeyPair, _ cookie: AddressCookie) -> SealedLinks
    {
        SealedLinks(
            keys: keys, identity: identity, group: group, cookie: cookie,
            randomness: { randomBytes($0) })
    }

    func freshLinks() -> SealedLinks { Self.links(identity, cookie) }

    mutating func open(_ bytes: [UInt8], from sender: Endpoint) throws -> SealedLinks.Opened {
        var orders: [SealedLinks.Order] = []
        guard let opened = try links.open(bytes, from: sender, at: .zero, into: &orders) else {
            throw Failed()
        }
        return opened
    }

    private mutating func seal(_ message: LinkMessage, to other: LinkEnd) throws -> [UInt8] {
        guard let bytes = links.seal(message, to: other.endpoint, at: time) else { throw Failed() }
        return bytes
    }

    mutating func link(with other: inout LinkEnd) throws {
        time = time + .nanoseconds(1)
        _ = try other.open(seal(.hello(token: token), to: other), from: endpoint)
        let (high, low) = other.cookie.word(for: endpoint, at: .zero)
        let cookie = Cookie(high: high, low: low)
        _ = try open(
            other.seal(.challenge(token: token, cookie: cookie), to: self), from: other.endpoint)
        let request = LinkRequest(
            group: Self.group, peer: peer, token: token, cookie: cookie, name: name)
        _ = try other.open(seal(.request(request), to: other), from: endpoint)
        let accept = LinkAccept(
            initiatorToken: token, peer: other.peer, token: other.token, name: name)
        _ = try open(other.seal(.accept(accept), to: self), from: other.endpoint)
    }
}
