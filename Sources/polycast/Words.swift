import Management
import NetBasics
import Wire

/// The accepted words behind a verb: values by option, and operands.
///
/// Its readers turn text into valid values; each ``Failure`` names the option, the value and
/// what to write instead.
struct Words: Sendable {
    /// Values in the order given; an empty text for each toggle.
    var values: [String: [String]] = [:]
    var operands: [String] = []

    func has(_ option: String) -> Bool { values[option] != nil }
    func count(_ option: String) -> Int { values[option]?.count ?? 0 }
    func all(_ option: String) -> [String] { values[option] ?? [] }
    func text(_ option: String) -> String? { values[option]?.last }

    /// A text that is not empty, such as a path.
    func filledText(_ option: String, _ noun: String) throws(Failure) -> String? {
        try read(option, "give \(noun)") { $0.isEmpty ? nil : $0 }
    }

    func name(_ option: String) throws(Failure) -> String? {
        let advice = "write 1 to \(MemberName.lengthLimit) of A-Z a-z 0-9 . _ -, no dot first"
        return try read(option, advice) { MemberName($0)?.description }
    }

    func algorithm(_ option: String) throws(Failure) -> AlgorithmChoice? {
        try read(option, "write spt, flood or auto") { AlgorithmChoice(rawValue: $0) }
    }

    func endpoint(_ option: String) throws(Failure) -> Endpoint? {
        try read(option, "write ADDRESS:PORT, as in 192.0.2.1:7400 or [::]:7400") {
            let endpoint = Endpoint($0)
            return endpoint?.address.isMulticast == true ? nil : endpoint
        }
    }

    func bitRate(_ option: String) throws(Failure) -> BitRate? {
        guard let text = text(option) else { return nil }
        if let rate = BitRate(text) { return rate }
        guard !text.contains("0") || !text.utf8.allSatisfy({ $0 == 0x30 || isUnit($0) }) else {
            throw Failure(
                .usage, "--\(option) \(text) leaves nothing to send with",
                advice: "give what this host may send, such as 4M; even joining needs some")
        }
        throw invalid(option, text, "write bits per second, such as 800k, 4M or 2.5M (up to 1000G)")
    }

    func duration(
        _ option: String,
        in range: ClosedRange<Duration> = .milliseconds(1) ... .seconds(86400 * 365)
    ) throws(Failure) -> Duration? {
        let advice =
            "write a time from \(durationText(range.lowerBound)) to "
            + "\(durationText(range.upperBound)), such as 500ms, 30s, 5m or 1h"
        return try read(option, advice) {
            guard let duration = parseDuration($0), range.contains(duration) else { return nil }
            return duration
        }
    }

    func integer(_ option: String, in range: ClosedRange<Int>) throws(Failure) -> Int? {
        try read(option, "write a number from \(range.lowerBound) to \(range.upperBound)") {
            guard isDecimal($0), let value = Int($0), range.contains(value) else { return nil }
            return value
        }
    }

    func seed(_ option: String) throws(Failure) -> UInt64? {
        try read(option, "write a number from 0 to \(UInt64.max)") {
            isDecimal($0) ? UInt64($0) : nil
        }
    }

    private func read<Value>(
        _ option: String, _ advice: String, _ parse: (String) -> Value?
    ) throws(Failure) -> Value? {
        guard let text = text(option) else { return nil }
        guard let value = parse(text) else { throw invalid(option, text, advice) }
        return value
    }

    private func invalid(_ option: String, _ text: String, _ advice: String) -> Failure {
        Failure(.usage, "--\(option) cannot be \(quoted(text))", advice: advice)
    }
}

// MARK: - Times

private let units: [(suffix: String, nanoseconds: Int64)] = [
    ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000),
    ("", 1_000_000_000),
]

/// Reads `500ms`, `30s`, `1.5h` or plain seconds; `nil` if ill-formed or beyond `Int64`.
func parseDuration(_ text: String) -> Duration? {
    for (suffix, unit) in units where text.hasSuffix(suffix) {
        let digits = text.dropLast(suffix.count).split(
            separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard digits.allSatisfy({ isDecimal($0) && $0.count <= 9 }), let whole = Int64(digits[0])
        else { return nil }
        var (total, overflow) = whole.multipliedReportingOverflow(by: unit)
        guard !overflow else { return nil }
        if digits.count == 2 {
            var place = unit
            for digit in digits[1].utf8 {
                place /= 10
                (total, overflow) = total.addingReportingOverflow(Int64(digit - 0x30) * place)
                guard !overflow else { return nil }
            }
        }
        return .nanoseconds(total)
    }
    return nil
}

/// The shortest text for a duration that is whole in some unit.
func durationText(_ duration: Duration) -> String {
    let (suffix, unit) =
        units.prefix(4).last { duration.nanoseconds.isMultiple(of: $0.nanoseconds) } ?? units[0]
    return "\(duration.nanoseconds / unit)\(suffix)"
}

private func isDecimal(_ text: some StringProtocol) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
}

private func isUnit(_ byte: UInt8) -> Bool { "kKmMgG.".utf8.contains(byte) }
