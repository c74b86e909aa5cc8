import Testing

@testable import Sealing

@Suite struct MediaTagTests {
    private let key: MediaTagKey
    private let header = Array<UInt8>(100..<128)
    private let seal = Array<UInt8>(200..<216)

    init() throws { key = try MediaTagKey(SecretBytes(Array(0..<16))) }

    private func bytes(_ tag: MediaTag) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: MediaTag.byteCount)
        output.withUnsafeMutableBytes { $0.baseAddress.map { tag.write(to: $0) } }
        return output
    }

    private func tag(of header: [UInt8], _ seal: [UInt8]) -> MediaTag {
        header.withUnsafeBytes { header in
            seal.withUnsafeBytes { seal in
                guard let start = seal.baseAddress else { preconditionFailure("no seal") }
                return key.tag(header: header, seal: start)
            }
        }
    }

    private func verifies(_ tag: [UInt8], _ header: [UInt8], _ seal: [UInt8]) -> Bool {
        tag.withUnsafeBytes { tag in
            header.withUnsafeBytes { header in
                seal.withUnsafeBytes { seal in
                    guard let tag = tag.baseAddress, let seal = seal.baseAddress else {
                        return false
                    }
                    return key.verifies(tag, header: header, seal: seal)
                }
            }
        }
    }

    @Test(arguments: sipHashVectors.indices)
    func tagsAreTheReferenceVectors(count: Int) {
        let message = (0..<count).map(UInt8.init)

        #expect(message.withUnsafeBytes { hex(bytes(key.tag(of: $0))) } == sipHashVectors[count])
        if count >= 16, count <= 64 {
            let apart = tag(of: Array(message.dropLast(16)), Array(message.suffix(16)))
            #expect(hex(bytes(apart)) == sipHashVectors[count])
        }
    }

    @Test func aTagIsOfItsHeaderItsBodyAndItsKey() throws {
        let good = bytes(tag(of: header, seal))
        let other = try MediaTagKey(SecretBytes(Array(1..<17)))
        let same = try MediaTagKey(SecretBytes(Array(0..<16)))

        #expect(verifies(good, header, seal))
        for wrong in flipped(good) { #expect(!verifies(wrong, header, seal)) }
        for wrong in flipped(header) { #expect(!verifies(good, wrong, seal)) }
        for wrong in flipped(seal) { #expect(!verifies(good, header, wrong)) }
        for count in header.indices {
            #expect(!verifies(good, Array(header[..<count]), seal))
        }
        #expect((header + seal).withUnsafeBytes { bytes(same.tag(of: $0)) } == good)
        #expect((header + seal).withUnsafeBytes { bytes(other.tag(of: $0)) } != good)
    }

    @Test func headersOfAllLengthsAreTagged() {
        for count in [0, 24, 40, MediaTagKey.headerByteLimit] {
            let header = [UInt8](repeating: 3, count: count)
            #expect(verifies(bytes(tag(of: header, seal)), header, seal))
        }
    }

    @Test func longHeadersAreRefused() async {
        await #expect(processExitsWith: .failure) {
            let key = try MediaTagKey(SecretBytes(Array(0..<16)))
            let bytes = [UInt8](repeating: 0, count: 64)
            bytes.withUnsafeBytes { bytes in
                guard let start = bytes.baseAddress else { return }
                _ = key.tag(
                    header: UnsafeRawBufferPointer(rebasing: bytes[..<49]), seal: start)
            }
        }
    }

    @Test func keysHaveSixteenBytesAndAreNotShown() throws {
        #expect(throws: SealingError.wrongLength(needed: 16, available: 15)) {
            try MediaTagKey(SecretBytes(Array(0..<15)))
        }
        var dumped = ""
        dump(key, to: &dumped)
        #expect("\(key) \(String(reflecting: key))" == "secret of 16 bytes secret of 16 bytes")
        #expect(dumped == "- secret of 16 bytes\n")
    }

    // hashlib.blake2b(b"polycast media tag 1\0" + handshake hash, key=direction, digest_size=16)
    @Test func keysComeFromTheHandshake() throws {
        let session = NoiseIKpsk2.Session(
            sendKey: SecretBytes(Array(0..<32)), receiveKey: SecretBytes(Array(32..<64)),
            handshakeHash: Array(64..<128))
        let sent = try (header + seal).withUnsafeBytes { bytes(try session.sendTagKey.tag(of: $0)) }
        let received = try (header + seal).withUnsafeBytes {
            bytes(try session.receiveTagKey.tag(of: $0))
        }

        #expect(sent != received)
        let expected = try MediaTagKey(secret(KnownAnswers.sendTagKey))
        #expect((header + seal).withUnsafeBytes { bytes(expected.tag(of: $0)) } == sent)
    }
}
