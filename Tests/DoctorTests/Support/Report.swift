import Foundation

/// What the doctor printed for programs.
struct Report: Decodable {
    struct Check: Decodable, CustomStringConvertible {
        var name: String
        var subject: String
        var status: String
        var text: String
        var cause: String?
        var fix: String?
        var evidence: [String]

        var description: String { "\(status) \(name) [\(subject)]: \(text); \(cause ?? "")" }
    }

    var schema: String
    var checks: [Check]
    var summary: [String: Int]

    /// The worst of the checks of that name.
    func check(_ name: String) -> Check? {
        let found = checks.filter { $0.name == name }
        return ["fail", "warn", "cannot_see", "pass"].lazy.compactMap { status in
            found.first { $0.status == status }
        }.first
    }

    /// Whether that check has the status, and a cause with the words, and a fix.
    func blames(_ name: String, _ status: String, _ words: String) -> Bool {
        guard let check = check(name), check.status == status else { return false }
        return check.fix?.isEmpty == false && check.cause?.contains(words) == true
    }

    /// What is not well; of the clock only where the lab has one of its own.
    var alarms: [Check] {
        checks.filter {
            ($0.status == "warn" || $0.status == "fail")
                && ($0.name != "clock" || LabTools.reason == nil)
        }
    }

    /// The names of those that were not seen.
    var unseen: Set<String> { Set(checks.filter { $0.status == "cannot_see" }.map(\.name)) }
}
