import Management

/// The verbs and options of the program, from which everything about them is made.
///
/// Parsing, `--help` and shell completion all read this one table.
struct CommandTable: Sendable {
    var program: String
    var summary: String
    var verbs: [Verb]

    /// Accepted instead of a verb; `help` also behind every verb.
    static let help = Option.toggle("help", "h", help: "print this help and exit")
    static let version = Option.toggle("version", "V", help: "print the version and exit")

    func verb(named name: String) -> Verb? { verbs.first { $0.name == name } }
}

/// One thing the program can do.
struct Verb: Sendable {
    var name: String
    /// One line, for the list of verbs.
    var summary: String
    /// Paragraphs for the verb's own help.
    var details: String = ""
    var operands: [Operand] = []
    var options: [Option] = []
    var examples: [Example]
    var exitCodes: [ExitCode] = [.success, .runtimeFailure, .usage]
    /// Whether the verb runs until a signal, and then ends in order.
    var isService = false
    /// Turns accepted words into a command.
    var makeCommand: @Sendable (Words, CommandTable) throws(Failure) -> Command

    struct Example: Sendable {
        var command: String
        var purpose: String

        init(_ command: String, _ purpose: String) {
            self.command = command
            self.purpose = purpose
        }
    }

    /// The verb's options and those of every verb.
    var allOptions: [Option] { options + [CommandTable.help] }
}

/// A word without a dash.
struct Operand: Sendable {
    var placeholder: String
    var isRequired: Bool
    var help: String
    var completion: Completion = .nothing
}

/// A word with dashes, and what may follow it.
struct Option: Sendable {
    /// Without the two dashes.
    var name: String
    /// One-letter forms.
    var shorts: [Character]
    /// What stands for the value in the help; `nil` for a toggle.
    var placeholder: String?
    var isRepeatable: Bool
    var help: String
    var completion: Completion

    /// Giving a toggle again changes nothing, except where it is counted.
    static func toggle(_ name: String, _ shorts: Character..., help: String) -> Option {
        Option(
            name: name, shorts: shorts, placeholder: nil, isRepeatable: true, help: help,
            completion: .nothing)
    }

    static func value(
        _ name: String, short: Character? = nil, _ placeholder: String,
        isRepeatable: Bool = false, completion: Completion = .nothing, help: String
    ) -> Option {
        Option(
            name: name, shorts: short.map { [$0] } ?? [], placeholder: placeholder,
            isRepeatable: isRepeatable, help: help, completion: completion)
    }
}

/// What a shell may offer for a value.
enum Completion: Equatable, Sendable {
    case nothing
    case file
    case directory
    case words([String])
    /// The names of the verbs.
    case verbs
}
