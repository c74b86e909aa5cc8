import Foundation
import NetBasics
import Testing
import Wire

/// The script of `tools/wireshark` and what is on the wire, Polycast's and others'.
@Suite(.enabled(if: Tshark.isInstalled, Tshark.comment)) struct DissectorWireTests {
    private static let fields = (try? DissectorFields())?.rows.map(\.abbreviation) ?? []
    private static let headerFields = ["magic", "version", "type"].map { "polycast.\($0)" }

    @Test func sealedDatagramsAreShownFieldByField() throws {
        let shown = try Tshark.show(
            WireSample.all.map { .init(bytes: $0.bytes) }, Self.fields)

        for (sample, shown) in zip(WireSample.all, shown) {
            var rest = shown
            #expect(Self.headerFields.allSatisfy { rest.removeValue(forKey: $0) != nil })
            if sample.bytes[1] >= 0x10 {
                #expect(rest.removeValue(forKey: "polycast.flags") == ["0x00"])
                #expect(rest.removeValue(forKey: "polycast.stream_index") == ["0"])
            }
            for field in Set(rest.keys).union(sample.shown.keys).sorted() {
                #expect(rest[field] == sample.shown[field], "\(sample.name): \(field)")
            }
        }
    }

    @Test func theDecodersReadTheSameHeaders() throws {
        let (media, repair) = (WireSample.media[0].bytes, WireSample.media[1].bytes)
        let (part, shard) = (WireSample.media[2].bytes, WireSample.parity.bytes)
        let piece = try MediaPieceHeader(decoding: part.span.bytes)
        let parity = try ParityHeader(decoding: shard.span.bytes)
        let stream = StreamID(source: source, index: 15)

        let plain = try MediaHeader(decoding: media.span.bytes)
        #expect(plain.sequence == 0xFFFF_FFFE && plain.lacks == 0 && !plain.isRepair)
        #expect(
            try MediaHeader(decoding: repair.span.bytes)
                == MediaHeader(
                    token: token, stream: stream, isControlFlow: true, isRepair: true,
                    lacks: 0x15, keyPhase: 1, sequence: 1))
        #expect(piece.index == 1 && piece.last == 2 && piece.number == 168_496_141)
        #expect(parity.row == 2 && parity.base == 4_294_967_280 && parity.keyPhase == 1)
    }

    @Test func truncatedAndFlippedOnesMakeNoErrorOfTheScript() throws {
        var datagrams: [(sample: WireSample, bytes: [UInt8])] = []
        for sample in WireSample.all {
            for count in 1..<sample.bytes.count {
                datagrams.append((sample, Array(sample.bytes.prefix(count))))
            }
            for bit in 0..<sample.bytes.count * 8 {
                var bytes = sample.bytes
                bytes[bit / 8] ^= 1 << UInt8(bit % 8)
                datagrams.append((sample, bytes))
            }
        }
        for isClear in [false, true] {
            let shown = try Tshark.show(
                datagrams.map { .init(bytes: $0.bytes) }, ["polycast.type"], isClear: isClear)

            for ((sample, bytes), shown) in zip(datagrams, shown) {
                #expect(Tshark.errors.allSatisfy { shown[$0] == nil }, "\(sample): \(shown)")
                if !isClear, bytes.count < sample.bytes.count {
                    let isRefused = shown[Tshark.reason] == ["truncated"]
                    #expect(isRefused == (bytes.count < sample.leastBytes), "\(sample): \(shown)")
                }
            }
        }
    }

    @Test func whatWasNotCapturedWholeIsNotMalformed() throws {
        func cuts(_ samples: [[UInt8]]) -> [Tshark.Captured] {
            samples.flatMap { bytes in
                (1..<bytes.count).map { Tshark.Captured(bytes: bytes, snapped: $0) }
            }
        }
        for (datagrams, isClear) in [
            (cuts(WireSample.all.map(\.bytes) + Samples.rendezvous.map(\.bytes)), false),
            (cuts(Samples.all.map(\.bytes)), true),
        ] {
            let shown = try Tshark.show(datagrams, ["polycast.cut"], isClear: isClear)

            for (datagram, shown) in zip(datagrams, shown) {
                #expect(Tshark.errors.allSatisfy { shown[$0] == nil }, "\(datagram): \(shown)")
                #expect(shown[Tshark.reason] == nil, "\(datagram): \(shown)")
                #expect(shown["polycast.cut"] != nil, "\(datagram): \(shown)")
            }
        }
    }

    @Test func theInfoColumnSaysWhatItIs() throws {
        let samples =
            WireSample.all.map(\.bytes) + Samples.rendezvous[3...7].map(\.bytes)
            + [Samples.rendezvous[8].bytes, Array(Samples.rendezvous[8].bytes.dropLast())]
        let shown = try Tshark.show(samples.map { .init(bytes: $0) }, ["_ws.col.Info"])

        let infos = shown.map { $0["_ws.col.Info"]?.joined(separator: ";") ?? "" }
        #expect(infos == Self.infos)
    }

    private static let infos: [String] = """
        Media: 5152535455565758 stream 7 number 4294967294, 22 bytes, to 0x41424344
        Media: 5152535455565758 stream 15 number 1, 22 bytes, to 0x41424344, control flow, repair
        Part of media: 2 of 3 of number 168496141, 2 bytes, to 0x41424344
        Parity: 5152535455565758 stream 1 numbers 4294967280 to 4294967295, row 2, to 0x41424344
        Control: number 258, 3 bytes sealed, to 0x41424344
        Link hello
        Link challenge
        Link accept
        Link refusal
        Link request
        Rendezvous request: register source
        Rendezvous request: register
        Rendezvous challenge: seen at 192.0.2.1:7400
        Rendezvous reply: 258 members, 3 sources, 2 peers named
        Rendezvous reply: 0 members, 0 sources, 0 peers named
        Rendezvous refusal: group_limit
        Rendezvous refusal, malformed: truncated: reason needs 1 bytes, 0 are left
        """.split(separator: "\n").map(String.init)

    @Test func itCanBeToldToReadAPort() throws {
        let media = Tshark.Captured(bytes: WireSample.media[0].bytes, port: 50_020)
        let decodeAs = ["-d", "udp.port==50020,polycast"]

        #expect(try Tshark.show([media], ["polycast.type"])[0].isEmpty)
        #expect(
            try Tshark.show([media], ["polycast.type"], options: decodeAs)[0]
                == ["polycast.type": ["0x01"]])
        // In two passes the conversation is known from its first datagram on.
        let twice = try Tshark.show([media, media], ["polycast.type"], options: ["-2"])
        #expect(twice.map(\.isEmpty) == [false, false])
    }

    @Test func aRuleBrokenIsNamed() throws {
        let sealed = WireSample.media[0].bytes
        func altered(_ bytes: [UInt8], _ offset: Int, _ value: UInt8) -> [UInt8] {
            var bytes = bytes
            bytes[offset] = value
            return bytes
        }
        let cases: [([UInt8], String)] = [
            (altered(sealed, 3, 16), "unknown_stream"),
            (altered(sealed, 0, 0xB2), "unsupported_version"),
            (altered(sealed, 1, 5), "unknown_type"),
            // KID of three bytes, and one of a byte that would fit the first.
            (altered(sealed, 36, 0xA0), "invalid_field"),
            (altered(altered(sealed, 36, 0x85), 37, 7), "invalid_field"),
            (altered(WireSample.parity.bytes, 19, 0xF1), "invalid_field"),
            (altered(WireSample.parity.bytes, 2, 0x86), "invalid_field"),
            (altered(WireSample.media[2].bytes, 3, 64), "invalid_field"),
            (altered(WireSample.media[2].bytes, 2, 3), "invalid_field"),
            (altered(WireSample.links[0].bytes, 20, 1), "invalid_field"),
            (WireSample.links[0].bytes + [0], "trailing_bytes"),
            (WireSample.links[2].bytes + [UInt8](repeating: 0, count: 32), "trailing_bytes"),
            (WireSample.links[4].bytes + [UInt8](repeating: 0, count: 32), "trailing_bytes"),
            (WireSample.links[0].bytes + [UInt8](repeating: 0, count: 1200), "oversized"),
            (WireSample.control.bytes + [UInt8](repeating: 0, count: 65_000), "oversized"),
            (WireSample.parity.bytes + [UInt8](repeating: 0, count: 1501), "oversized"),
        ]
        let shown = try Tshark.show(cases.map { .init(bytes: $0.0) }, [])

        for ((bytes, reason), shown) in zip(cases, shown) {
            #expect(shown == [Tshark.reason: [reason]], "\(bytes.prefix(48)): \(reason)")
        }
    }

    /// On other ports: handshakes at once, what has little to be told by with its second datagram.
    @Test func itIsFoundOnAnyPort() throws {
        func on(_ port: UInt16, _ samples: [WireSample]) -> [Tshark.Captured] {
            samples.map { .init(bytes: $0.bytes, sourcePort: 40_001, port: port) }
        }
        let (media, control) = (WireSample.media[0], WireSample.control)
        let registration = Samples.rendezvous.map {
            Tshark.Captured(bytes: $0.bytes, sourcePort: 40_002, port: 50_009)
        }
        let datagrams =
            on(50_001, [media, media, WireSample.parity]) + on(50_002, [control, control])
            + on(50_003, [WireSample.links[0], media, control]) + registration
            + on(50_004, [media]) + on(50_005, [media])
        let shown = try Tshark.show(datagrams, ["polycast.type"])

        let isFound = shown.map { $0["polycast.type"] != nil }
        #expect(
            isFound == [false, true, true] + [false, true] + [true, true, true]
                + registration.map { _ in true } + [false, false])
    }

    @Test(arguments: [1, 2] as [UInt64])
    func othersDatagramsAreNotClaimed(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let datagrams = Strangers.datagrams(&generator)
        let shown = try Tshark.show(datagrams, ["polycast.magic"])

        #expect(datagrams.count > 20_000)
        #expect(!shown.contains { $0["_ws.lua.error"] != nil })
        let claimed = zip(datagrams, shown).filter { $1["polycast.magic"] != nil }
        #expect(claimed.isEmpty, "\(claimed.prefix(5).map { ($0.0.port, $0.0.bytes.prefix(40)) })")
    }
}

