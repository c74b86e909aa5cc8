import NetBasics

/// A packet in one line for people, or in seven columns for programs.
package struct PacketSummary: Equatable, Sendable {
    /// From one.
    package var number: UInt64
    /// Since the first packet.
    package var time: Duration
    /// An address of IP, or of the link where there is no IP; empty if neither is known.
    package var source = ""
    package var destination = ""
    /// The uppermost protocol that is known: `RTP`, `IGMPv3`, `UDP`, ….
    package var protocolName = ""
    /// On the wire, link-layer header included.
    package var byteCount: Int
    package var info = ""

    init(number: UInt64, time: Duration, byteCount: Int) {
        self.number = number
        self.time = time
        self.byteCount = byteCount
    }

    /// Seconds with six decimals; cut, not rounded.
    package var timeText: String { Self.text(time.nanoseconds, decimals: 6) }

    /// Nanoseconds as seconds with so many decimals, nine at most.
    static func text(_ nanoseconds: Int64, decimals: Int) -> String {
        let (seconds, fraction) = nanoseconds.magnitude.quotientAndRemainder(
            dividingBy: 1_000_000_000)
        let digits = String(fraction)
        let padded = String(repeating: "0", count: 9 - digits.utf8.count) + digits
        return (nanoseconds < 0 ? "-" : "") + "\(seconds)." + padded.prefix(decimals)
    }
}

extension PacketSummary: CustomStringConvertible {
    /// Such as `    3   0.020000 192.0.2.1 -> 239.1.2.3  RTP 214  payload type 96, ...`.
    package var description: String {
        let start = aligned("\(number)", 6) + " " + aligned(timeText, 11)
        let path = source.isEmpty && destination.isEmpty ? "-" : "\(source) -> \(destination)"
        return "\(start)  \(path)  \(protocolName) \(byteCount)  \(info)"
    }

    private func aligned(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.utf8.count)) + text
    }
}
