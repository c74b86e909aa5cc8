import NetBasics
import Testing
import Wire

@Suite struct DatagramTests {
    @Test(arguments: Samples.all)
    func encodingGivesTheDrawnBytes(sample: Sample) {
        #expect(sample.datagram.encoded == sample.bytes)
    }

    @Test(arguments: Samples.all)
    func decodingGivesTheValueBack(sample: Sample) throws {
        #expect(try decode(sample.bytes) == sample.datagram)
    }

    @Test(arguments: Samples.all)
    func everyTruncationIsRefused(sample: Sample) throws {
        for count in 0..<sample.bytes.count {
            let cut = Array(sample.bytes[..<count])
            if sample.recordEnds.contains(count) {
                // A control datagram without its last records is a whole datagram.
                #expect(try decode(cut) != sample.datagram)
            } else {
                #expect(throws: DecodeError.self, "\(count) bytes") { try decode(cut) }
            }
        }
    }

    @Test(arguments: Samples.all)
    func bytesBehindTheEndAreRefused(sample: Sample) {
        #expect(throws: DecodeError.self) { try decode(sample.bytes + [0]) }
        #expect(throws: DecodeError.self) { try decode(sample.bytes + [0xFF, 0xFF, 0xFF]) }
    }

    @Test(arguments: Samples.all)
    func headersOfOthersAreRefused(sample: Sample) {
        func error(_ offset: Int, _ value: UInt8) -> DecodeError? {
            var bytes = sample.bytes
            bytes[offset] = value
            return #expect(throws: DecodeError.self) { try decode(bytes) }
        }

        #expect(error(0, 0xA1) == .unknownMagic)
        #expect(error(0, 0xB0) == .unsupportedVersion(0))
        #expect(error(0, 0xB2) == .unsupportedVersion(2))
        #expect(error(1, 0x00) == .unknownType(0))
        #expect(error(1, 0x24) == .unknownType(0x24))
        #expect(error(2, 1) == .invalidField("flags"))
        #expect(error(3, 1) == .invalidField("flags"))
    }

    @Test func everyMessageHasASample() {
        let kinds = Set(Samples.all.map { $0.bytes[1] })
        let records = Set(Samples.records.map { $0.bytes[8] })

        let expected = DatagramHeader.Kind.allCases.map(\.rawValue).filter {
            $0 != DatagramHeader.Kind.media.rawValue
                && $0 != DatagramHeader.Kind.mediaPiece.rawValue
                && $0 != DatagramHeader.Kind.parity.rawValue
        }
        #expect(kinds == Set(expected))
        #expect(records == Set(1...24).union([26, 27]))
    }

    @Test func oversizedDatagramsAreRefused() throws {
        let record = parseHex("0c 5152535455565758 00")
        let start = parseHex("b1020000 41424344")
        let largest = start + (0..<119).flatMap { _ in record } + [13, 13]

        #expect(largest.count == 1200)
        #expect(throws: Never.self) { try decode(largest) }
        #expect(throws: DecodeError.oversized(limit: 1200, actual: 1210)) {
            try decode(largest + record)
        }
    }

    @Test func messagesAreSpreadOverAsFewDatagramsAsHoldThem() throws {
        let description = StreamDescription(
            stream: StreamID(source: source, index: 0), version: 1, streamCount: 1, kind: .video,
            priority: 0, format: .rtp, rate: 1, member: name(String(repeating: "n", count: 32)),
            mediaText: String(repeating: "t", count: StreamDescription.mediaTextLimit))
        let messages =
            [ControlMessage.ping(time: 1), .description(description), .description(description)]
            + (0..<400).map { ControlMessage.ping(time: $0) }

        let datagrams = ControlDatagram(token: token, messages: messages).encodedDatagrams

        #expect(datagrams.allSatisfy { $0.count <= ControlDatagram.byteLimit })
        #expect(datagrams.count == 4)
        var read: [ControlMessage] = []
        for bytes in datagrams {
            guard case .control(let datagram) = try decode(bytes) else { continue }
            read += datagram.messages
        }
        #expect(read == messages)
    }

    @Test func theLargestReplyAndRefusalFit() {
        let reply = RendezvousMessage.reply(
            RendezvousReply(
                transaction: 1, lease: .seconds(Int64.max), memberCount: .max, sourceCount: .max,
                namesakeCount: .max, observed: far.endpoint,
                peers: Array(repeating: PeerEntry(contact: far, code: code), count: 16)))

        #expect(reply.encoded.count == 736)
        #expect(throws: Never.self) { try decode(reply.encoded) }
    }

    @Test func aSignatureCoversWhatLasts() {
        var request = RendezvousRequest(
            transaction: 1, operation: .registerSource, key: key, alias: alias, peer: peer,
            cookie: cookie)
        request.code = code

        #expect(
            request.signedBytes(from: near.endpoint)
                == parseHex(
                    """
                    04 a1a2a3a4a5a6a7a8 2122232425262728 04 c0000201 1ce8
                    b1b2b3b4b5b6b7b8b9babbbcbdbebfc0
                    """))
        #expect(near.entryBytes == parseHex("2122232425262728 04 c0000201 1ce8"))
        #expect(
            far.entryBytes
                == parseHex("5152535455565758 06 20010db8000000000000000000000005 ffff"))
    }

    @Test func challengesAndRefusalsAreSmallerThanRequests() {
        let request = Samples.rendezvous[0].bytes.count

        #expect(request == 157)
        for (observed, bytes) in [(near.endpoint, 35), (far.endpoint, 47)] {
            let challenge = RendezvousMessage.challenge(
                transaction: 1, cookie: cookie, observed: observed)
            #expect(challenge.encoded.count == bytes)
        }
        for reason in RendezvousRefusalReason.allCases {
            let refusal = RendezvousMessage.refusal(transaction: 1, reason: reason)
            #expect(refusal.encoded.count == 13)
        }
    }
}