/// What others send.
private enum Strangers {
    static func datagrams(_ generator: inout SeededGenerator) -> [Tshark.Captured] {
        var all: [Tshark.Captured] = []
        func add(_ port: UInt16, _ bytes: [UInt8]) {
            all.append(.init(bytes: bytes, sourcePort: 40_100, port: port))
        }
        func random(_ count: Int, _ generator: inout SeededGenerator) -> [UInt8] {
            (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        }
        // RTP and RTCP, the second stream with padding, extension, one source and type 1 or 2.
        for number in 0..<2000 {
            let time = [0, 1, UInt8(number / 40 & 0xFF), UInt8(number / 10 * 90 & 0xFF)]
            let low = [UInt8(number >> 8), UInt8(number & 0xFF)]
            add(50_100, [0x80, 0x60] + low + time + [1, 2, 3, 4] + random(700, &generator))
            for type in 1...4 as ClosedRange<UInt8> {
                // Each packet of its own time, as of audio.
                add(
                    50_101 + UInt16(type),
                    [0xB1, type] + low + [0, 1] + low + [1, 2, 3, 4]
                        + random(160, &generator))
            }
            add(50_110, [0x81, 200, 0, 12] + random(48, &generator))
        }
        // A query and its answer, a binding request, a first packet of QUIC.
        add(53, parseHex("b110 0100 0001 0000 0000 0000 07 6578616d706c65 03 636f6d 00 0001 0001"))
        add(
            50_111,
            parseHex("b110 8180 0001 0000 0000 0000 07 6578616d706c65 03 636f6d 00 0001 0001"))
        add(3478, parseHex("0001 0000 2112a442 000102030405060708090a0b"))
        add(
            50_112,
            parseHex("c3 00000001 08 0001020304050607 00 00 4482") + random(1178, &generator))
        add(50_113, parseHex("43") + random(40, &generator))
        for _ in 0..<12_000 {
            let port = UInt16(51_000 + generator.uniform(below: 100))
            add(port, random(1 + generator.uniform(below: 200), &generator))
        }
        // Random behind our first byte, and behind our first two.
        for _ in 0..<4000 {
            let port = UInt16(51_000 + generator.uniform(below: 100))
            let type = DatagramHeader.Kind.allCases[generator.uniform(below: 13)].rawValue
            add(port, [0xB1] + random(1 + generator.uniform(below: 200), &generator))
            add(port, [0xB1, type] + random(1 + generator.uniform(below: 200), &generator))
        }
        return all
    }
}
