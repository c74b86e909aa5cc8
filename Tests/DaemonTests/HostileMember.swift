import Links
import NetBasics
import Sealing
import Sockets
import Wire

/// Somebody who knows the group's name, links in the honest way, and then says what it likes.
final class HostileMember {
    let probe: Probe
    let target: Endpoint
    private let group: GroupID
    private let identity: AgreementKeyPair
    private let peer: PeerID
    private let token: LinkToken
    private var links: SealedLinks
    /// What the target wants to read on the link.
    private(set) var remoteToken: LinkToken?
    private var remotePeer: PeerID?
    private var keys: LinkTagKeys?

    init(_ name: String, target: Endpoint, from endpoint: Endpoint = loopback(1)) throws {
        self.target = target
        probe = try Probe(endpoint)
        let keys = GroupKeys(secret: GroupSecret(publicName: name))
        let words = keys.publicKey.groupID
        group = GroupID(high: words.high, low: words.low)
        identity = try AgreementKeyPair(secret: SecretBytes(randomBytes(32)))
        peer = PeerID(rawValue: identity.publicKey.identifier)
        token = LinkToken(rawValue: UInt32(truncatingIfNeeded: randomUInt64()))
        links = SealedLinks(
            keys: keys, identity: identity, group: group,
            cookie: AddressCookie(secret: randomBytes(AddressCookie.secretByteCount)),
            randomness: { randomBytes($0) })
    }

    var hello: [UInt8] { seal(.hello(token: token)) }

    private func seal(_ message: LinkMessage) -> [UInt8] {
        links.seal(message, to: target, at: Clocks.now) ?? []
    }

    private func open(_ bytes: [UInt8]) -> SealedLinks.Opened? {
        var orders: [SealedLinks.Order] = []
        return try? links.open(bytes, from: target, at: Clocks.now, into: &orders)
    }

    /// Makes the link, as every member does.
    func link() throws -> Bool {
        guard let name = MemberName("mallory") else { return false }
        probe.send(hello, to: target)
        for bytes in try probe.receiveAll(silence: .milliseconds(300)) {
            guard case .link(.challenge(_, let cookie))? = open(bytes) else { continue }
            let request = LinkRequest(
                group: group, peer: peer, token: token, cookie: cookie, name: name)
            probe.send(seal(.request(request)), to: target)
        }
        for bytes in try probe.receiveAll(silence: .milliseconds(300)) {
            if case .link(.accept(let accept))? = open(bytes) { remoteToken = accept.token }
        }
        return remoteToken != nil
    }

    func say(_ messages: [ControlMessage]) {
        guard let remoteToken else { return }
        let datagram = ControlDatagram(token: remoteToken, messages: messages)
        for bytes in links.seal(datagram, to: target, at: Clocks.now) {
            probe.send(bytes, to: target)
        }
    }

    /// Becomes a child of the target.
    func attach(to source: PeerID) {
        let request = AttachRequest(
            source: source, freeRate: 0, isInner: false, standing: .orphan, cost: 1000)
        say([.attach(request)])
    }

    /// Sends media on its link, with the tag that belongs there.
    func forward(_ header: MediaHeader, body: [UInt8]) {
        if let taken = links.takeTagKeys() { keys = taken[token] }
        guard let remoteToken, let keys else { return }
        var own = header
        own.token = remoteToken
        own.keyPhase = keys.sendPhase
        var bytes = [UInt8](repeating: 0, count: MediaHeader.bodyOffset) + body
        bytes.withUnsafeMutableBytes { datagram in
            guard let start = datagram.baseAddress else { return }
            own.store(into: start)
            keys.send.tag(
                header: UnsafeRawBufferPointer(start: start, count: MediaHeader.byteCount),
                seal: start + (datagram.count - MediaTag.byteCount)
            ).write(to: start + MediaHeader.byteCount)
        }
        probe.send(bytes, to: target)
    }
}
