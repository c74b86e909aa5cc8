import NetBasics
import Wire

@testable import Sealing

private let mediaKey = SecretBytes([UInt8](repeating: 5, count: 32))

private func metadata(_ header: MediaHeader) -> [UInt8] {
    [header.stream.index]
        + withUnsafeBytes(of: header.stream.source.rawValue) { Array($0) }
        + withUnsafeBytes(of: header.sequence) { Array($0) }
}

/// Seals packets that consist of their number; epochs are short.
struct Sealer {
    static let packetBytes = 8
    static let epochPackets: UInt64 = 50
    static let sealedBytes = packetBytes + 20

    private final class Box {
        var sealer: SFrameSealer
        init(_ source: PeerID) {
            sealer = SFrameSealer(
                SenderKey(mediaKey: mediaKey, sender: source.rawValue),
                epochPacketLimit: Sealer.epochPackets)
        }
    }

    private var box: Box?
    var epoch: UInt16 { box?.sealer.epoch ?? 0 }

    mutating func begin(_ source: PeerID) { box = Box(source) }

    func seal(_ number: Int, _ header: MediaHeader) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: Self.packetBytes + 32)
        let count = withUnsafeBytes(of: UInt64(number)) { packet in
            metadata(header).withUnsafeBytes { metadata in
                output.withUnsafeMutableBytes {
                    try? box?.sealer.seal(packet, metadata: metadata, into: $0)
                }
            }
        }
        return Array(output.prefix(count ?? 0))
    }
}

/// Opens what sources sealed.
struct Openers {
    private final class Box {
        var opener: SFrameOpener
        init(_ source: PeerID) {
            opener = SFrameOpener(SenderKey(mediaKey: mediaKey, sender: source.rawValue))
        }
    }

    private var boxes: [PeerID: Box] = [:]

    mutating func keep(_ sources: [PeerID]) {
        boxes = boxes.filter { sources.contains($0.key) }
        for source in sources where boxes[source] == nil { boxes[source] = Box(source) }
    }

    /// The number of a packet; `nil` if it does not open.
    func open(_ body: [UInt8], _ header: MediaHeader) -> Int? {
        var output: UInt64 = 0
        let opened = body.withUnsafeBytes { body in
            metadata(header).withUnsafeBytes { metadata in
                withUnsafeMutableBytes(of: &output) {
                    try? boxes[header.stream.source]?.opener.open(
                        body, metadata: metadata, into: $0)
                }
            }
        }
        return opened?.byteCount == Sealer.packetBytes ? Int(output) : nil
    }
}
