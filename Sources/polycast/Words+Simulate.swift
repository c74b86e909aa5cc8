import Management
import NetBasics
import Simulation

// Values that only `polycast simulate` takes.

extension Words {
    func topology(_ option: String, default standard: String) throws(Failure) -> TopologySpec {
        let text = text(option) ?? standard
        do throws(TopologyError) {
            return try TopologySpec(parsing: text)
        } catch {
            throw Failure(.usage, "--\(option): \(error.message)", advice: error.advice)
        }
    }

    func choice<Value: RawRepresentable & CaseIterable>(
        _ option: String, _: Value.Type
    ) throws(Failure) -> Value? where Value.RawValue == String {
        guard let text = text(option) else { return nil }
        if let value = Value(rawValue: text) { return value }
        let names = Value.allCases.map(\.rawValue)
        let near = nearest(text, among: names)
        throw Failure(
            .usage, "--\(option) cannot be \(quoted(text))",
            advice: near.map { "did you mean '\($0)'?" }
                ?? "choose \(names.joined(separator: ", "))")
    }

    func decimal(_ option: String, in range: ClosedRange<Double>) throws(Failure) -> Double? {
        guard let text = text(option) else { return nil }
        if let value = plainDecimal(text), range.contains(value) { return value }
        throw Failure(
            .usage, "--\(option) cannot be \(quoted(text))",
            advice: "write a number from \(shown(range.lowerBound)) to \(shown(range.upperBound))")
    }

    /// A share of what there is; not all of it.
    func share(_ option: String) throws(Failure) -> Double? {
        guard let text = text(option) else { return nil }
        if let value = plainDecimal(text), value < 1 { return value }
        throw Failure(
            .usage, "--\(option) cannot be \(quoted(text))",
            advice: "write a share from 0 to below 1, such as 0.02")
    }

    /// `5/s`, or `5`.
    func changesPerSecond(_ option: String) throws(Failure) -> Double? {
        guard let text = text(option) else { return nil }
        let number = text.hasSuffix("/s") ? String(text.dropLast(2)) : text
        if let value = plainDecimal(number), value <= 10_000 { return value }
        throw Failure(
            .usage, "--\(option) cannot be \(quoted(text))",
            advice: "write changes a second up to 10000, such as 5/s")
    }

    /// `16@60s`, within the duration.
    func countAt(
        _ option: String, _ text: String, _ scenario: Scenario
    ) throws(Failure) -> (count: Int, at: Duration) {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, parts[0].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let count = Int(parts[0]), (1...1_000_000).contains(count),
            let at = parseDuration(parts[1])
        else {
            throw Failure(
                .usage, "--\(option) cannot be \(quoted(text))",
                advice: "write how many and when, such as 16@60s")
        }
        guard at < scenario.duration else {
            throw Failure(
                .usage,
                "--\(option) \(quoted(text)) is behind the end at "
                    + durationText(scenario.duration),
                advice: "give an earlier moment or a longer --duration")
        }
        return (count, at)
    }

    /// `10@60s-70s`, or `10@60s-70s:out`.
    func partition(_ text: String, _ scenario: Scenario) throws(Failure) -> Faults.Partition {
        let isOneWay = text.hasSuffix(":out")
        let parts = text.dropLast(isOneWay ? 4 : 0)
            .split(separator: "@", omittingEmptySubsequences: false).map(String.init)
        let times = (parts.last ?? "").split(separator: "-", omittingEmptySubsequences: false)
            .map { parseDuration(String($0)) }
        guard parts.count == 2, parts[0].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let count = Int(parts[0]), count > 0, count < scenario.hostCount, times.count == 2,
            let from = times[0], let until = times[1], from < until
        else {
            throw Failure(
                .usage, "--partition cannot be \(quoted(text))",
                advice: "write how many of the \(scenario.peers) peers, from and until when, such "
                    + "as 10@60s-70s")
        }
        return Faults.Partition(
            boundary: count, from: .zero + from, until: .zero + until, isOneWay: isOneWay)
    }
}

/// Digits with at most one point; no sign, exponent, infinity or the like.
private func plainDecimal(_ text: String) -> Double? {
    let isPlain = text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2E }
    guard isPlain, text.utf8.count <= 18 else { return nil }
    return Double(text)
}

private func shown(_ value: Double) -> String {
    value == value.rounded(.down) ? "\(Int(value))" : "\(value)"
}
