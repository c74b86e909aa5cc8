import Management

/// Columns of the help; the text fits a terminal of 80.
private let lineWidth = 79
private let helpColumn = 26

extension CommandTable {
    /// `polycast --help`.
    var helpText: String {
        var text = "\(program) - \(summary)\n\nUsage: \(program) VERB [OPTION]... [OPERAND]\n"
        text += "\nVerbs:\n"
        for verb in verbs { text += entry(verb.name, verb.summary, column: 14) }
        text += "\nOptions:\n"
        text += entry(forms(of: Self.help), Self.help.help, column: helpColumn)
        text += entry(forms(of: Self.version), Self.version.help, column: helpColumn)
        text += "\nExamples:\n"
        for verb in verbs {
            if let example = verb.examples.first { text += "  \(example.command)\n" }
        }
        return text + "\nRun '\(program) help VERB' for the options of a verb.\n"
    }

    /// `polycast VERB --help`.
    func helpText(for verb: Verb) -> String {
        var usage = "\(program) \(verb.name)"
        if !verb.options.isEmpty { usage += " [OPTION]..." }
        for operand in verb.operands {
            usage += operand.isRequired ? " \(operand.placeholder)" : " [\(operand.placeholder)]"
        }
        var text = "\(program) \(verb.name) - \(verb.summary)\n\nUsage: \(usage)\n"
        for paragraph in verb.details.split(separator: "\n") {
            text += "\n" + wrapped(String(paragraph), indent: 0) + "\n"
        }
        if !verb.operands.isEmpty {
            text += "\nOperands:\n"
            for operand in verb.operands {
                text += entry(operand.placeholder, operand.help, column: helpColumn)
            }
        }
        text += "\nOptions:\n"
        for option in verb.allOptions {
            text += entry(forms(of: option), option.help, column: helpColumn)
        }
        text += "\nExamples:\n"
        for example in verb.examples {
            text += "  \(example.command)\n      \(wrapped(example.purpose, indent: 6))\n"
        }
        text += "\nExit codes:\n" + verb.exitCodes.map(exitLine).joined()
        if verb.isService {
            text += entry("130", "ended by SIGINT, in order (143: by SIGTERM)", column: 7)
        }
        return text
    }

    private func exitLine(_ code: ExitCode) -> String {
        entry("\(code.rawValue)", code.meaning, column: 7)
    }
}

/// `-J, -j, --json` or `--uplink RATE`.
private func forms(of option: Option) -> String {
    let shorts = option.shorts.map { "-\($0), " }.joined()
    return shorts + "--\(option.name)" + (option.placeholder.map { " \($0)" } ?? "")
}

/// A term, and its text beside it or, if the term is long, below it.
private func entry(_ term: String, _ text: String, column: Int) -> String {
    let head = "  \(term)"
    let body = wrapped(text, indent: column)
    if head.count + 2 > column { return head + "\n" + spaces(column) + body + "\n" }
    return head + spaces(column - head.count) + body + "\n"
}

/// Breaks lines between words; lines after the first are indented.
private func wrapped(_ text: String, indent: Int) -> String {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
        if !line.isEmpty, indent + line.count + 1 + word.count > lineWidth {
            lines.append(line)
            line = ""
        }
        line += (line.isEmpty ? "" : " ") + word
    }
    return (lines + [line]).joined(separator: "\n" + spaces(indent))
}

private func spaces(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }

extension ExitCode {
    /// For the table of exit codes in the help.
    var meaning: String {
        switch self {
        case .success: "success"
        case .runtimeFailure: "failure while running"
        case .usage: "wrong usage: verb, option, value or invite"
        case .checkFailed: "a check failed or a threshold was missed"
        case .noData: "no data before the deadline"
        case .permission: "a permission is missing"
        case .rendezvousUnreachable: "the rendezvous does not answer or refuses"
        case .authentication: "authentication failed"
        case .configuration: "a file given is not usable"
        }
    }
}
