import Forwarding
import NetBasics
import Testing
import Wire

private let source = PeerID(rawValue: 100)
private let me = PeerID(rawValue: 200)
private let parent = LinkToken(rawValue: 1)
private let formerParent = LinkToken(rawValue: 2)
private let neighbor = LinkToken(rawValue: 3)

private func child(_ number: UInt32) -> ForwardingTable.Child {
    ForwardingTable.Child(
        token: LinkToken(rawValue: 1000 + number),
        endpoint: Endpoint(
            address: .v4(IPv4Address(rawValue: 0x7F00_0001)), port: UInt16(number)),
        localToken: LinkToken(rawValue: 2000 + number))
}

private func table(children: [ForwardingTable.Child]) -> ForwardingTable {
    ForwardingTable(
        routes: [
            .init(source: source, upstreams: [parent, formerParent], children: children),
            .init(source: me, upstreams: [], children: [child(7)]),
        ],
        links: [parent, formerParent, neighbor])
}

private func header(_ sequence: UInt32, from token: LinkToken, index: UInt8 = 0) -> MediaHeader {
    MediaHeader(
        token: token, stream: StreamID(source: source, index: index), isControlFlow: false,
        sequence: sequence)
}

@Suite final class ForwarderTests {
    private var forwarder = Forwarder()
    private var plan = FanOutPlan()

    init() { forwarder.install(table(children: [child(1), child(2)])) }

    private func receive(_ header: MediaHeader, packet: Int = 0) -> Bool {
        plan.removeAll()
        return forwarder.receive(header, bodyBytes: 100, packet: packet, at: .zero, into: &plan)
    }

    @Test func aPacketGoesToEveryChild() {
        #expect(receive(header(5, from: parent), packet: 3))

        #expect(
            plan.copies.map { forwarder.children[$0.child] } == [child(1), child(2)])
        #expect(plan.copies.allSatisfy { $0.packet == 3 })
        let count = forwarder.count(of: StreamID(source: source, index: 0))
        #expect(count == .init(packets: 1, bytes: 100, copies: 2))
    }

    /// However many there are, and whoever sent before.
    @Test(arguments: [1, 2, 500, Forwarder.sourceLimit])
    func eachSourceHasItsOwnChildren(count: Int) {
        var generator = SeededGenerator(seed: UInt64(count))
        let sources = (0..<count).map { _ in PeerID(rawValue: generator.next()) }
        let routes = sources.enumerated().map { number, source in
            ForwardingTable.Route(
                source: source, upstreams: [parent], children: [child(UInt32(number % 60_000))])
        }
        forwarder.install(ForwardingTable(routes: routes, links: [parent]))

        for sequence in 1..<4 as Range<UInt32> {
            for (number, source) in sources.enumerated() {
                let header = MediaHeader(
                    token: parent, stream: StreamID(source: source, index: 0),
                    isControlFlow: false, sequence: sequence)
                #expect(receive(header))
                #expect(plan.copies.map { forwarder.children[$0.child] } == routes[number].children)
            }
        }
        let stranger = StreamID(source: PeerID(rawValue: generator.next()), index: 0)
        #expect(
            !receive(
                MediaHeader(token: parent, stream: stranger, isControlFlow: false, sequence: 1)))
        #expect(forwarder.dropCount(.unknownSource) == 1)
    }

    @Test func aRepetitionFromEitherParentGoesNowhere() {
        _ = receive(header(5, from: parent))

        #expect(!receive(header(5, from: formerParent)))

        #expect(plan.copies.isEmpty)
        #expect(forwarder.dropCount(.duplicate) == 1)
    }

    @Test func feedsMeetWhenTheNewParentRepeatsWhatTheFormerSent() {
        _ = receive(header(5, from: formerParent))
        #expect(forwarder.takeOverlapping() == nil)

        _ = receive(header(5, from: parent))

        #expect(forwarder.takeOverlapping() == source)
        #expect(forwarder.takeOverlapping() == nil)
    }

    @Test func feedsMeetWhenTheFormerParentComesToWhereTheNewOneBegan() {
        _ = receive(header(5, from: formerParent))
        _ = receive(header(9, from: parent))
        _ = receive(header(6, from: formerParent))
        _ = receive(header(7, from: formerParent))
        #expect(forwarder.takeOverlapping() == nil, "8 is still missing")

        _ = receive(header(8, from: formerParent))

        #expect(forwarder.takeOverlapping() == source)
    }

    @Test func formerParentsAloneMeetNobody() {
        _ = receive(header(5, from: formerParent))
        _ = receive(header(5, from: formerParent))
        _ = receive(header(6, from: formerParent))

        #expect(forwarder.takeOverlapping() == nil)
    }

    @Test func aNeighborThatIsNotTheParentIsReported() {
        #expect(!receive(header(5, from: neighbor)))

        #expect(forwarder.dropCount(.notFromParent) == 1)
        let unexpected = forwarder.takeUnexpected()
        #expect(unexpected?.token == neighbor && unexpected?.source == source)
        #expect(forwarder.takeUnexpected() == nil)
        #expect(receive(header(5, from: parent)), "the drop must not use up the number")
    }

    @Test func aStrangerIsCountedApart() {
        #expect(!receive(header(5, from: LinkToken(rawValue: 99))))

        #expect(forwarder.dropCount(.unknownLink) == 1)
        #expect(forwarder.takeUnexpected() == nil)
    }

    @Test func anUnknownSourceFromANeighborIsReported() {
        var packet = header(5, from: parent)
        packet.stream = StreamID(source: PeerID(rawValue: 1), index: 0)

        #expect(!receive(packet))

        #expect(forwarder.dropCount(.unknownSource) == 1)
        #expect(forwarder.takeUnexpected()?.source == PeerID(rawValue: 1))
    }

    @Test func aStreamBeyondTheLimitIsDropped() {
        #expect(!receive(header(5, from: parent, index: 16)))

        #expect(forwarder.dropCount(.unknownStream) == 1)
    }

    @Test func streamsOfOneSourceCountApart() {
        #expect(receive(header(5, from: parent, index: 0)))
        #expect(receive(header(5, from: parent, index: 15)))
    }

    @Test func localPacketsAreNumberedFromTheChosenStart() {
        let stream = StreamID(source: me, index: 1)
        forwarder.startSequence(of: stream, at: .max)

        let first = forwarder.originate(
            stream, isControlFlow: false, bodyBytes: 10, packet: 0, into: &plan)
        let second = forwarder.originate(
            stream, isControlFlow: true, bodyBytes: 10, packet: 1, into: &plan)

        #expect(first?.sequence == .max && second?.sequence == 0)
        #expect(second?.isControlFlow == true)
        #expect(plan.copies.map { forwarder.children[$0.child] } == [child(7), child(7)])
    }

    @Test func nobodyOriginatesForAnotherSource() {
        let header = forwarder.originate(
            StreamID(source: source, index: 0), isControlFlow: false, bodyBytes: 1, packet: 0,
            into: &plan)

        #expect(header == nil && plan.copies.isEmpty)
    }

    @Test func aNewTableKeepsTheWindowsOfSourcesThatStay() {
        _ = receive(header(5, from: parent))

        forwarder.install(table(children: [child(9)]))

        #expect(!receive(header(5, from: parent)))
        #expect(receive(header(6, from: parent)))
        #expect(plan.copies.map { forwarder.children[$0.child] } == [child(9)])
        forwarder.install(ForwardingTable())
        #expect(!receive(header(7, from: parent)))
    }
}

