import Forwarding
import NetBasics
import Testing
import Wire

@testable import Sealing

/// Four peers in virtual time that forward sealed media over sealed links.
///
/// The links lose, repeat and reorder datagrams:
///
///        b
///      / | \
///     a  |  d
///      \ | /
///        c
///
/// `a` publishes, and `d` has `b` or `c` as its parent. Forwarding planes, repair, links, tags and
/// seals are real. What the control plane decides is written here, and takes no time.
final class MediaDiamond {
    /// A link: its two ends, and where each of them is.
    final class Link {
        let nodes: [Int]
        let ends: [End]
        var addresses: [Endpoint]
        /// Where each end believes the other to be.
        var known: [Endpoint]
        var keys: [LinkTagKeys?] = [nil, nil]
        var keyChanges = 0
        /// Until then everything is lost.
        var deafUntil = 0

        init(_ nodes: [Int], number: UInt8) throws {
            self.nodes = nodes
            ends = [try End(2 * number + 1), try End(2 * number + 2)]
            addresses = ends.map(\.endpoint)
            known = addresses.reversed()
            try ends[0].link(with: ends[1])
        }
    }

    /// One end of a link as its peer sees it.
    struct Side: Equatable {
        var link: Int
        var end: Int
    }

    final class Node {
        var forwarder = Forwarder()
        var sides: [Side] = []
        /// How often each packet of the present and the last source was delivered.
        var delivered: [PeerID: [UInt8]] = [:]
        /// Bodies by slot, a ring.
        var bodies = [[UInt8]](repeating: [], count: 256)
        var kept = 0
        var openers = Openers()
    }

    private struct Letter {
        var to: Side
        var from: Endpoint
        var bytes: [UInt8]
    }

    static let tick = Duration.milliseconds(10)
    static let packetsOfSource = 80
    private static let slowest = 2
    private static let b = 1
    private static let c = 2
    private static let d = 3

    let links: [Link]
    let nodes = (0..<4).map { _ in Node() }
    private(set) var ticks = 0
    private var flying: [[Letter]] = .init(repeating: [], count: slowest + 1)
    private var generator: SeededGenerator
    private var sealer = Sealer()
    private(set) var sources: [PeerID] = []
    /// The parent of `d`, and a former one that still sends.
    private(set) var parent = 1
    private var former: Int?
    private var formerUntil = 0
    private(set) var lost = 0
    private(set) var sent = 0
    private(set) var wrongTags = 0
    private(set) var unopened = 0
    var loss = 0.05

    private(set) var now = Instant.zero

    init(seed: UInt64) throws {
        generator = SeededGenerator(seed: seed)
        links = try [[0, 1], [0, 2], [1, 3], [2, 3], [1, 2]].enumerated().map {
            try Link($1, number: UInt8($0))
        }
        for (index, link) in links.enumerated() {
            for end in 0...1 { nodes[link.nodes[end]].sides.append(Side(link: index, end: end)) }
        }
        takeKeys()
    }

    // MARK: - The control plane's part

    /// A source begins, the one before the last is forgotten; `start`: its first number.
    func publish(_ source: PeerID, from start: UInt32) {
        sources = sources.suffix(1) + [source]
        for node in nodes {
            node.delivered = node.delivered.filter { sources.contains($0.key) }
            node.delivered[source] = .init(repeating: 0, count: Self.packetsOfSource)
            node.openers.keep(sources)
        }
        sealer.begin(source)
        install()
        nodes[0].forwarder.startSequence(of: StreamID(source: source, index: 0), at: start)
    }

    /// `d` changes to its other parent, and the former one goes on for 300 ms.
    func changeParent() {
        former = parent
        formerUntil = ticks + 30
        parent = Self.b + Self.c - parent
        install()
    }

    /// An end of a link goes on at another address.
    func roam(_ side: Side) {
        let address = IPv4Address(rawValue: 0x0A05_0000 + UInt32(ticks % 0xFFFF))
        links[side.link].addresses[side.end] = Endpoint(address: .v4(address), port: 7000)
    }

    private func install() {
        for (index, node) in nodes.enumerated() {
            let routes = sources.sorted { $0.rawValue < $1.rawValue }.map { route($0, of: index) }
            let tokens = node.sides.map { links[$0.link].ends[$0.end].token }.sorted {
                $0.rawValue < $1.rawValue
            }
            node.forwarder.install(ForwardingTable(routes: routes, links: tokens))
        }
    }

    private func route(_ source: PeerID, of index: Int) -> ForwardingTable.Route {
        let parents =
            index == 0 ? [] : index == Self.d ? [parent] + (former.map { [$0] } ?? []) : [0]
        let isAboveD = index == parent || index == former
        let children = index == 0 ? [Self.b, Self.c] : isAboveD ? [Self.d] : []
        return .init(
            source: source, upstreams: parents.map { localToken(of: index, to: $0) },
            children: children.map { child(of: index, $0) }, repairRetry: .milliseconds(50),
            repairPatience: .milliseconds(100))
    }

