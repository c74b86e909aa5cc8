import NetBasics
import Testing

@testable import Sealing

@Suite struct SFrameTests {
    private let mediaKey = secret(KnownAnswers.secret.mediaKey)
    private let metadata = Array("metadata".utf8)
    private let packet = Array("packet".utf8)

    private func senderKey(_ sender: UInt64 = 0x0123_4567_89AB_CDEF) -> SenderKey {
        SenderKey(mediaKey: mediaKey, sender: sender)
    }

    private func seal(
        _ packet: [UInt8], _ metadata: [UInt8], with sealer: inout SFrameSealer
    ) throws -> [UInt8] {
        var output = [UInt8](repeating: 0xEE, count: packet.count + SFrame.overheadByteLimit)
        let count = try output.withUnsafeMutableBytes { output in
            try packet.withUnsafeBytes { packet in
                try metadata.withUnsafeBytes {
                    try sealer.seal(packet, metadata: $0, into: output)
                }
            }
        }
        #expect(output[count...].allSatisfy { $0 == 0xEE })
        return Array(output[..<count])
    }

    private func open(
        _ sealed: [UInt8], _ metadata: [UInt8], with opener: inout SFrameOpener
    ) throws -> (packet: [UInt8], SFrameOpener.Opened) {
        var output = [UInt8](repeating: 0, count: sealed.count)
        let opened = try output.withUnsafeMutableBytes { output in
            try sealed.withUnsafeBytes { sealed in
                try metadata.withUnsafeBytes {
                    try opener.open(sealed, metadata: $0, into: output)
                }
            }
        }
        return (Array(output[..<opened.byteCount]), opened)
    }

    // MARK: - Known bytes

    /// The sealed packet of any key identifier and counter.
    private func sealed(
        _ packet: [UInt8], _ metadata: [UInt8], with key: SFrameKey, counter: UInt64
    ) -> [UInt8] {
        let cipher = AESGCM(key, .seals)
        let header = SFrameHeader(keyID: key.keyID, counter: counter)
        let textStart = header.byteCount
        var sealed = [UInt8](repeating: 0, count: textStart + packet.count + SFrame.tagBytes)
        sealed.withUnsafeMutableBytes { output in
            guard let start = output.baseAddress else { return }
            header.write(to: start)
            packet.withUnsafeBytes { packet in
                metadata.withUnsafeBytes {
                    cipher.seal(
                        packet, to: start + textStart, tag: start + textStart + packet.count,
                        header: UnsafeRawBufferPointer(start: start, count: textStart),
                        metadata: $0, counter: counter)
                }
            }
        }
        return sealed
    }

    @Test func sealingFollowsTheStandardsVector() {
        let key = SFrameKey(keyID: SFrameVector.keyID, baseKey: secret(SFrameVector.baseKey))
        let sealed = sealed(
            hex(SFrameVector.packet), hex(SFrameVector.metadata), with: key,
            counter: SFrameVector.counter)

        #expect(hex(key.key) == SFrameVector.key)
        #expect(hex(key.salt) == SFrameVector.salt)
        #expect(hex(sealed) == SFrameVector.sealed)
    }

    @Test func allBitsOfKeyIdentifierAndCounterCount() {
        let key = SFrameKey(keyID: .max, baseKey: SecretBytes(Array(0..<16)))
        let sealed = sealed(packet, metadata, with: key, counter: 0x0123_4567_89AB_CDEF)

        #expect(hex(sealed) == KnownAnswers.sealedWithLongNumbers)
    }

    @Test func senderKeysAreKnown() {
        var key = senderKey()
        for (epoch, answer) in KnownAnswers.senderKeys.enumerated() {
            #expect(key.epoch == epoch)
            #expect(hex(key.baseKey) == answer)
            #expect(senderKey().advanced(to: key.epoch) == key)
            key = key.next() ?? key
        }
        #expect(senderKey(1) != senderKey(2))
        #expect(key.advanced(to: 2) == nil)
        #expect(SenderKey(epoch: .max, baseKey: mediaKey).next() == nil)
    }

