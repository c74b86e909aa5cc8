import Management

extension CommandTable {
    /// Reads the arguments behind the program's name.
    func parse(_ arguments: [String]) throws(Failure) -> Command {
        guard let first = arguments.first else {
            throw Failure(.usage, "no verb given", advice: "run '\(program) help' for the verbs")
        }
        switch first {
        case "-h", "--help": return .print(helpText)
        case "-V", "--version": return .print(versionText)
        default: break
        }
        guard !first.hasPrefix("-") else {
            throw Failure(
                .usage, "the verb is missing in front of \(quoted(first))",
                advice: "run '\(program) help' for the verbs")
        }
        guard let verb = verb(named: first) else { throw unknownVerb(first) }
        let words = try verb.accept(arguments.dropFirst(), of: self)
        if words.has(Self.help.name) { return .print(helpText(for: verb)) }
        try verb.checkOperands(words.operands)
        return try verb.makeCommand(words, self)
    }

    func unknownVerb(_ name: String) -> Failure {
        let near = nearest(name, among: verbs.map(\.name))
        return Failure(
            .usage, "unknown verb \(quoted(name))",
            advice: near.map { "did you mean '\($0)'?" }
                ?? "run '\(program) help' for the verbs")
    }

    var versionText: String { "\(program) \(programVersion)\n" }
}

extension Verb {
    /// Sorts words into options and operands.
    fileprivate func accept(
        _ arguments: ArraySlice<String>, of table: CommandTable
    ) throws(Failure) -> Words {
        var words = Words()
        var rest = arguments
        while let word = rest.popFirst() {
            if word == "--" {
                words.operands += rest
                break
            } else if word.hasPrefix("--") {
                try acceptLong(word.dropFirst(2), rest: &rest, into: &words)
            } else if word.hasPrefix("-"), word.count > 1 {
                try acceptShorts(word.dropFirst(), rest: &rest, into: &words)
            } else {
                words.operands.append(word)
            }
        }
        return words
    }

    private func acceptLong(
        _ word: Substring, rest: inout ArraySlice<String>, into words: inout Words
    ) throws(Failure) {
        let equals = word.firstIndex(of: "=")
        let name = String(word[..<(equals ?? word.endIndex)])
        let attached = equals.map { String(word[word.index(after: $0)...]) }
        guard let option = allOptions.first(where: { $0.name == name }) else {
            let near = nearest(name, among: allOptions.map(\.name))
            throw misused(
                "unknown option --\(readable(name))", near.map { "did you mean --\($0)?" })
        }
        guard option.placeholder == nil || attached != nil else {
            return try acceptNext(option, "--\(name)", rest: &rest, into: &words)
        }
        guard option.placeholder != nil || attached == nil else {
            throw misused("--\(name) takes no value")
        }
        try append(attached ?? "", to: option, of: &words)
    }

    /// Takes the next word as the value of an option written as `form`.
    private func acceptNext(
        _ option: Option, _ form: String, rest: inout ArraySlice<String>, into words: inout Words
    ) throws(Failure) {
        let placeholder = option.placeholder ?? ""
        guard let next = rest.first, next == "-" || !next.hasPrefix("-") else {
            throw misused(
                "\(form) needs a value",
                "write \(form) \(placeholder)"
                    + (rest.isEmpty
                        ? "" : ", or --\(option.name)=\(placeholder) if it begins with a dash"))
        }
        rest.removeFirst()
        try append(next, to: option, of: &words)
    }

    /// Letters behind one dash; what follows a letter that takes a value is the value.
    private func acceptShorts(
        _ letters: Substring, rest: inout ArraySlice<String>, into words: inout Words
    ) throws(Failure) {
        var letters = letters
        while let letter = letters.popFirst() {
            guard let option = allOptions.first(where: { $0.shorts.contains(letter) }) else {
                throw misused("unknown option -\(readable(String(letter)))")
            }
            if option.placeholder == nil {
                try append("", to: option, of: &words)
            } else if letters.isEmpty {
                try acceptNext(option, "-\(letter)", rest: &rest, into: &words)
            } else {
                try append(String(letters), to: option, of: &words)
                return
            }
        }
    }

    private func append(
        _ value: String, to option: Option, of words: inout Words
    ) throws(Failure) {
        guard option.isRepeatable || !words.has(option.name) else {
            throw misused("--\(option.name) is given twice", "keep one of them")
        }
        words.values[option.name, default: []].append(value)
    }

    fileprivate func checkOperands(_ given: [String]) throws(Failure) {
        if given.count > operands.count {
            throw misused("unexpected operand \(quoted(given[operands.count]))")
        }
        if given.count < operands.count, operands[given.count].isRequired {
            throw misused("\(operands[given.count].placeholder) is missing")
        }
    }

    /// A failure that points at the verb's help unless there is better advice.
    private func misused(_ what: String, _ advice: String? = nil) -> Failure {
        Failure(.usage, "\(name): \(what)", advice: advice ?? "run 'polycast help \(name)'")
    }
}

/// Quoted text without its quotation marks.
private func readable(_ text: String) -> String { String(quoted(text).dropFirst().dropLast()) }

// MARK: - Did you mean

/// The known word that was most likely meant; `nil` if none is near.
func nearest(_ word: String, among known: [String]) -> String? {
    guard (2...40).contains(word.count) else { return nil }
    let scored = known.map { (name: $0, distance: editDistance(word, $0)) }
    guard let best = scored.min(by: { $0.distance < $1.distance }) else { return nil }
    if best.distance <= max(1, min(word.count, best.name.count) / 3) { return best.name }
    let longer = known.filter { $0.hasPrefix(word) }
    return longer.count == 1 ? longer[0] : nil
}

/// Insertions, deletions, replacements and swaps of neighbors (optimal string alignment).
private func editDistance(_ left: String, _ right: String) -> Int {
    let left = Array(left.lowercased())
    let right = Array(right.lowercased())
    var before: [Int] = []
    var previous = Array(0...right.count)
    for row in left.indices {
        var current = [row + 1]
        for column in right.indices {
            let isSame = left[row] == right[column]
            var cost = min(
                previous[column + 1] + 1, current[column] + 1, previous[column] + (isSame ? 0 : 1))
            if row > 0, column > 0, left[row] == right[column - 1],
                left[row - 1] == right[column]
            {
                cost = min(cost, before[column - 1] + 1)
            }
            current.append(cost)
        }
        before = previous
        previous = current
    }
    return previous[right.count]
}
