import Management

// Limits such as `files:5,filesize:100M`, and sizes.

extension Words {
    /// The parts of `KEY:VALUE,KEY:VALUE`.
    func limits(
        _ option: String, keys: [String]
    ) throws(Failure) -> [(key: String, value: String)] {
        var limits: [(key: String, value: String)] = []
        for part in (text(option) ?? "").split(separator: ",") {
            let sides = part.split(separator: ":", maxSplits: 1).map(String.init)
            guard sides.count == 2, keys.contains(sides[0]) else {
                throw Failure(
                    .usage, "--\(option) cannot be \(quoted(String(part)))",
                    advice: "write " + keys.map { "\($0):VALUE" }.joined(separator: " or "))
            }
            limits.append((sides[0], sides[1]))
        }
        return limits
    }

    func limitCount(_ option: String, _ text: String) throws(Failure) -> UInt64 {
        guard let count = UInt64(text), count > 0, count <= Int.max else {
            throw Failure(
                .usage, "--\(option): \(quoted(text)) is no count", advice: "write a number from 1")
        }
        return count
    }

    func limitDuration(_ option: String, _ text: String) throws(Failure) -> Duration {
        guard let duration = parseDuration(text), duration > .zero else {
            throw Failure(
                .usage, "--\(option): \(quoted(text)) is no time",
                advice: "write 60, 500ms, 30s, 5m or 1h")
        }
        return duration
    }

    func limitBytes(_ option: String, _ text: String) throws(Failure) -> UInt64 {
        guard let bytes = parseBytes(text), bytes > 0 else {
            throw Failure(
                .usage, "--\(option): \(quoted(text)) is no size",
                advice: "write bytes, such as 800k, 100M or 2G")
        }
        return bytes
    }

    /// A size in bytes.
    func byteCount(_ option: String, in range: ClosedRange<UInt64>) throws(Failure) -> UInt64? {
        guard let text = text(option) else { return nil }
        guard let bytes = parseBytes(text), range.contains(bytes) else {
            throw Failure(
                .usage, "--\(option) cannot be \(quoted(text))",
                advice: "write bytes from \(range.lowerBound) to \(range.upperBound), such as 32M")
        }
        return bytes
    }
}

/// Reads `4096`, `800k`, `100M` or `2G`, of thousands; `nil` if ill-formed or too large.
private func parseBytes(_ text: String) -> UInt64? {
    let units: [(suffix: String, factor: UInt64)] = [
        ("k", 1000), ("M", 1_000_000), ("G", 1_000_000_000), ("", 1),
    ]
    for (suffix, factor) in units where text.hasSuffix(suffix) {
        guard let count = UInt64(text.dropLast(suffix.count)) else { return nil }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: factor)
        return overflow ? nil : bytes
    }
    return nil
}