    private func side(of index: Int, to other: Int) -> Side {
        nodes[index].sides.first { links[$0.link].nodes[1 - $0.end] == other }
            ?? Side(link: 0, end: 0)
    }

    private func localToken(of index: Int, to other: Int) -> LinkToken {
        let side = side(of: index, to: other)
        return links[side.link].ends[side.end].token
    }

    private func child(of index: Int, _ other: Int) -> ForwardingTable.Child {
        let side = side(of: index, to: other)
        let link = links[side.link]
        return .init(
            token: link.ends[1 - side.end].token, endpoint: link.known[side.end],
            localToken: link.ends[side.end].token)
    }

    // MARK: - Time

    /// One tick: what has come is worked on, and what is due is done.
    func step() throws {
        ticks += 1
        now = now + Self.tick
        let place = ticks % flying.count
        let letters = flying[place]
        flying[place].removeAll(keepingCapacity: true)
        for letter in letters { try take(letter) }
        if formerUntil == ticks {
            former = nil
            install()
        }
        for link in links { serve(link) }
        for index in 1...3 { askForRepair(index) }
        if ticks % 50 == 0 { tellHighest() }
        if ticks % 10 == 0 { findMovedPeers() }
        if ticks % 1000 == 0 { greet() }
    }

    private func serve(_ link: Link) {
        for end in 0...1 {
            let at = link.ends[end]
            if let due = at.links.nextWakeup, due <= now {
                at.links.wake(at: now, into: &at.orders)
            }
            if !at.orders.isEmpty { obey(link, end) }
        }
    }

    private func obey(_ link: Link, _ end: Int) {
        var hasMoved = false
        for case .moved(_, let endpoint) in link.ends[end].orders {
            link.known[end] = endpoint
            hasMoved = true
        }
        for (bytes, endpoint) in link.ends[end].takeSent() { send(bytes, link, end, to: endpoint) }
        if hasMoved { install() }
    }

    private func takeKeys() {
        for link in links {
            for end in 0...1 {
                guard let taken = link.ends[end].links.takeTagKeys() else { continue }
                link.keys[end] = taken[link.ends[end].token]
                link.keyChanges += 1
            }
        }
    }

    // MARK: - Datagrams

    private func send(_ bytes: [UInt8], _ link: Link, _ end: Int, to endpoint: Endpoint) {
        sent += 1
        guard endpoint == link.addresses[1 - end], ticks >= link.deafUntil,
            generator.uniformFraction() >= loss,
            let index = links.firstIndex(where: { $0 === link })
        else {
            lost += 1
            return
        }
        let letter = Letter(
            to: Side(link: index, end: 1 - end), from: link.addresses[end], bytes: bytes)
        repeat {
            let delay = 1 + generator.uniform(below: Self.slowest)
            flying[(ticks + delay) % flying.count].append(letter)
        } while generator.uniform(below: 50) == 0
    }

    private func take(_ letter: Letter) throws {
        let link = links[letter.to.link]
        if Datagram.isMedia(letter.bytes.span.bytes) { return try takeMedia(letter, link) }
        let end = link.ends[letter.to.end]
        let messages = try end.hear(letter.bytes, from: letter.from, at: now)
        takeKeys()
        for message in messages ?? [] {
            switch message {
            case .repairRequest(let request): answer(request, letter.to)
            case .heardUpTo(let stream, let highest):
                nodes[link.nodes[letter.to.end]].forwarder.noteHighest(stream, highest, at: now)
            default: break
            }
        }
    }

    private func say(_ message: ControlMessage, on side: Side) {
        let link = links[side.link]
        let bytes = link.ends[side.end].say(
            [message], to: link.ends[1 - side.end], there: link.known[side.end], at: now)
        if let bytes { send(bytes, link, side.end, to: link.known[side.end]) }
    }

    /// Neighbors say something now and then.
    private func greet() {
        for index in links.indices {
            for end in 0...1 { say(.ping(time: 2), on: Side(link: index, end: end)) }
        }
    }

    /// Who has moved and gets nothing says something, and is followed.
    private func findMovedPeers() {
        for (index, link) in links.enumerated() {
            for end in 0...1 where link.known[1 - end] != link.addresses[end] {
                say(.ping(time: 1), on: Side(link: index, end: end))
            }
        }
    }

    // MARK: - Media

    /// Publishes the `number`th packet of the newest source.
    func originate(_ number: Int) {
        guard let source = sources.last else { return }
        let stream = StreamID(source: source, index: 0)
        guard
            let (header, passage) = nodes[0].forwarder.originate(
                stream, isControlFlow: false, bodyBytes: Sealer.sealedBytes)
        else { return }
        let body = sealer.seal(number, header)
        nodes[0].delivered[source]?[number] &+= 1
        keep(header, body, at: 0)
        copy(header, body, passage, from: 0)
    }

    private func keep(_ header: MediaHeader, _ body: [UInt8], at index: Int) {
        let node = nodes[index]
        node.bodies[node.kept % node.bodies.count] = body
        node.forwarder.keep(header, slot: node.kept, bodyBytes: body.count, at: now)
        node.kept += 1
    }

