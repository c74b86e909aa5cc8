import Capture
import Foundation
import NetBasics
import PacketFormats
import Testing

/// Files as they are written to a disk and read again.
@Suite struct CaptureFileTests {
    @Test func commentsAndDropsOfACopyAreThoseOfTheFile() throws {
        let path = FileManager.default.temporaryDirectory
            .appending(path: "polycast-\(UUID().uuidString).pcapng").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let data = [UInt8](0..<60)
        let time = Instant(nanoseconds: 1_700_000_000_000_000_001)
        let writer = try CaptureFileWriter(
            CaptureFilePlan(path: path),
            interfaces: [CaptureInterface(linkType: 1, name: "eth0")], filter: "",
            application: "test", at: time)

        try data.withUnsafeBytes { bytes in
            for comment in ["look here", nil] {
                try writer.write(
                    bytes,
                    CapturedPacket(
                        time: time, wireByteCount: 60, range: 0..<60, comment: comment))
            }
        }
        try writer.finish([CaptureCounts(received: 2, kernelDropped: 3)])
        var reader = try CaptureFileReader(path: path)
        var comments: [String?] = []
        while let packet = reader.next() { comments.append(packet.comment) }

        #expect(comments == ["look here", nil])
        #expect(reader.end == .complete)
        #expect(reader.parser.interfaces.map(\.counts.kernelDropped) == [3])
    }
}
