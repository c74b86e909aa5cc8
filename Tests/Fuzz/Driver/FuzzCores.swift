import NetBasics
import Overlay
import Rendezvous
import Sealing
import Wire

// The state machines, told whatever decodes.

/// Cuts `bytes` into pieces: a byte of length, then as many.
func pieces(of bytes: [UInt8]) -> [[UInt8]] {
    var pieces: [[UInt8]] = []
    var rest = bytes[...]
    while let length = rest.popFirst() {
        pieces.append(Array(rest.prefix(Int(length))))
        rest = rest.dropFirst(Int(length))
    }
    return pieces
}

private func endpoint(_ last: UInt8) -> Endpoint {
    Endpoint(address: .v4(IPv4Address(rawValue: 0x0A00_0000 | UInt32(last))), port: 7000)
}

/// A neighbor that was linked in the honest way and then says anything.
func driveOverlay(_ bytes: [UInt8]) {
    var bench = OverlayBench()
    bench.link()
    for piece in pieces(of: bytes) {
        guard let kind = piece.first else {
            bench.wait(.milliseconds(300))
            continue
        }
        bench.tell(kind, Array(piece.dropFirst()))
    }
    bench.wait(.seconds(20))
}

/// Two peers, of which one is under test and the other its neighbor.
private struct OverlayBench: ~Copyable {
    private var tested: OverlayPeer
    private var neighbor: OverlayPeer
    private var now = Instant(nanoseconds: 1_000_000_000)
    /// What the neighbor writes on the link.
    private var token: LinkToken?

    init() {
        tested = Self.peer(1)
        neighbor = Self.peer(2)
    }

    private static func peer(_ number: UInt64) -> OverlayPeer {
        guard let name = MemberName("m\(number)") else { fatalError("m1 is a name") }
        let configuration = OverlayConfiguration(
            group: GroupID(high: 1, low: 2), peer: PeerID(rawValue: number), name: name,
            uplinkRate: 10_000)
        return OverlayPeer(
            configuration: configuration, cookieSecret: [UInt8](repeating: 7, count: 32),
            generator: SeededGenerator(seed: number))
    }

    mutating func link() {
        let contact = Contact(peer: PeerID(rawValue: 1), endpoint: endpoint(1))
        var toTested: [Datagram] = []
        var actions: [OverlayPeer.Action] = []
        neighbor.handle(.candidatesLearned([contact]), at: now, into: &actions)
        for _ in 0..<6 {
            toTested = datagrams(actions)
            actions = []
            for datagram in toTested { handle(datagram, into: &actions) }
            let answers = datagrams(actions)
            actions = []
            for datagram in answers {
                switch datagram {
                case .control(let control):
                    neighbor.handle(
                        .controlReceived(control, from: endpoint(1)), at: now, into: &actions)
                case .link(let message):
                    neighbor.handle(
                        .linkMessageReceived(message, from: endpoint(1)), at: now, into: &actions)
                case .rendezvous: break
                }
            }
        }
    }

    private mutating func datagrams(_ actions: [OverlayPeer.Action]) -> [Datagram] {
        actions.compactMap { action in
            switch action {
            case .sendLink(let message, _): return .link(message)
            case .sendControl(let control, _):
                token = control.token
                return .control(control)
            default: return nil
            }
        }
    }

    private mutating func handle(_ datagram: Datagram, into actions: inout [OverlayPeer.Action]) {
        switch datagram {
        case .control(let control):
            tested.handle(.controlReceived(control, from: endpoint(2)), at: now, into: &actions)
        case .link(let message):
            tested.handle(.linkMessageReceived(message, from: endpoint(2)), at: now, into: &actions)
        case .rendezvous: break
        }
    }

    /// Hands over a datagram: as it is, or as control on the link.
    mutating func tell(_ kind: UInt8, _ bytes: [UInt8]) {
        var datagram = bytes
        if kind & 1 == 0, let token {
            var writer = ByteWriter(capacity: 12)
            DatagramHeader(kind: .control).write(to: &writer)
            writer.write(token.rawValue)
            datagram = writer.bytes + bytes
        }
        guard let decoded = try? Datagram(decoding: datagram.span.bytes) else { return }
        var actions: [OverlayPeer.Action] = []
        handle(decoded, into: &actions)
        expectBounded(actions)
    }

    mutating func wait(_ duration: Duration) {
        let end = now + duration
        var actions: [OverlayPeer.Action] = []
        while let due = tested.nextWakeup, due <= end {
            now = max(now, due)
            actions.removeAll()
            tested.handle(.wakeupReached, at: now, into: &actions)
            expectBounded(actions)
            if let next = tested.nextWakeup, next <= now { fatalError("work is left at \(now)") }
        }
        now = end
    }

    private func expectBounded(_ actions: [OverlayPeer.Action]) {
        if actions.count > 2000 { fatalError("\(actions.count) actions at once") }
        if !tested.isWithinBudget { fatalError("more children than the uplink carries") }
    }
}

/// Requests from many addresses to one server, some of them proven and signed.
func driveRendezvous(_ bytes: [UInt8]) {
    var configuration = RendezvousConfiguration()
    configuration.memberLimit = 8
    configuration.groupLimit = 4
    var server = RendezvousServer(
        configuration: configuration, cookieSecret: [UInt8](repeating: 7, count: 32),
        generator: SeededGenerator(seed: 1))
    var now = Instant(nanoseconds: 1_000_000_000)
    for piece in pieces(of: bytes) {
        guard let first = piece.first else {
            now = now + .seconds(3)
            continue
        }
        let datagram = Array(piece.dropFirst())
        guard
            case .rendezvous(.request(var request)) = try? Datagram(decoding: datagram.span.bytes)
        else { continue }
        let sender = endpoint(first & 0xF)
        if first & 0x80 != 0 { prove(&request, to: &server, from: sender, at: now) }
        if first & 0x40 != 0 { request.sign(from: sender) }
        let reply = server.handle(request, from: sender, at: now)
        if first & 0xC0 != 0xC0, case .reply? = reply { fatalError("a stranger was served") }
        // Before the address is proven, never more out than in.
        if case .challenge? = reply, let reply, reply.encoded.count > piece.count {
            fatalError("a challenge is longer than its request")
        }
        if server.counters.members > 8 { fatalError("more members than the limit") }
    }
}

private func prove(
    _ request: inout RendezvousRequest, to server: inout RendezvousServer, from sender: Endpoint,
    at now: Instant
) {
    request.cookie = .none
    if case .challenge(_, let cookie, _) = server.handle(request, from: sender, at: now) {
        request.cookie = cookie
    }
}

private let fuzzedGroups = (0..<8).map { GroupKeys(secret: GroupSecret(publicName: "\($0)")) }

extension RendezvousRequest {
    /// With the keys of one of a few groups.
    fileprivate mutating func sign(from sender: Endpoint) {
        let keys = fuzzedGroups[Int(key[0] & 7)]
        key = keys.publicKey.bytes
        signature = keys.sign(signedBytes(from: sender), for: .registration)
    }
}