    @Test func sealedPacketsAreKnownAndOpen() throws {
        for answer in KnownAnswers.sealedPackets {
            var sealer = SFrameSealer(senderKey())
            for _ in 0..<answer.epoch { sealer.ratchet() }
            for _ in 0..<answer.counter { _ = try seal([], [], with: &sealer) }

            let sealed = try seal(packet, metadata, with: &sealer)
            let earlier = senderKey().advanced(to: min(answer.epoch, 2))
            var opener = SFrameOpener(try #require(earlier))
            let (opened, facts) = try open(sealed, metadata, with: &opener)

            #expect(hex(sealed) == answer.sealed)
            #expect(opened == packet)
            #expect(
                facts
                    == .init(
                        epoch: answer.epoch, counter: answer.counter, byteCount: packet.count))
        }
    }

    // MARK: - In place

    @Test func packetsAreSealedAndOpenedWhereTheyLie() throws {
        var sealer = SFrameSealer(senderKey())
        var opener = SFrameOpener(senderKey())
        var buffer = [UInt8](repeating: 0, count: 64)

        for round in 0..<300 {
            let start = sealer.headerByteCount
            buffer.replaceSubrange(start..<start + 6, with: packet)
            let (count, opened) = try buffer.withUnsafeMutableBytes { bytes in
                let text = UnsafeMutableRawBufferPointer(rebasing: bytes[start..<start + 6])
                let none = UnsafeRawBufferPointer(start: nil, count: 0)
                let count = try sealer.seal(
                    UnsafeRawBufferPointer(text), metadata: none, into: bytes)
                #expect(Array(text) != packet)
                let sealed = UnsafeRawBufferPointer(rebasing: bytes[..<count])
                return (count, try opener.open(sealed, metadata: none, into: text))
            }
            #expect(count == start + 6 + 16)
            #expect(opened == .init(epoch: 0, counter: UInt64(round), byteCount: 6))
            #expect(Array(buffer[start..<start + 6]) == packet)
        }
    }

