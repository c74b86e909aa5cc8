import Foundation
import Testing

/// A capture file as Wireshark's tools and a small reader of pcapng's blocks see it.
struct CaptureFile {
    let url: URL

    static let isPossible = Files.has("capinfos") && Files.has("tshark") && Traffic.isPossible
    static let comment: Comment =
        "tshark, capinfos and python3 are installed (tools/setup installs them)"

    /// Number of packets, by capinfos, which refuses a file that is cut or broken.
    func packetCount() throws -> Int {
        let text = try Program.run("capinfos", "-r", "-T", "-M", "-c", url.path)
        let words = text.split(whereSeparator: \.isWhitespace)
        return try #require(words.last.flatMap { Int($0) }, "\(text)")
    }

    /// Everything that capinfos tells, interfaces included.
    func description() throws -> String { try Program.run("capinfos", "-M", url.path) }

    /// Of each packet the values of `fields`, by tshark.
    func show(_ fields: [String], where filter: String = "", _ options: [String] = []) throws
        -> [[String]]
    {
        let words =
            ["tshark", "-n", "-r", url.path, "-T", "fields", "-E", "separator=;"] + options
            + (filter.isEmpty ? [] : ["-Y", filter]) + fields.flatMap { ["-e", $0] }
        return try Program.run(list: words).split(separator: "\n").map { line in
            line.split(separator: ";", omittingEmptySubsequences: false).map(String.init)
        }
    }

    /// Sequence numbers of its RTP packets, on each interface.
    func sequences(port: Int = 5004) throws -> [String: [Int]] {
        var numbers: [String: [Int]] = [:]
        let decoded = ["-d", "udp.port==\(port),rtp"]
        for line in try show(["frame.interface_name", "rtp.seq"], where: "rtp", decoded) {
            numbers[line[0], default: []].append(Int(line[1]) ?? -1)
        }
        return numbers
    }

    /// Counters of its interface statistics: of each, the values by option code.
    func statistics() throws -> [[Int: Int]] {
        let bytes = [UInt8](try Data(contentsOf: url))
        func number(_ range: Range<Int>) -> Int {
            range.reversed().reduce(0) { $0 << 8 | Int(bytes[$1]) }
        }
        var (found, offset): ([[Int: Int]], Int) = ([], 0)
        while offset + 12 <= bytes.count {
            let length = number(offset + 4..<offset + 8)
            guard length >= 12, offset + length <= bytes.count else {
                throw LabError("no block at byte \(offset)")
            }
            if number(offset..<offset + 4) == 5 {
                var (options, place): ([Int: Int], Int) = ([:], offset + 20)
                while number(place..<place + 2) != 0 {
                    let size = number(place + 2..<place + 4)
                    options[number(place..<place + 2)] = number(place + 4..<place + 4 + size)
                    place += 4 + (size + 3) / 4 * 4
                }
                found.append(options)
            }
            offset += length
        }
        return found
    }
}