/// A source that any link may bring in.
@Suite final class FloodedForwarderTests {
    private static func copy(_ number: UInt32, _ link: LinkToken) -> ForwardingTable.Child {
        ForwardingTable.Child(
            token: LinkToken(rawValue: 1000 + number),
            endpoint: Endpoint(
                address: .v4(IPv4Address(rawValue: 0x7F00_0001)), port: UInt16(number)),
            localToken: link)
    }

    private var forwarder = Forwarder()
    private var plan = FanOutPlan()

    init() {
        forwarder.install(
            ForwardingTable(
                routes: [
                    .init(
                        source: source, upstreams: [parent],
                        children: [Self.copy(1, neighbor), Self.copy(2, formerParent)],
                        isFlooded: true)
                ],
                links: [parent, formerParent, neighbor]))
    }

    private func receive(_ header: MediaHeader) -> Bool {
        plan.removeAll()
        return forwarder.receive(header, bodyBytes: 100, packet: 0, at: .zero, into: &plan)
    }

    @Test func aPacketGoesToEveryEagerNeighborButTheOneItCameFrom() {
        let hasPassed = receive(header(5, from: parent))
        let unasked = forwarder.takeOffTree()
        #expect(hasPassed && plan.copies.count == 2 && unasked == nil)

        let hasPassedToo = receive(header(6, from: neighbor))
        #expect(hasPassedToo)
        #expect(plan.copies.map { forwarder.children[$0.child].localToken } == [formerParent])
        let offTree = forwarder.takeOffTree()
        #expect(offTree?.token == neighbor && offTree?.source == source)
        let again = forwarder.takeOffTree()
        #expect(again == nil)
    }

    @Test func aRepetitionFromAnyLinkGoesNowhere() {
        _ = receive(header(5, from: parent))

        let repeated = receive(header(5, from: neighbor))
        let offTree = forwarder.takeOffTree()
        let strange = receive(header(6, from: LinkToken(rawValue: 99)))
        #expect(!repeated && offTree != nil && !strange)
        #expect(forwarder.dropCount(.duplicate) == 1 && forwarder.dropCount(.unknownLink) == 1)
    }

    @Test func progressIsReportedOncePerStream() {
        var begun = [forwarder.takeProgressBegun()]
        for sequence in 5..<9 as Range<UInt32> { _ = receive(header(sequence, from: parent)) }
        _ = receive(header(70, from: parent, index: 3))

        begun += [forwarder.takeProgressBegun(), forwarder.takeProgressBegun()]
        let progress = forwarder.takeProgress()
        let rest = forwarder.takeProgress()
        #expect(begun == [false, true, false])
        #expect(
            progress == [
                StreamProgress(stream: StreamID(source: source, index: 0), highest: 8),
                StreamProgress(stream: StreamID(source: source, index: 3), highest: 70),
            ])
        #expect(rest.isEmpty)
    }

    @Test func streamsThatGoAndComeKeepTheirWindows() {
        _ = receive(header(5, from: parent))
        forwarder.install(ForwardingTable(routes: [], links: [parent]))
        _ = forwarder.takeProgress()
        forwarder.install(
            ForwardingTable(
                routes: [.init(source: source, upstreams: [parent], children: [])],
                links: [parent]))

        let isRepeatedNew = receive(header(5, from: parent))
        let isNextNew = receive(header(6, from: parent))
        #expect(!isRepeatedNew && isNextNew)
        #expect(forwarder.count(of: StreamID(source: source, index: 0)).packets == 2)
    }
}
