import NetBasics
import Testing

@testable import Sealing

/// The tag of 36 bytes whose first 16 are taken in once.
@Suite struct MediaTagPrefixTests {
    private func key(_ bytes: [UInt8]) throws -> MediaTagKey {
        try MediaTagKey(SecretBytes(bytes))
    }

    private func bytes(_ tag: MediaTag) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: MediaTag.byteCount)
        output.withUnsafeMutableBytes { $0.baseAddress.map { tag.write(to: $0) } }
        return output
    }

    private func split(
        _ message: [UInt8], by key: MediaTagKey
    ) -> (prefix: MediaTagPrefix, rest: MediaTagPrefix.Rest) {
        message.withUnsafeBytes { message in
            guard let start = message.baseAddress else { preconditionFailure("empty") }
            return (
                MediaTagPrefix(
                    key, message.loadUnaligned(as: UInt64.self),
                    message.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
                MediaTagPrefix.Rest(
                    message.loadUnaligned(fromByteOffset: 16, as: UInt32.self), seal: start + 20)
            )
        }
    }

    @Test func theTagIsTheReferenceVector() throws {
        let (prefix, rest) = split(Array(0..<36), by: try key(Array(0..<16)))

        #expect(hex(bytes(prefix.tag(of: rest))) == sipHashVectors[36])
    }

    @Test func randomTagsAreThoseOfLibsodium() throws {
        var generator = SeededGenerator(seed: 1)
        func random(_ count: Int) -> [UInt8] {
            (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        }
        for _ in 0..<200 {
            let key = try key(random(16))
            let message = random(36)
            let (prefix, rest) = split(message, by: key)

            #expect(prefix.tag(of: rest) == message.withUnsafeBytes { key.tag(of: $0) })
        }
    }
}
