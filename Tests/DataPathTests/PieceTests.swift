import NetBasics
import Sealing
import Testing
import Wire

@testable import DataPath

@Suite struct PieceTests {
    private let keys: LinkTagKeys
    private let token = LinkToken(rawValue: 5)

    init() throws {
        let key = try MediaTagKey(SecretBytes([UInt8](repeating: 3, count: 16)))
        keys = LinkTagKeys(receive: (nil, key), send: key, sendPhase: 1)
    }

    private func datagram(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
    }

    private func cut(_ bytes: [UInt8], limit: Int, number: UInt32 = 9) -> [[UInt8]]? {
        bytes.withUnsafeBytes {
            MediaPieces.cut($0, limit: limit, token: token, number: number, keys: keys)
        }
    }

    private func header(_ piece: [UInt8]) throws -> MediaPieceHeader? {
        let header = try MediaPieceHeader(decoding: piece.span.bytes)
        let isAuthentic = piece.withUnsafeBytes {
            MediaPieces.isAuthentic($0, header, keys: keys)
        }
        return isAuthentic ? header : nil
    }

    private func add(_ piece: [UInt8], to assembly: inout PieceAssembly) throws -> [UInt8]? {
        let header = try #require(try header(piece))
        return piece[MediaPieces.headerBytes...].withUnsafeBytes {
            assembly.add($0, of: header)
        }
    }

    @Test(arguments: [(1201, 1200, 2), (1500, 1200, 2), (65_507, 1200, 56), (2400, 1392, 2)])
    func partsFitThePathAndMakeTheWholeInAnyOrder(count: Int, limit: Int, parts: Int) throws {
        let whole = datagram(count)
        let pieces = try #require(cut(whole, limit: limit))
        #expect(pieces.count == parts)
        #expect(pieces.allSatisfy { $0.count <= limit })

        var assembly = PieceAssembly()
        for piece in pieces.dropFirst().reversed() {
            #expect(try add(piece, to: &assembly) == nil)
            #expect(try add(piece, to: &assembly) == nil, "twice is once")
        }
        #expect(try add(pieces[0], to: &assembly) == whole)
        #expect(try add(pieces[0], to: &assembly) == nil)
    }

    @Test func aDatagramThatFitsIsNotCut() {
        #expect(cut(datagram(1100), limit: 1200) == nil)
        #expect(cut(datagram(65_000), limit: 600) == nil, "more parts than there may be")
    }

    @Test func everyFlippedBitIsRefused() throws {
        let piece = try #require(cut(datagram(1300), limit: 1200)?[1])
        for bit in 0..<piece.count * 8 {
            var altered = piece
            altered[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect((try? header(altered)) ?? nil == nil, "bit \(bit)")
        }
        for count in piece.indices {
            #expect((try? header(Array(piece[..<count]))) ?? nil == nil)
        }
    }

    /// Parts of a thousand datagrams of which none is ever whole take the room of the last few.
    @Test func whatIsNeverWholeMakesRoom() throws {
        var assembly = PieceAssembly()
        for number in 0..<1000 as Range<UInt32> {
            let piece = try #require(cut(datagram(1300), limit: 1200, number: number)?[0])
            #expect(try add(piece, to: &assembly) == nil)
        }
        let last = try #require(cut(datagram(1300), limit: 1200, number: 999)?[1])
        let early = try #require(cut(datagram(1300), limit: 1200, number: 900)?[1])
        #expect(try add(early, to: &assembly) == nil)
        #expect(try add(last, to: &assembly) == datagram(1300))
    }
}

/// Packets that are too long for the paths between real sockets.
@Suite struct LongPacketTests {
    @Test(arguments: [1100, 1164, 1165, 3000, 60_000])
    func packetsOfAnyLengthCrossShortPathsWhole(count: Int) throws {
        let key = SecretBytes([UInt8](repeating: 7, count: 32))
        let alice = try Node(1, mediaKey: key, peer: Node.source)
        let relay = try Node(2, mediaKey: nil, peer: PeerID(rawValue: 2))
        let bob = try Node(3, mediaKey: key, peer: PeerID(rawValue: 3))
        try alice.route(from: nil, to: [relay], datagramLimit: 1200)
        try relay.route(from: alice, to: [bob], datagramLimit: 1200)
        try bob.route(from: relay, to: [])
        let bodies = (0..<5).map { [UInt8](repeating: UInt8($0), count: count) }

        alice.publish(bodies)
        let first = try relay.work()
        let second = try bob.work()

        #expect(try bob.played() == bodies)
        #expect((first + second).allSatisfy { $0.count <= 1200 })
        let isLong = count + MediaHeader.bodyOffset + 18 > 1200
        #expect(alice.media.takeLongLinks() == (isLong ? [relay.token] : []))
        #expect(relay.media.takeLongLinks() == (isLong ? [bob.token] : []))
    }
}
