import NetBasics
import Sealing
import Testing

@Suite struct LinkCipherTests {
    private let key = SecretBytes(Array(0..<32))
    private let header: [UInt8] = [9, 8, 7, 6, 5]

    private func ends(
        first: UInt32 = 0, limits: LinkCipher.Limits = .init()
    ) throws -> (LinkSealer, LinkOpener) {
        (
            try LinkSealer(key: key, firstCounter: first, limits: limits, at: .zero),
            try LinkOpener(key: key, firstCounter: first, limits: limits, at: .zero)
        )
    }

    private func datagrams(_ count: Int, from sealer: inout LinkSealer) throws -> [[UInt8]] {
        try (0..<count).map {
            try sealer.seal(Array("text \($0)".utf8), header: header, at: .zero)
        }
    }

    // MARK: - Bytes

    /// The transport messages of the vector have no associated data and count from zero.
    @Test func datagramsFollowThePublishedVector() throws {
        let initiator = try NoiseIKpsk2.Initiator(
            keys: AgreementKeyPair(secret: secret(CacophonyVector.initiatorStatic)),
            ephemeral: AgreementKeyPair(secret: secret(CacophonyVector.initiatorEphemeral)),
            responder: AgreementPublicKey(hex(CacophonyVector.responderStaticPublic)),
            psk: secret(CacophonyVector.psk), prologue: hex(CacophonyVector.prologue),
            payload: hex(CacophonyVector.messages[0].payload))
        let session = try initiator.finish(hex(CacophonyVector.messages[1].ciphertext)).session
        var ours = try LinkSealer(key: session.sendKey, at: .zero)
        var theirs = try LinkSealer(key: session.receiveKey, at: .zero)
        var opener = try LinkOpener(key: session.receiveKey, at: .zero)

        for (index, message) in CacophonyVector.messages.dropFirst(2).enumerated() {
            let counter: [UInt8] = [0, UInt8(index / 2)]
            let expected = counter + hex(message.ciphertext)
            if index % 2 == 0 {
                #expect(try ours.seal(hex(message.payload), header: [], at: .zero) == expected)
            } else {
                #expect(try theirs.seal(hex(message.payload), header: [], at: .zero) == expected)
                #expect(
                    try opener.open(expected, headerBytes: 0, at: .zero) == hex(message.payload))
            }
        }
    }

    @Test func aDatagramIsHeaderCounterTextAndTag() throws {
        var (sealer, opener) = try ends(first: 0x0102_0304)
        let datagram = try sealer.seal([1, 2, 3], header: header, at: .zero)
        let empty = try sealer.seal([], header: [], at: .zero)

        #expect(datagram.count == 5 + 3 + LinkCipher.overheadBytes)
        #expect(Array(datagram[..<7]) == header + [3, 4])
        #expect(try opener.open(datagram, headerBytes: 5, at: .zero) == [1, 2, 3])
        #expect(empty.count == 18)
        #expect(try opener.open(empty, headerBytes: 0, at: .zero) == [])
    }

    @Test func aDatagramSaysWhichOfTwoKeysSealedIt() throws {
        for phase in 0...1 {
            var sealer = try LinkSealer(
                key: key, phase: phase, firstCounter: 0xFFFF_FFFF, at: .zero)
            var opener = try LinkOpener(
                key: key, phase: phase, firstCounter: 0xFFFF_FFFF, at: .zero)
            for _ in 0..<3 {
                let datagram = try sealer.seal([1], header: header, at: .zero)
                let told = datagram.withUnsafeBytes { LinkCipher.phase(of: $0, headerBytes: 5) }
                #expect(told == phase)
                #expect(try opener.open(datagram, headerBytes: 5, at: .zero) == [1])
            }
        }
        let short = [UInt8](repeating: 0xFF, count: 22)
        #expect(short.withUnsafeBytes { LinkCipher.phase(of: $0, headerBytes: 5) } == nil)
    }

    @Test func buffersAreSealedAndOpenedInPlace() throws {
        var (sealer, opener) = try ends()
        var buffer = header + [0, 0] + [1, 2, 3] + [UInt8](repeating: 0xEE, count: 20)

        let count = try buffer.withUnsafeMutableBytes {
            try sealer.seal($0, headerBytes: 5, textBytes: 3, at: .zero)
        }
        let range = try buffer.withUnsafeMutableBytes {
            try opener.open(
                UnsafeMutableRawBufferPointer(rebasing: $0[..<count]), headerBytes: 5, at: .zero)
        }

        #expect(count == 26)
        #expect(range == 7..<10)
        #expect(Array(buffer[range]) == [1, 2, 3])
        #expect(Array(buffer[26...]) == [0xEE, 0xEE, 0xEE, 0xEE])
    }

    @Test func smallBuffersAreRefusedWithoutACounterLost() throws {
        var (sealer, _) = try ends()
        var buffer = [UInt8](repeating: 0, count: 25)

        #expect(throws: SealingError.oversized(limit: 25, needed: 26)) {
            try buffer.withUnsafeMutableBytes {
                try sealer.seal($0, headerBytes: 5, textBytes: 3, at: .zero)
            }
        }
        #expect(try Array(sealer.seal([], header: [], at: .zero)[..<2]) == [0, 0])
    }

    @Test func everyTruncationAndFlippedBitIsRefusedAndChangesNothing() throws {
        var (sealer, opener) = try ends()
        let datagrams = try datagrams(3, from: &sealer)

        for count in datagrams[1].indices {
            #expect(throws: SealingError.self) {
                try opener.open(Array(datagrams[1][..<count]), headerBytes: 5, at: .zero)
            }
        }
        for datagram in flipped(datagrams[1]) {
            #expect(throws: SealingError.notAuthentic) {
                try opener.open(datagram, headerBytes: 5, at: .zero)
            }
        }
        #expect(throws: SealingError.notAuthentic) {
            try opener.open(datagrams[1], headerBytes: 4, at: .zero)
        }
        for datagram in datagrams {
            #expect(throws: Never.self) { try opener.open(datagram, headerBytes: 5, at: .zero) }
        }
    }

    @Test func keysHaveThirtyTwoBytes() {
        #expect(throws: SealingError.wrongLength(needed: 32, available: 16)) {
            try LinkSealer(key: SecretBytes(Array(0..<16)), at: .zero)
        }
        #expect(throws: SealingError.wrongLength(needed: 32, available: 16)) {
            try LinkOpener(key: SecretBytes(Array(0..<16)), at: .zero)
        }
    }

    // MARK: - Order

    @Test(arguments: [0, 1000, UInt32.max - 1500, .max - 40, .max])
    func datagramsOpenOnceInAnyOrder(first: UInt32) throws {
        var (sealer, opener) = try ends(first: first)
        var generator = SeededGenerator(seed: UInt64(first))
        let datagrams = try datagrams(3000, from: &sealer)
        let order = datagrams.indices.map { ($0 + Int.random(in: 0..<500, using: &generator), $0) }
            .sorted { $0 < $1 }.map(\.1)

        for index in order {
            #expect(
                try opener.open(datagrams[index], headerBytes: 5, at: .zero)
                    == Array("text \(index)".utf8))
            #expect(throws: SealingError.replayed) {
                try opener.open(datagrams[index], headerBytes: 5, at: .zero)
            }
        }
    }

    @Test(arguments: [0, 5, UInt32.max - 500, .max - 1024, .max])
    func theWindowEndsAfter1024(first: UInt32) throws {
        var (sealer, opener) = try ends(first: first)
        let datagrams = try datagrams(1200, from: &sealer)

        _ = try opener.open(datagrams[1199], headerBytes: 5, at: .zero)

        #expect(throws: SealingError.self) {
            try opener.open(datagrams[175], headerBytes: 5, at: .zero)
        }
        #expect(throws: Never.self) { try opener.open(datagrams[176], headerBytes: 5, at: .zero) }
        #expect(throws: SealingError.replayed) {
            try opener.open(datagrams[176], headerBytes: 5, at: .zero)
        }
    }

    @Test func whatLiesFarBehindReadsAsFarAhead() throws {
        var limits = LinkCipher.Limits()
        limits.datagramLimit = .max
        var (sealer, opener) = try ends(limits: limits)
        let datagrams = try datagrams(2000, from: &sealer)
        _ = try opener.open(datagrams[1999], headerBytes: 5, at: .zero)

        // Its counter is taken for one of the next 2^15, and the tag does not fit.
        #expect(throws: SealingError.notAuthentic) {
            try opener.open(datagrams[0], headerBytes: 5, at: .zero)
        }
        #expect(throws: Never.self) { try opener.open(datagrams[1998], headerBytes: 5, at: .zero) }
    }

    // MARK: - Limits

    @Test func keysAge() throws {
        var (sealer, opener) = try ends()
        let datagram = try sealer.seal([1], header: header, at: .zero)
        let beforeRekey = Instant.zero + .seconds(120) + .nanoseconds(-1)
        let beforeEnd = Instant.zero + .seconds(180) + .nanoseconds(-1)
        let end = Instant.zero + .seconds(180)

        #expect(!sealer.wantsRekey(at: beforeRekey) && !opener.wantsRekey(at: beforeRekey))
        #expect(sealer.wantsRekey(at: .zero + .seconds(120)))
        #expect(opener.wantsRekey(at: .zero + .seconds(120)))
        #expect(throws: Never.self) { try sealer.seal([1], header: header, at: beforeEnd) }
        #expect(throws: SealingError.expired) { try sealer.seal([1], header: header, at: end) }
        #expect(throws: SealingError.expired) {
            try opener.open(datagram, headerBytes: 5, at: end)
        }
        #expect(throws: Never.self) { try opener.open(datagram, headerBytes: 5, at: beforeEnd) }
        #expect(throws: SealingError.expired) {
            try sealer.seal([1], header: header, at: .distantFuture)
        }
    }

    @Test(arguments: [0, UInt32.max - 3])
    func keysWearOut(first: UInt32) throws {
        var limits = LinkCipher.Limits()
        limits.rekeyDatagrams = 5
        limits.datagramLimit = 10
        var (sealer, opener) = try ends(first: first, limits: limits)
        var fresh = try LinkSealer(key: key, firstCounter: first, at: .zero)

        for count in 0..<10 {
            #expect(sealer.wantsRekey(at: .zero) == (count >= 5))
            #expect(opener.wantsRekey(at: .zero) == (count >= 5))
            let datagram = try sealer.seal([], header: header, at: .zero)
            _ = try opener.open(datagram, headerBytes: 5, at: .zero)
        }

        #expect(throws: SealingError.expired) { try sealer.seal([], header: header, at: .zero) }
        let beyond = try datagrams(11, from: &fresh)[10]
        #expect(throws: SealingError.notAuthentic) {
            try opener.open(beyond, headerBytes: 5, at: .zero)
        }
    }

    @Test func standardLimitsAreThoseOfTheDocumentation() {
        let limits = LinkCipher.Limits()

        #expect(limits.rekeyDatagrams == 1_048_576 && limits.datagramLimit == 2_147_483_648)
        #expect(limits.rekeyAge == .seconds(120) && limits.ageLimit == .seconds(180))
    }
}
