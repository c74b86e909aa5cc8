import Inspection
import NetBasics
import PacketFormats
import TestSupport
import Testing

/// No bytes end the process, whatever they claim.
@Suite struct PacketTreeHostileTests {
    @Test(arguments: SampleFrames.all)
    func everyTruncationIsShown(sample: SampleFrame) {
        var tree = PacketTree()
        for count in 0..<sample.bytes.count {
            show(Array(sample.bytes.prefix(count)), sample, in: &tree)
        }
    }

    @Test(arguments: SampleFrames.all)
    func everyChangedByteIsShown(sample: SampleFrame) {
        var tree = PacketTree()
        for index in sample.bytes.indices {
            for mask in [0x01, 0x0F, 0x80, 0xFF] as [UInt8] {
                var bytes = sample.bytes
                bytes[index] ^= mask
                show(bytes, sample, in: &tree)
            }
        }
    }

    @Test(arguments: LinkType.allCases)
    func framesAreShownOnEveryLink(type: LinkType) {
        var tree = PacketTree()
        for sample in SampleFrames.all {
            var other = sample
            other.linkType = type
            show(sample.bytes, other, in: &tree)
        }
    }

    @Test(arguments: 1...8)
    func noiseIsShown(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var tree = PacketTree()
        for sample in SampleFrames.all {
            for _ in 0..<20 {
                var bytes = sample.bytes
                for _ in 0...generator.uniform(below: 8) {
                    bytes[generator.uniform(below: bytes.count)] = UInt8(
                        generator.uniform(below: 256))
                }
                bytes.removeLast(generator.uniform(below: bytes.count))
                show(bytes, sample, in: &tree)
            }
        }
    }

    private func show(_ bytes: [UInt8], _ sample: SampleFrame, in tree: inout PacketTree) {
        let packet = CapturedPacket(
            time: .zero, wireByteCount: bytes.count, range: 0..<bytes.count)
        let fields = tree.fields(
            of: bytes.span.bytes, packet, linkType: sample.linkType, number: 1,
            interfaceName: "eth0")
        #expect(fields.first?.name == "frame")
    }
}
