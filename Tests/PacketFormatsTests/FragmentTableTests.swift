import NetBasics
import TestSupport
import Testing

@testable import PacketFormats

/// Fragments become packets again, or are given up.
@Suite struct FragmentTableTests {
    private let payload = (0..<40).map { UInt8($0) }

    /// Adds bytes of the payload as a fragment.
    private func add(
        _ range: Range<Int>, to table: inout FragmentTable, id: UInt32 = 1,
        at now: Instant = .zero, isLast: Bool? = nil, payloadByteCount: Int? = nil
    ) throws -> [UInt8]? {
        let bytes = Packets.ipv4(17, [])
        var packet = IPPacket(try IPv4Header(decoding: bytes.span.bytes))
        packet.fragment = IPPacket.Fragment(
            identification: id, offset: range.lowerBound,
            hasMore: !(isLast ?? (range.upperBound == payload.count)))
        packet.payloadByteCount = payloadByteCount ?? range.count
        let part = range.map { payload[$0 % payload.count] }
        return table.add(packet, payload: part.span.bytes, at: now)
    }

    @Test(arguments: [[0, 1, 2], [2, 1, 0], [1, 0, 2], [2, 0, 1]])
    func partsInAnyOrderMakeThePacket(order: [Int]) throws {
        let parts = [0..<16, 16..<32, 32..<40]
        var table = FragmentTable()

        let results = try order.map { try add(parts[$0], to: &table) }

        #expect(results == [nil, nil, payload])
        #expect(table.pendingCount == 0)
        #expect(table.counts.completed == 1)
    }

    @Test func aDuplicateChangesNothing() throws {
        var table = FragmentTable()

        #expect(try add(0..<16, to: &table) == nil)
        #expect(try add(0..<16, to: &table) == nil)
        #expect(try add(16..<40, to: &table) == payload)
    }

    @Test(arguments: [0..<24, 8..<32, 16..<24])
    func anOverlapEndsThePacket(range: Range<Int>) throws {
        var table = FragmentTable()
        _ = try add(0..<16, to: &table)
        _ = try add(16..<32, to: &table)

        #expect(try add(range, to: &table, isLast: false) == nil)

        #expect(table.pendingCount == 0)
        #expect(table.counts.contradictory == 1)
    }

    @Test func twoLastPartsContradictEachOther() throws {
        var table = FragmentTable()
        _ = try add(32..<40, to: &table)

        #expect(try add(16..<24, to: &table, isLast: true) == nil)

        #expect(table.counts.contradictory == 1)
    }

    @Test func aPartBehindTheLastContradictsIt() throws {
        var table = FragmentTable()
        _ = try add(16..<24, to: &table, isLast: true)

        #expect(try add(24..<32, to: &table, isLast: false) == nil)

        #expect(table.counts.contradictory == 1)
    }

    @Test func aPartOfNoMultipleOfEightIsRefused() throws {
        var table = FragmentTable()

        #expect(try add(0..<13, to: &table) == nil)

        #expect(table.counts.contradictory == 1)
    }

    @Test func aPartThatWasCutIsRefused() throws {
        var table = FragmentTable()

        #expect(try add(0..<16, to: &table, payloadByteCount: 24) == nil)

        #expect(table.counts.contradictory == 1)
    }

    @Test func noPacketIsLongerThanItsLengthCanSay() throws {
        var table = FragmentTable()

        #expect(try add(65_528..<65_536, to: &table, isLast: true) == nil)

        #expect(table.counts.contradictory == 1)
        #expect(table.pendingCount == 0)
    }

    @Test func whatIsNotWholeInTimeIsGivenUp() throws {
        var table = FragmentTable()
        _ = try add(0..<16, to: &table)

        let late = Instant.zero + FragmentTable.lifetime + .nanoseconds(1)
        #expect(try add(16..<40, to: &table, at: late) == nil)

        #expect(table.counts.incomplete == 1)
        #expect(table.pendingCount == 1)
    }

    @Test func whatIsWholeJustInTimeIsKept() throws {
        var table = FragmentTable()
        _ = try add(0..<16, to: &table)

        let latest = Instant.zero + FragmentTable.lifetime
        #expect(try add(16..<40, to: &table, at: latest) == payload)
    }

    @Test func theOldestPacketMakesRoom() throws {
        var table = FragmentTable()
        for id in 0...FragmentTable.packetLimit {
            _ = try add(0..<16, to: &table, id: UInt32(id))
        }

        #expect(table.pendingCount == FragmentTable.packetLimit)
        #expect(table.counts.incomplete == 1)
        #expect(try add(16..<40, to: &table, id: 0) == nil)
        #expect(try add(16..<40, to: &table, id: 2) == payload)
    }

    @Test func aWholePacketIsNoFragment() throws {
        var table = FragmentTable()
        let bytes = Packets.ipv4(17, payload)
        let packet = IPPacket(try IPv4Header(decoding: bytes.span.bytes))

        #expect(table.add(packet, payload: payload.span.bytes, at: .zero) == nil)

        #expect(table.counts == FragmentTable.Counts())
    }
}
