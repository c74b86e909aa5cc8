import NetBasics
import Testing
import Wire

@testable import Inspection

/// Datagrams that were captured as one are counted one by one.
@Suite struct JoinedDatagramTests {
    /// RTP packets with numbers in a row from `first` on, of those payloads.
    private static func rtp(_ first: Int, payloadBytes sizes: [Int]) -> [[UInt8]] {
        sizes.enumerated().map { index, size in
            [0x80, 33] + word(UInt16(truncatingIfNeeded: first + index))
                + long(UInt32(truncatingIfNeeded: 1800 * (first + index))) + long(0x1234)
                + (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ index) }
        }
    }

    /// What came in one captured packet or one after the other, with the same times.
    private struct Captures {
        var joined = TestCapture()
        var single = TestCapture()

        mutating func add(_ datagrams: [[UInt8]]) {
            joined.addUDP(Array(datagrams.joined()), from: "10.0.0.5", to: "239.1.2.3")
            for datagram in datagrams {
                single.addUDP(datagram, from: "10.0.0.5", to: "239.1.2.3")
            }
            joined.pass(.milliseconds(20))
            single.pass(.milliseconds(20))
        }
    }

    private func expectSame(_ captures: Captures, _ comment: Comment) throws -> StreamMeasure {
        let inspectors = (captures.joined.inspected(), captures.single.inspected())
        try #require(inspectors.0.streams.count == inspectors.1.streams.count, comment)
        for (one, other) in zip(inspectors.0.streams, inspectors.1.streams) {
            #expect(one.packets == other.packets, comment)
            #expect(one.bytes == other.bytes, comment)
            #expect(one.lost == other.lost, comment)
            #expect(one.duplicates == other.duplicates, comment)
            #expect(one.reordered == other.reordered, comment)
            #expect(one.jitterMilliseconds?.mean == other.jitterMilliseconds?.mean, comment)
        }
        #expect(inspectors.0.findings().map(\.kind) == inspectors.1.findings().map(\.kind), comment)
        return inspectors.0.streams[0]
    }

    /// Whole bunches are lost, repeated and overtaken, and each is of one length but for its last.
    @Test(arguments: [0, 1, 30, 146, 1188] as [Int], 1...4 as ClosedRange<UInt64>)
    func eachIsCountedWhateverBecameOfOthers(size: Int, seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var bunches: [[[UInt8]]] = []
        var first = 65_000
        for _ in 0..<300 {
            let count = Int.random(in: 1...min(60, 60_000 / (size + 12)), using: &generator)
            var sizes = [Int](repeating: size, count: count)
            if Bool.random(using: &generator) {
                sizes[count - 1] = Int.random(in: 0...size, using: &generator)
            }
            bunches.append(Self.rtp(first, payloadBytes: sizes))
            first += count
        }
        var captures = Captures()
        for (index, bunch) in bunches.enumerated() where index % 11 != 5 {
            // What overtakes is the next; what comes again is this.
            if index % 17 == 3 { captures.add(bunches[index + 1]) }
            captures.add(bunch)
            if index % 13 == 7 { captures.add(bunch) }
        }

        let stream = try expectSame(captures, "size \(size), seed \(seed)")

        #expect(stream.lost > 0)
        #expect(stream.duplicates > 0)
        #expect(captures.joined.inspected().counts.joined > 200)
    }

    /// Short ones that are shorter together than a long one alone are known once there was one.
    @Test func bunchesAreFoundAmongLongPackets() throws {
        var captures = Captures()
        var first = 0
        for round in 0..<1000 {
            for sizes in [[1300], [120, 120, round % 120], [700], [40, 40]] {
                captures.add(Self.rtp(first, payloadBytes: sizes))
                first += sizes.count
            }
        }

        let joined = captures.joined.inspected()

        // The first bunch shows itself by what is missing behind it.
        #expect(joined.streams[0].lost == 2)
        #expect(joined.streams[0].packets == 6998)
        #expect(joined.findings().map(\.kind) == captures.single.inspected().findings().map(\.kind))
    }

    private func length(in bytes: [UInt8]) -> Int? {
        JoinedDatagrams.rtpByteCount(in: bytes.span.bytes)
    }

    /// A receiver's kernel joins what comes, whatever was lost, repeated or overtaken before.
    @Test func numbersNeedNotBeInARow() throws {
        let datagrams = Self.rtp(65_530, payloadBytes: [Int](repeating: 188, count: 400))
        var captures = Captures()
        for start in stride(from: 0, to: 400, by: 20) {
            var bunch = Array(datagrams[start..<start + 20])
            bunch[3] = bunch[2]
            bunch.swapAt(7, 9)
            bunch.removeSubrange(12...15)
            captures.add(bunch)
        }

        let stream = try expectSame(captures, "of 400")

        #expect(stream.lost == 20 * 5)
        #expect(stream.duplicates == 20)
        #expect(stream.reordered == 2 * 20)
    }

    @Test func whatLooksSimilarIsOneDatagram() {
        let (one, next) = (Self.rtp(7, payloadBytes: [100])[0], Self.rtp(8, payloadBytes: [100])[0])
        let far = Self.rtp(2000, payloadBytes: [100])[0]
        var foreign = next
        foreign[11] ^= 1
        var old = next
        old[0] = 0x40
        for second in [far, foreign, old, Array(next.prefix(11))] {
            #expect(length(in: one + second) == nil)
        }
        #expect(length(in: one) == nil)
        #expect(length(in: one + next) == 112)
        #expect(length(in: one + next.dropLast(100)) == 112)
    }

    @Test(arguments: 0...60)
    func truncatedOnesAreCountedAsFarAsTheyAreThere(length: Int) {
        let bytes = Array(Self.rtp(1, payloadBytes: [3, 3, 3, 3]).joined().prefix(length))

        // The second needs the twelve bytes of a header.
        #expect(self.length(in: bytes) == (length >= 27 ? 15 : nil))
    }

    /// Each word is the source's identifier and looks like the number that comes next.
    @Test func aHostilePacketTakesNoLongTime() {
        let hostile: [UInt8] =
            [0x80, 33] + word(0x8001) + long(0)
            + [[UInt8]](repeating: long(0x8021_8002), count: 16_000).joined()
        let time = ContinuousClock().measure {
            for _ in 0..<10 { _ = length(in: hostile) }
        }

        #expect(time < .seconds(5))
    }

    @Test func lossBehindPacketsThatWereCutIsNoProblem() {
        var capture = TestCapture()
        for bunch in 0..<50 {
            let datagrams = Self.rtp(20 * bunch, payloadBytes: [Int](repeating: 188, count: 20))
            capture.addUDP(Array(datagrams.joined()), from: "10.0.0.5", to: "239.1.2.3")
            capture.pass(.milliseconds(20))
        }
        capture.cut(to: 96)
        let findings = capture.inspected().findings()

        #expect(findings.map(\.kind) == [.loss])
        #expect(findings[0].severity == .warning)
        #expect(findings[0].text.contains("50 packets longer than a frame"))
    }

    /// Media of two streams and parity to one neighbor; a control datagram goes by itself.
    @Test func ownDatagramsAreCountedByKind() throws {
        func datagram(_ kind: DatagramHeader.Kind, stream: UInt8, token: UInt32 = 7) -> [UInt8] {
            [0xB1, kind.rawValue, 0, stream] + long(token) + [UInt8](repeating: 9, count: 92)
        }
        let media = [
            datagram(.media, stream: 1), datagram(.media, stream: 2), datagram(.parity, stream: 1),
        ]
        var traffic = OverlayTraffic()
        func record(_ bytes: [UInt8]) throws -> Int? {
            traffic.record(
                bytes.span.bytes, from: try #require(Endpoint("10.0.0.1:7400")))
        }

        #expect(try record(Array(media.joined())) == 3)
        #expect(try record(media[0]) == 1)
        #expect(try record(media[0] + datagram(.media, stream: 1, token: 8)) == 1)
        #expect(try record(datagram(.control, stream: 0) + datagram(.control, stream: 0)) == 1)
        #expect(traffic.count(of: .media) == 4)
        #expect(traffic.count(of: .parity) == 1)
        #expect(traffic.count(of: .control) == 1)
    }
}