    private func copy(
        _ header: MediaHeader, _ body: [UInt8], _ passage: Passage, from index: Int
    ) {
        for place in passage.children {
            let child = nodes[index].forwarder.children[place]
            var own = header
            own.isRepair = false
            own.lacks = passage.lacks
            own.token = child.token
            sendMedia(own, body, from: index, over: child.localToken, to: child.endpoint)
        }
    }

    private func sendMedia(
        _ header: MediaHeader, _ body: [UInt8], from index: Int, over token: LinkToken,
        to endpoint: Endpoint
    ) {
        guard
            let side = nodes[index].sides.first(where: {
                links[$0.link].ends[$0.end].token == token
            }
            ), let keys = links[side.link].keys[side.end]
        else { return }
        var own = header
        own.keyPhase = keys.sendPhase
        var bytes = [UInt8](repeating: 0, count: MediaHeader.bodyOffset) + body
        bytes.withUnsafeMutableBytes { buffer in
            guard let start = buffer.baseAddress else { return }
            own.store(into: start)
            Self.tag(UnsafeRawBufferPointer(buffer), keys.send).write(
                to: start + MediaHeader.byteCount)
        }
        send(bytes, links[side.link], side.end, to: endpoint)
    }

    private static func tag(_ datagram: UnsafeRawBufferPointer, _ key: MediaTagKey) -> MediaTag {
        withExtendedLifetime(datagram) {
            guard let start = datagram.baseAddress else { return MediaTag(0, 0) }
            return key.tag(
                header: UnsafeRawBufferPointer(rebasing: datagram[..<MediaHeader.byteCount]),
                seal: start + (datagram.count - MediaTag.byteCount))
        }
    }

    private func takeMedia(_ letter: Letter, _ link: Link) throws {
        let index = link.nodes[letter.to.end]
        let header = try MediaHeader(decoding: letter.bytes.span.bytes)
        let receive = link.keys[letter.to.end]?.receive
        let isTagged = letter.bytes.withUnsafeBytes { bytes in
            guard let key = header.keyPhase == 0 ? receive?.0 : receive?.1,
                let start = bytes.baseAddress
            else { return false }
            return Self.tag(bytes, key) == MediaTag(at: start + MediaHeader.byteCount)
        }
        guard isTagged else {
            wrongTags += 1
            return
        }
        let body = Array(letter.bytes[MediaHeader.bodyOffset...])
        let node = nodes[index]
        guard let passage = node.forwarder.receive(header, bodyBytes: body.count, at: now) else {
            return
        }
        let source = header.stream.source
        if let number = node.openers.open(body, header) {
            node.delivered[source]?[number] &+= 1
        } else {
            unopened += 1
        }
        keep(header, body, at: index)
        copy(header, body, passage, from: index)
        if node.forwarder.takeOverlapping() != nil, index == Self.d, former != nil {
            former = nil
            install()
        }
    }

    // MARK: - Repair

    private func askForRepair(_ index: Int) {
        guard let due = nodes[index].forwarder.nextWakeup, due <= now else { return }
        var wanted: [WantedRepair] = []
        nodes[index].forwarder.takeRepairRequests(at: now, into: &wanted)
        for repair in wanted {
            let parent = side(of: index, to: index == Self.d ? parent : 0)
            // `d` has an uncle; the others ask their parent twice before their sibling.
            let isOthersTurn = repair.attempt % 2 == (index == Self.d ? 0 : 1)
            let other = side(
                of: index, to: Self.b + Self.c - (index == Self.d ? self.parent : index))
            let isFirst = index != Self.d && repair.attempt == 1
            say(.repairRequest(repair.request), on: isOthersTurn && !isFirst ? other : parent)
        }
    }

    private func answer(_ request: RepairRequest, _ side: Side) {
        let link = links[side.link]
        let index = link.nodes[side.end]
        let node = nodes[index]
        let asker = RepairAsker(
            token: link.ends[1 - side.end].token, endpoint: link.known[side.end],
            localToken: link.ends[side.end].token, roundTrip: .milliseconds(20))
        var answers: [RepairAnswer] = []
        node.forwarder.answer(request, to: asker, at: now, into: &answers)
        for answer in answers where answer.slot + node.bodies.count > node.kept {
            sendMedia(
                answer.header, node.bodies[answer.slot % node.bodies.count], from: index,
                over: asker.localToken, to: asker.endpoint)
        }
    }

    /// Parents say how far they have come.
    private func tellHighest() {
        for source in sources {
            let stream = StreamID(source: source, index: 0)
            for (index, node) in nodes.enumerated() {
                guard let highest = node.forwarder.highest(of: stream) else { continue }
                let children = index == 0 ? [Self.b, Self.c] : index == parent ? [Self.d] : []
                for child in children {
                    say(
                        .heardUpTo(stream: stream, highest: highest), on: side(of: index, to: child)
                    )
                }
            }
        }
    }
}
