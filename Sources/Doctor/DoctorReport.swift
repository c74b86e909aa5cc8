import Diagnosis
import Management

/// The doctor's findings for people and for programs.
struct DoctorReport {
    var host: String
    var question: Question
    var interface: String?
    var checks: [Check]

    func count(_ status: Check.Status) -> Int { checks.count { $0.status == status } }

    /// A line for each check; cause and fix below what is not well.
    var text: String {
        checks.map(Self.lines).joined() + summaryLine
    }

    private var summaryLine: String {
        let on = interface.map { " on \($0)" } ?? ""
        return "\(question.groupText)\(on): \(count(.pass)) pass, \(count(.warn)) warn, "
            + "\(count(.fail)) fail, \(count(.cannotSee)) cannot see\n"
    }

    static func lines(_ check: Check) -> String {
        let status = check.status == .cannotSee ? "cannot see" : check.status.rawValue
        let head = status + String(repeating: " ", count: max(1, 12 - status.count))
        let name = check.name.rawValue
        let padding = String(repeating: " ", count: max(1, 20 - name.count))
        var text = "\(head)\(name)\(padding)\(printable(check.text))\n"
        let indent = String(repeating: " ", count: 12)
        if let cause = check.cause { text += "\(indent)cause: \(printable(cause))\n" }
        if let fix = check.fix { text += "\(indent)fix:   \(printable(fix))\n" }
        return text
    }

    /// Names of interfaces and words of other programs cannot move the cursor.
    private static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map {
                    $0.value < 0x20 || (0x7F...0x9F).contains($0.value) ? "?" : $0
                }))
    }

    var json: JSONValue {
        [
            "schema": "polycast.doctor/1",
            "host": .string(host),
            "group": .string(question.groupText),
            "interface": JSONValue(interface),
            "checks": .array(checks.map(Self.json)),
            "summary": [
                "pass": JSONValue(count(.pass)), "warn": JSONValue(count(.warn)),
                "fail": JSONValue(count(.fail)), "cannot_see": JSONValue(count(.cannotSee)),
            ],
        ]
    }

    private static func json(_ check: Check) -> JSONValue {
        [
            "name": .string(check.name.rawValue),
            "subject": .string(check.subject),
            "status": .string(check.status.rawValue),
            "text": .string(check.text),
            "cause": JSONValue(check.cause),
            "fix": JSONValue(check.fix),
            "evidence": .array(check.evidence.map(JSONValue.string)),
        ]
    }

    /// 3 when a check failed.
    var exitCode: Int32 {
        count(.fail) > 0 ? ExitCode.checkFailed.rawValue : ExitCode.success.rawValue
    }
}