    @Test func packetsOfAllSizesAreCarried() throws {
        var sealer = SFrameSealer(senderKey())
        var opener = SFrameOpener(senderKey())

        for count in [0, 1, 15, 16, 17, 1200, 1452, 9000, 65_535] {
            let packet = [UInt8](repeating: 0xAB, count: count)
            let sealed = try seal(packet, metadata, with: &sealer)
            let tooSmall = UnsafeMutableRawBufferPointer(start: nil, count: 0)
            #expect(try open(sealed, metadata, with: &opener).packet == packet)
            #expect(throws: SealingError.self) {
                try sealed.withUnsafeBytes {
                    let none = UnsafeRawBufferPointer(start: nil, count: 0)
                    _ = try opener.open($0, metadata: none, into: tooSmall)
                }
            }
        }
    }

    @Test func smallBuffersAreRefusedWithoutACounterLost() throws {
        var sealer = SFrameSealer(senderKey())
        var output = [UInt8](repeating: 0, count: 22)

        #expect(throws: SealingError.oversized(limit: 22, needed: 23)) {
            try output.withUnsafeMutableBytes { output in
                try packet.withUnsafeBytes {
                    try sealer.seal(
                        $0, metadata: UnsafeRawBufferPointer(start: nil, count: 0), into: output)
                }
            }
        }
        #expect(hex(try seal(packet, metadata, with: &sealer)) == KnownAnswers.sealedPackets[0].2)
    }

    // MARK: - Hostile packets

    @Test(arguments: [0, 7, 8, 300])
    func everyTruncationAndFlippedBitIsRefused(before: Int) throws {
        var sealer = SFrameSealer(senderKey())
        var opener = SFrameOpener(senderKey())
        for _ in 0..<before { _ = try seal([], [], with: &sealer) }
        let sealed = try seal(packet, metadata, with: &sealer)

        for count in sealed.indices {
            #expect(throws: SealingError.self) {
                try open(Array(sealed[..<count]), metadata, with: &opener)
            }
        }
        for wrong in flipped(sealed) {
            #expect(throws: SealingError.self) { try open(wrong, metadata, with: &opener) }
        }
        for wrong in flipped(metadata) + [[], metadata + [0]] {
            #expect(throws: SealingError.notAuthentic) { try open(sealed, wrong, with: &opener) }
        }
        #expect(try open(sealed, metadata, with: &opener).packet == packet)
        #expect(opener.epoch == 0)
    }

    @Test func whatIsNotAuthenticIsNotShown() throws {
        var sealer = SFrameSealer(senderKey())
        var opener = SFrameOpener(senderKey())
        var sealed = try seal(packet, metadata, with: &sealer)
        sealed[sealed.count - 1] ^= 1
        var output = [UInt8](repeating: 0xEE, count: 10)

        #expect(throws: SealingError.notAuthentic) {
            try output.withUnsafeMutableBytes { output in
                try sealed.withUnsafeBytes { sealed in
                    try metadata.withUnsafeBytes {
                        _ = try opener.open(sealed, metadata: $0, into: output)
                    }
                }
            }
        }

        #expect(output == [0, 0, 0, 0, 0, 0, 0xEE, 0xEE, 0xEE, 0xEE])
    }

    @Test func packetsOfOtherSendersAndGroupsAreRefused() throws {
        var sealer = SFrameSealer(senderKey())
        var other = SFrameOpener(senderKey(7))
        var stranger = SFrameOpener(
            SenderKey(mediaKey: SecretBytes([UInt8](repeating: 1, count: 32)), sender: 7))
        let sealed = try seal(packet, metadata, with: &sealer)

        #expect(throws: SealingError.notAuthentic) { try open(sealed, metadata, with: &other) }
        #expect(throws: SealingError.notAuthentic) { try open(sealed, metadata, with: &stranger) }
    }

    // MARK: - Epochs

    @Test func receiversFollowEpochsAndKeepTheOneBefore() throws {
        var sealer = SFrameSealer(senderKey())
        var opener = SFrameOpener(senderKey())
        var sealed: [[UInt8]] = []
        for _ in 0..<20 {
            sealed.append(try seal(packet, metadata, with: &sealer))
            sealer.ratchet()
        }

        #expect(try open(sealed[0], metadata, with: &opener).1.epoch == 0)
        #expect(try open(sealed[5], metadata, with: &opener).1.epoch == 5)
        #expect(try open(sealed[0], metadata, with: &opener).1.epoch == 0)
        #expect(throws: SealingError.unknownEpoch) {
            try open(sealed[4], metadata, with: &opener)
        }
        #expect(throws: SealingError.unknownEpoch) {
            try open(sealed[14], metadata, with: &opener)
        }
        #expect(opener.epoch == 5)
        #expect(try open(sealed[13], metadata, with: &opener).1.epoch == 13)
        #expect(try open(sealed[5], metadata, with: &opener).1.epoch == 5)
        #expect(throws: SealingError.unknownEpoch) {
            try open(sealed[0], metadata, with: &opener)
        }
        #expect(opener.epoch == 13)
    }

    @Test func forgedEpochsChangeNothing() throws {
        var sealer = SFrameSealer(senderKey())
        var opener = SFrameOpener(senderKey())
        let sealed = try seal(packet, metadata, with: &sealer)

        for keyID in [1, 2, 8, 9, 65_535, 65_536, UInt64.max] {
            let header = SFrameHeader(keyID: keyID, counter: 0)
            var forged = [UInt8](repeating: 0x77, count: header.byteCount + 30)
            forged.withUnsafeMutableBytes { $0.baseAddress.map { header.write(to: $0) } }
            let expected: SealingError = keyID <= 8 ? .notAuthentic : .unknownEpoch
            #expect(throws: expected) { try open(forged, metadata, with: &opener) }
        }

        #expect(opener.epoch == 0)
        #expect(try open(sealed, metadata, with: &opener).packet == packet)
    }

    @Test func aSealerUsesNoCounterTwiceAndEndsWithItsEpochs() throws {
        let last = SenderKey(epoch: .max - 1, baseKey: mediaKey)
        var sealer = SFrameSealer(last, epochPacketLimit: 3)
        var headers: [SFrameHeader] = []

        for _ in 0..<6 {
            let sealed = try seal(packet, metadata, with: &sealer)
            headers.append(try sealed.withUnsafeBytes { try SFrameHeader(decoding: $0) })
        }

        #expect(
            headers
                == [65_534, 65_535].flatMap { epoch in
                    (0..<3).map { SFrameHeader(keyID: epoch, counter: $0) }
                })
        #expect(throws: SealingError.expired) { try seal(packet, metadata, with: &sealer) }
        #expect(throws: SealingError.expired) { try seal([], [], with: &sealer) }
    }

    @Test func overheadIsAtMost22Bytes() {
        let longest = SFrameHeader(
            keyID: UInt64(SFrame.epochLimit), counter: SFrame.epochPacketLimit - 1)

        #expect(longest.byteCount + SFrame.tagBytes == SFrame.overheadByteLimit)
        #expect(SFrame.overheadByteLimit == 22)
    }
}
