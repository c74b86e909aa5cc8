import NetBasics
import Wire

/// The built-in source: packets of one size at a steady rate.
package struct TestPattern: Equatable, Sendable {
    /// 1 kbit/s to 1 Gbit/s, of payload.
    package let rate: BitRate
    /// 32 to 1400 bytes: the smallest has 8 bytes of checked fill, the largest fits an Ethernet
    /// frame with all headers.
    package let payloadByteCount: Int
    package let kind: MediaKind
    package let priority: UInt8

    package static let rateRange: ClosedRange<Int64> = 1000...1_000_000_000
    package static let payloadByteRange: ClosedRange<Int> = 32...1400

    /// Refuses what is outside the ranges.
    package init(
        rate: BitRate, payloadByteCount: Int, kind: MediaKind = .data, priority: UInt8? = nil
    ) throws(MediaError) {
        guard Self.rateRange.contains(rate.bitsPerSecond) else {
            throw MediaError(
                .usage, "test pattern with rate=\(rate)", advice: "choose a rate from 1k to 1G")
        }
        guard Self.payloadByteRange.contains(payloadByteCount) else {
            throw MediaError(
                .usage, "test pattern with size=\(payloadByteCount)",
                advice: "choose a size from 32 to 1400 bytes")
        }
        self.rate = rate
        self.payloadByteCount = payloadByteCount
        self.kind = kind
        self.priority = priority ?? kind.defaultPriority
    }

    /// Parses `test:rate=2M,size=1200,kind=video,priority=2`; rate 1M and size 1200 if left out.
    package init(parsing text: String) throws(MediaError) {
        let options = try LocatorOptions(
            parsing: text.dropFirst("test:".count), separator: ",", of: shown(text))
        try options.allowOnly(["rate", "size", "kind", "priority"])
        try self.init(
            rate: try BitRate(parsing: options["rate"] ?? "1M"),
            payloadByteCount: try options.number("size", in: Self.payloadByteRange) ?? 1200,
            kind: try options.kind() ?? .data, priority: try options.priority())
    }
}
