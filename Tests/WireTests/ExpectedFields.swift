import NetBasics
import Wire

/// The fields that tshark shall show of a decoded datagram, in clear, as text.
struct ExpectedFields {
    private(set) var shown: Tshark.Shown = [:]

    init(_ datagram: Datagram) {
        switch datagram {
        case .control(let control): add(control)
        case .link(let message): add(message)
        case .rendezvous(let message): add(message)
        }
    }

    // MARK: - Values

    private mutating func add(_ field: String, _ value: some CustomStringConvertible) {
        shown["polycast.\(field)", default: []].append(value.description)
    }

    private mutating func add(hex value: UInt64, _ digits: Int, _ field: String) {
        let text = String(value, radix: 16)
        add(field, String(repeating: "0", count: digits - text.count) + text)
    }

    private mutating func add(_ field: String, prefixed value: UInt64, _ digits: Int) {
        let text = String(value, radix: 16)
        add(field, "0x" + String(repeating: "0", count: digits - text.count) + text)
    }

    private mutating func add(_ field: String, bytes: [UInt8]) {
        add(field, bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
    }

    private mutating func add(_ field: String, flag: Bool) { add(field, flag ? 1 : 0) }

    // MARK: - Parts of messages

    private mutating func header(_ kind: DatagramHeader.Kind) {
        add("magic", "0x0b")
        add("version", 1)
        add("type", prefixed: UInt64(kind.rawValue), 2)
        add("flags", "0x00")
        add("stream_index", 0)
    }

    private mutating func add(_ token: LinkToken) {
        add("token", prefixed: UInt64(token.rawValue), 8)
    }

    private mutating func add(_ cookie: Cookie) {
        add("cookie", GroupID(high: cookie.high, low: cookie.low))
    }

    private mutating func add(_ code: EntryCode) {
        add("entry_code", GroupID(high: code.high, low: code.low))
    }

    private mutating func add(_ name: MemberName) {
        add("name.length", name.description.utf8.count)
        add("name", name)
    }

    private mutating func add(_ endpoint: Endpoint) {
        switch endpoint.address {
        case .v4(let address):
            add("endpoint.family", 4)
            add("endpoint.ipv4", address)
        case .v6(let address):
            add("endpoint.family", 6)
            add("endpoint.ipv6", address)
        }
        add("endpoint.port", endpoint.port)
    }

    private mutating func add(_ contact: Contact) {
        add("peer", contact.peer)
        add(contact.endpoint)
    }

    private mutating func add(_ contacts: [Contact]) {
        add("count", contacts.count)
        for contact in contacts { add(contact) }
    }

    private mutating func add(_ coordinate: Coordinate) {
        add("coordinate.x", coordinate.x)
        add("coordinate.y", coordinate.y)
        add("coordinate.z", coordinate.z)
        add("coordinate.height", coordinate.height)
        add("coordinate.error", coordinate.error)
    }

    private mutating func add(_ stream: StreamID) {
        add("source", stream.source)
        add("stream_index", stream.index)
    }

    /// As it travels in three bytes.
    private mutating func add(_ field: String, short value: UInt32) {
        add(field, min(value, 0xFF_FFFF))
    }

    // MARK: - Rendezvous and links

    private mutating func add(_ message: RendezvousMessage) {
        switch message {
        case .request(let request):
            header(.rendezvousRequest)
            add(hex: request.transaction, 16, "transaction")
            add("operation", request.operation.rawValue)
            add("public_key", bytes: request.key)
            add(hex: request.alias, 16, "alias")
            add("peer", request.peer)
            add(request.cookie)
            add(request.code)
            add("signature", bytes: request.signature)
        case .challenge(let transaction, let cookie, let observed):
            header(.rendezvousChallenge)
            add(hex: transaction, 16, "transaction")
            add(cookie)
            add(observed)
        case .reply(let reply):
            header(.rendezvousReply)
            add(reply)
        case .refusal(let transaction, let reason):
            header(.rendezvousRefusal)
            add(hex: transaction, 16, "transaction")
            add("rendezvous.reason", reason.rawValue)
        }
    }

    private mutating func add(_ reply: RendezvousReply) {
        add(hex: reply.transaction, 16, "transaction")
        add("lease", reply.lease.nanoseconds / 1_000_000)
        add("members", reply.memberCount)
        add("sources", reply.sourceCount)
        add("namesakes", reply.namesakeCount)
        add(reply.observed)
        add("count", reply.peers.count)
        for peer in reply.peers {
            add(peer.contact)
            add(peer.code)
        }
    }

    private mutating func add(_ message: LinkMessage) {
        switch message {
        case .hello(let token):
            header(.linkHello)
            add(token)
        case .challenge(let token, let cookie):
            header(.linkChallenge)
            add(token)
            add(cookie)
        case .request(let request):
            header(.linkRequest)
            add(request.token)
            add(request.cookie)
            add("group", request.group)
            add("peer", request.peer)
            add(request.name)
        case .accept(let accept):
            header(.linkAccept)
            add(accept.initiatorToken)
            add("peer", accept.peer)
            add("accept.token", prefixed: UInt64(accept.token.rawValue), 8)
            add(accept.name)
        case .refusal(let token, let reason, let referrals):
            header(.linkRefusal)
            add(token)
            add("refusal.reason", reason.rawValue)
            add(referrals)
        }
    }

    // MARK: - Control

    private mutating func add(_ control: ControlDatagram) {
        header(.control)
        add(control.token)
        for message in control.messages { add(message) }
    }

    private mutating func add(_ message: ControlMessage) {
        switch message {
        case .ping(let time): add(1, time: time)
        case .pong(let time): add(2, time: time)
        case .route(let advert): add(advert)
        case .seqnoRequest(let source, let seqno, let hopLimit, let isUrgent):
            add(4, of: source)
            add("seqno", seqno)
            add("hop_limit", hopLimit)
            add("urgent", flag: isUrgent)
        case .describe(let source): add(5, of: source)
        case .description(let description): add(description)
        case .attach(let request): add(request)
        case .attachAccepted(let source, let isFed):
            add(8, of: source)
            add("attach.fed", flag: isFed)
        case .attachRefused(let source, let reason, let referrals):
            add(9, of: source)
            add("attach.reason", reason.rawValue)
            add(referrals)
        case .detach(let source): add(10, of: source)
        case .move(let source, let target):
            add(11, of: source)
            add([target])
        case .peers(let peers, let source): add(peers, of: source)
        case .close: add("record", 13)
        case .repairRequest(let request):
            add(14, of: request.stream)
            add("repair.base", request.base)
            add("repair.bitmap", prefixed: request.bitmap, 16)
        case .heardUpTo(let stream, let highest):
            add(15, of: stream)
            add("highest", highest)
        case .announce(let announcement): add(announcement)
        default: addMore(message)
        }
    }

    private mutating func addMore(_ message: ControlMessage) {
        switch message {
        case .graft(let source, let seqno, let isLazy):
            add(17, of: source)
            add("seqno", seqno)
            add("graft.lazy", flag: isLazy)
        case .prune(let source): add(18, of: source)
        case .have(let stream, let sequence):
            add(19, of: stream)
            add("sequence", sequence)
        case .heartbeat(let next):
            add("record", 20)
            add("heartbeat.next", next)
        case .position(let coordinate):
            add("record", 21)
            add(coordinate)
        case .rekey(let message): add(22, noise: message)
        case .rekeyed(let message): add(23, noise: message)
        case .probe(let nonce, let padding):
            add("record", 24)
            add(hex: nonce, 16, "probe.nonce")
            add("probe.length", padding)
            if padding > 0 { add("probe.zeros", bytes: [UInt8](repeating: 0, count: Int(padding))) }
        case .parity(let source, let rows):
            add(26, of: source)
            add("parity.rows", rows)
        case .probed(let nonce):
            add("record", 27)
            add(hex: nonce, 16, "probe.nonce")
        case .rate(let message): add(message)
        default: preconditionFailure("\(message) is shown by nobody")
        }
    }

    private mutating func add(_ kind: Int, of source: PeerID) {
        add("record", kind)
        add("source", source)
    }

    private mutating func add(_ kind: Int, of stream: StreamID) {
        add("record", kind)
        add(stream)
    }

    private mutating func add(_ kind: Int, time: UInt32) {
        add("record", kind)
        add("ping.time", prefixed: UInt64(time), 8)
    }

    private mutating func add(_ kind: Int, noise message: [UInt8]) {
        add("record", kind)
        add("noise.ephemeral", bytes: Array(message.prefix(32)))
        if message.count > 48 {
            add("noise.static", bytes: Array(message[32..<80]))
            add("sealed_length", 48)
        }
        add("noise.payload", bytes: Array(message.suffix(16)))
        add("sealed_length", 16)
    }

    private mutating func add(_ advert: RouteAdvert) {
        add(3, of: advert.source)
        add("seqno", advert.seqno)
        add("metric", advert.metric)
        add("route.gone", flag: advert.isGone)
        add("route.hops", advert.hops)
        add("free_rate", short: advert.freeRate)
        add("admit_cost", short: advert.admitCost)
        add("source_rate", short: advert.sourceRate)
        add("description_version", advert.descriptionVersion)
        add(advert.origin)
    }

    private mutating func add(_ description: StreamDescription) {
        add(6, of: description.stream)
        add("description_version", description.version)
        add("description.streams", description.streamCount)
        add("description.kind", description.kind.rawValue)
        add("description.priority", description.priority)
        add("description.format", description.format.rawValue)
        add("description.rate", description.rate)
        add(description.member)
        add("description.text_length", description.mediaText.utf8.count)
        if !description.mediaText.isEmpty { add("description.text", description.mediaText) }
    }

    private mutating func add(_ request: AttachRequest) {
        add(7, of: request.source)
        add("free_rate", request.freeRate)
        add("attach.inner", flag: request.isInner)
        add("attach.standing", request.standing.rawValue)
        add("attach.cost", request.cost)
    }

    private mutating func add(_ peers: [Acquaintance], of source: PeerID) {
        add(12, of: source)
        add("count", peers.count)
        for peer in peers {
            add(peer.contact)
            add(peer.coordinate)
            add("metric", short: peer.metric)
            add("admit_cost", short: peer.admitCost)
        }
    }

    private mutating func add(_ announcement: SourceAnnouncement) {
        add(16, of: announcement.source)
        add("seqno", announcement.seqno)
        add("metric", announcement.metric)
        add("announce.hops", announcement.hops)
        add("announce.gone", flag: announcement.isGone)
        add("announce.full", flag: announcement.isFull)
        add("announce.urgent", flag: announcement.isUrgent)
        add("source_rate", announcement.sourceRate)
        add("description_version", announcement.descriptionVersion)
    }

    private mutating func add(_ message: RateMessage) {
        switch message {
        case .measure(let time):
            add("record", 28)
            add(hex: time, 16, "measure.time")
        case .received(let report):
            add("record", 25)
            add(hex: report.time, 16, "measure.time")
            add("received.arrived", report.arrivedAt)
            add("received.packets", report.packets)
            add("received.bytes", report.bytes)
        case .shed(let run):
            add(29, of: run.stream)
            add("shed.first", run.first)
            add("shed.count", run.count)
        }
    }
}
