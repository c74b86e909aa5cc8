import NetBasics
import Testing

@testable import Sealing

/// Tags of many headers at once, against libsodium's of one.
@Suite struct TaggedHeadersTests {
    private var generator = SeededGenerator(seed: 1)

    private mutating func random(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    }

    private func set(_ message: [UInt8], at index: Int, of headers: borrowing TaggedHeaders) {
        message.withUnsafeBytes { message in
            guard let start = message.baseAddress else { preconditionFailure("empty") }
            headers.set(
                index, message.loadUnaligned(as: UInt64.self),
                message.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
                message.loadUnaligned(fromByteOffset: 16, as: UInt32.self), seal: start + 20)
        }
    }

    private func written(
        _ index: Int, link: UInt64, of headers: borrowing TaggedHeaders
    ) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: 20 + MediaTag.byteCount)
        output.withUnsafeMutableBytes { output in
            if let start = output.baseAddress { headers.write(index, link: link, to: start) }
        }
        return output
    }

    /// Header and tag as they should be: `link` is 8 bytes.
    private func expected(_ message: [UInt8], link: [UInt8], by key: [UInt8]) throws -> [UInt8] {
        let header = zip(message, link).map { $0 | $1 } + message[8..<20]
        let key = try MediaTagKey(SecretBytes(key))
        let tag = (header + message[20...]).withUnsafeBytes { key.tag(of: $0) }
        var output = header + [UInt8](repeating: 0, count: MediaTag.byteCount)
        output.withUnsafeMutableBytes { output in
            if let start = output.baseAddress { tag.write(to: start + header.count) }
        }
        return output
    }

    @Test(arguments: [1, 7, 8, 9, 64])
    func allUnderOneKey(count: Int) throws {
        var suite = self
        let headers = TaggedHeaders(capacity: 64)
        for _ in 0..<20 {
            let messages = (0..<count).map { _ in suite.random(36) }
            let (key, link) = (suite.random(16), suite.random(8))
            for (index, message) in messages.enumerated() { set(message, at: index, of: headers) }
            let word = link.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
            headers.tag(count, link: word, by: try MediaTagKey(SecretBytes(key)))

            for (index, message) in messages.enumerated() {
                #expect(
                    written(index, link: word, of: headers)
                        == (try expected(message, link: link, by: key)))
            }
        }
    }

    @Test func oneUnderManyKeys() throws {
        var suite = self
        let source = TaggedHeaders(capacity: 8)
        let headers = TaggedHeaders(capacity: 8)
        for _ in 0..<20 {
            let message = suite.random(36)
            set(message, at: 3, of: source)
            let keys = (0..<8).map { _ in suite.random(16) }
            let links = (0..<8).map { _ in suite.random(8) }
            for index in 0..<8 {
                let link = links[index].withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
                headers.set(index, to: source, 3, link: link)
                headers.setKey(index, try MediaTagKey(SecretBytes(keys[index])))
            }
            headers.tagEach()

            for index in 0..<8 {
                #expect(
                    written(index, link: 0, of: headers)
                        == (try expected(message, link: links[index], by: keys[index])))
            }
        }
    }

    @Test func theTagIsTheReferenceVector() throws {
        let headers = TaggedHeaders(capacity: 8)
        set(Array(0..<36), at: 0, of: headers)
        headers.tag(1, link: 0, by: try MediaTagKey(SecretBytes(Array(0..<16))))

        #expect(hex(Array(written(0, link: 0, of: headers)[20...])) == sipHashVectors[36])
    }
}
