import NetBasics
import PacketFormats

package enum PacketOutput: Equatable, Sendable {
    case text, tree, json, ndjson, csv, fields([String])
}
struct PacketPrinter {
    init(_ output: PacketOutput, interfaces: [CaptureInterface]) {}
    func begin() -> String { "" }
    mutating func line(_ bytes: RawSpan, _ packet: CapturedPacket, number: UInt64) -> String { "" }
    func end() -> String { "" }
}
