/// The exit codes of the program, one table for every verb.
package enum ExitCode: Int32, Sendable, CaseIterable {
    case success = 0
    case runtimeFailure = 1
    case usage = 2
    case checkFailed = 3
    case noData = 4
    case permission = 5
    case rendezvousUnreachable = 6
    case authentication = 7
    case configuration = 8
}

/// What stops a command: one line that says what failed, on what, and what to try.
package struct Failure: Error, Equatable, Sendable {
    package var code: ExitCode
    /// What failed and on what, without a final full stop.
    package var message: String
    /// What to try, as an order: "choose another port with --bind".
    package var advice: String?

    package init(_ code: ExitCode, _ message: String, advice: String? = nil) {
        self.code = code
        self.message = message
        self.advice = advice
    }

    /// The line for standard error.
    package var line: String {
        "polycast: \(message)" + (advice.map { "; \($0)" } ?? "")
    }
}
