import NetBasics
import PacketFormats
import TestSupport
import Testing

/// Bytes that nobody would send are decoded or refused, and never end the process.
@Suite struct HostileProtocolTests {
    @Test(arguments: ProtocolSamples.messages)
    func everySampleDecodes(sample: ProtocolSample) throws {
        let fields = try sample.fields

        #expect(!fields.isEmpty)
        #expect(fields.allSatisfy { !$0.description.isEmpty })
    }

    @Test(arguments: ProtocolSamples.messages)
    func everyTruncationDecodesOrIsRefused(sample: ProtocolSample) {
        for count in 0..<sample.bytes.count {
            show(Array(sample.bytes.prefix(count)), as: sample.kind)
        }
        #expect(throws: DecodeError.self) {
            try ProtocolSample.fields(of: [], as: sample.kind)
        }
    }

    @Test(arguments: ProtocolSamples.messages)
    func everyChangedByteDecodesOrIsRefused(sample: ProtocolSample) {
        for index in sample.bytes.indices {
            for mask in [0x01, 0x0F, 0x80, 0xFF] as [UInt8] {
                var bytes = sample.bytes
                bytes[index] ^= mask
                show(bytes, as: sample.kind)
            }
        }
    }

    @Test(arguments: ProtocolSamples.messages)
    func manyChangedBytesDecodeOrAreRefused(sample: ProtocolSample) {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<300 {
            var bytes = sample.bytes
            for _ in 0...generator.uniform(below: 6) {
                bytes[generator.uniform(below: bytes.count)] = UInt8(
                    generator.uniform(below: 256))
            }
            bytes.removeLast(generator.uniform(below: bytes.count))
            show(bytes, as: sample.kind)
        }
    }

    @Test(arguments: ProtocolSamples.messages)
    func aMessageOfAnotherProtocolDecodesOrIsRefused(sample: ProtocolSample) {
        for kind in Set(ProtocolSamples.messages.map(\.kind)) { show(sample.bytes, as: kind) }
    }

    /// Decodes and makes the tree; what is refused is refused with a `DecodeError`.
    private func show(_ bytes: [UInt8], as kind: ProtocolSample.Kind) {
        do {
            for field in try ProtocolSample.fields(of: bytes, as: kind) { _ = field.children }
        } catch {
            #expect(error is DecodeError)
        }
    }
}
