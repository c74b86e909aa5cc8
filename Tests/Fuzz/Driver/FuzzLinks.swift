import Links
import NetBasics
import Sealing
import Wire

// The layer that seals: strangers, a neighbor whose datagrams are altered, and one that is hostile.

/// Runs a program: a byte of length, one that says what happens, and what it happens with.
func driveLinks(_ bytes: [UInt8]) {
    var bench = LinksBench()
    bench.link()
    for piece in pieces(of: bytes) {
        guard let kind = piece.first else { bench.wait(.milliseconds(400)); continue }
        let rest = Array(piece.dropFirst())
        switch kind % 5 {
        case 0: bench.stranger(sends: rest)
        case 1: bench.neighbor(sends: [.ping(time: 1)], altered: rest)
        case 2: bench.neighbor(says: rest)
        case 3: bench.repeatsLast(from: kind)
        default: bench.link(altered: rest)
        }
    }
    bench.wait(.seconds(130))
}

private func linkEnd(_ number: UInt8) -> Endpoint {
    Endpoint(address: .v4(IPv4Address(rawValue: 0x0A00_0000 | UInt32(number))), port: 7000)
}

private struct LinksBench {
    private var ends: [SealedLinks] = []
    private let peers: [PeerID]
    private let cookies: [AddressCookie]
    private var now = Instant(nanoseconds: 1_000_000_000)
    private var last: [UInt8] = []
    private static let group = GroupID(high: 1, low: 2)

    init() {
        let keys = GroupKeys(secret: GroupSecret(publicName: "fuzz"))
        var peers: [PeerID] = []
        var cookies: [AddressCookie] = []
        for number in 1...2 as ClosedRange<UInt8> {
            let secret = SecretBytes([UInt8](repeating: number, count: 32))
            guard let identity = try? AgreementKeyPair(secret: secret) else {
                fatalError("32 bytes make a key")
            }
            let cookie = AddressCookie(secret: [UInt8](repeating: number, count: 32))
            var generator = SeededGenerator(seed: UInt64(number))
            ends.append(
                SealedLinks(
                    keys: keys, identity: identity, group: Self.group, cookie: cookie,
                    randomness: { count in
                        (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
                    }))
            peers.append(PeerID(rawValue: identity.publicKey.identifier))
            cookies.append(cookie)
        }
        self.peers = peers
        self.cookies = cookies
    }

    private func token(_ end: Int) -> LinkToken { LinkToken(rawValue: UInt32(end) + 1) }

    /// The neighbor (1) asks the end under test (0); one of the two first datagrams may be altered.
    mutating func link(altered mask: [UInt8] = []) {
        guard let name = MemberName("m") else { return }
        var opened: SealedLinks.Opened?
        func alter(_ bytes: [UInt8]?) -> [UInt8] {
            zip(bytes ?? [], mask + [UInt8](repeating: 0, count: 1500)).map { $0 ^ $1 }
        }
        let hello = ends[1].seal(.hello(token: token(1)), to: linkEnd(1), at: now)
        _ = open(alter(hello), at: 0, from: linkEnd(2))
        let (high, low) = cookies[0].word(for: linkEnd(2), at: now)
        let cookie = Cookie(high: high, low: low)
        let challenge = ends[0].seal(
            .challenge(token: token(1), cookie: cookie), to: linkEnd(2), at: now)
        _ = open(challenge ?? [], at: 1, from: linkEnd(1))
        let request = LinkRequest(
            group: Self.group, peer: peers[1], token: token(1), cookie: cookie, name: name)
        now = now + .milliseconds(10)
        let asking = ends[1].seal(.request(request), to: linkEnd(1), at: now)
        opened = open(alter(asking), at: 0, from: linkEnd(2))
        guard case .link(.request(let asked))? = opened else { return }
        let accept = LinkAccept(
            initiatorToken: asked.token, peer: peers[0], token: token(0), name: name)
        let answer = ends[0].seal(.accept(accept), to: linkEnd(2), at: now)
        _ = open(answer ?? [], at: 1, from: linkEnd(1))
    }

    mutating func stranger(sends bytes: [UInt8]) {
        if open(bytes, at: 0, from: linkEnd(3)) != nil { fatalError("a stranger was heard") }
        _ = try? MediaPieceHeader(decoding: bytes.span.bytes)
    }

    mutating func neighbor(sends messages: [ControlMessage], altered mask: [UInt8] = []) {
        let datagram = ControlDatagram(token: token(0), messages: messages)
        for original in ends[1].seal(datagram, to: linkEnd(1), at: now) {
            let changed = zip(original, mask + [UInt8](repeating: 0, count: original.count)).map {
                $0 ^ $1
            }
            let isHeard = open(changed, at: 0, from: linkEnd(2)) != nil
            if isHeard, changed != original { fatalError("an altered datagram was heard") }
            if isHeard { last = original }
        }
    }

    /// Whatever decodes, under the right keys.
    mutating func neighbor(says records: [UInt8]) {
        let datagram = try? ControlDatagram(
            token: token(0), decodingRecords: records.span.bytes)
        if let datagram { neighbor(sends: datagram.messages) }
    }

    mutating func repeatsLast(from number: UInt8) {
        if open(last, at: 0, from: linkEnd(number)) != nil {
            fatalError("a datagram was heard twice")
        }
    }

    mutating func wait(_ time: Duration) {
        let end = now + time
        while true {
            let due = ends.compactMap(\.nextWakeup).min() ?? .distantFuture
            guard due <= end else { break }
            now = max(now, due)
            for index in ends.indices {
                var orders: [SealedLinks.Order] = []
                ends[index].wake(at: now, into: &orders)
                deliver(orders, from: index)
            }
        }
        now = end
    }

    private mutating func open(
        _ bytes: [UInt8], at end: Int, from sender: Endpoint
    ) -> SealedLinks.Opened? {
        var orders: [SealedLinks.Order] = []
        let opened = try? ends[end].open(bytes, from: sender, at: now, into: &orders)
        deliver(orders, from: end)
        return opened ?? nil
    }

    private mutating func deliver(_ orders: [SealedLinks.Order], from end: Int) {
        for case .send(let bytes, let target) in orders where target == linkEnd(UInt8(2 - end)) {
            _ = open(bytes, at: 1 - end, from: linkEnd(UInt8(end + 1)))
        }
    }
}
