/// Completion scripts, made from the table; tests keep backslashes out of its texts.
extension CommandTable {
    private var verbNames: String { verbs.map(\.name).joined(separator: " ") }

    private func words(_ completion: Completion) -> [String]? {
        switch completion {
        case .words(let words): words
        case .verbs: verbs.map(\.name)
        case .nothing, .file, .directory: nil
        }
    }

    // MARK: bash

    var bashCompletion: String {
        """
        # bash completion for \(program); load with: source <(\(program) completion bash)
        _\(program)() {
            local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
            COMPREPLY=()
            if [ "$COMP_CWORD" -eq 1 ]; then
                mapfile -t COMPREPLY < <(compgen -W '\(verbNames) --help --version' -- "$current")
                return
            fi
            case "${COMP_WORDS[1]} $previous" in
        \(bashValueCases)
            esac
            case "${COMP_WORDS[1]}" in
        \(verbs.map(bashVerbCase).joined(separator: "\n"))
            esac
        }
        complete -F _\(program) \(program)

        """
    }

    private var bashValueCases: String {
        verbs.flatMap { verb in
            verb.options.filter { $0.placeholder != nil }.map { option in
                let forms = ["--\(option.name)"] + option.shorts.map { "-\($0)" }
                let cases = forms.map { "'\(verb.name) \($0)'" }.joined(separator: "|")
                return "        \(cases)) \(bashReply(option.completion)) ;;"
            }
        }.joined(separator: "\n")
    }

    private func bashReply(_ completion: Completion) -> String {
        let generator: String
        switch completion {
        case .nothing: return "return"
        case .file: generator = "-f"
        case .directory: generator = "-d"
        case .words, .verbs:
            generator = "-W '\((words(completion) ?? []).joined(separator: " "))'"
        }
        return "mapfile -t COMPREPLY < <(compgen \(generator) -- \"$current\"); return"
    }

    private func bashVerbCase(_ verb: Verb) -> String {
        let options = verb.allOptions.map { "--\($0.name)" }
        let operands = verb.operands.flatMap { words($0.completion) ?? [] }
        let all = (operands + options).joined(separator: " ")
        return "        \(verb.name)) "
            + "mapfile -t COMPREPLY < <(compgen -W '\(all)' -- \"$current\") ;;"
    }

    // MARK: zsh

    var zshCompletion: String {
        let list = verbs.map { "        '\($0.name):\(zshText($0.summary))'" }.joined(
            separator: "\n")
        return """
            #compdef \(program)
            # zsh completion; load with: source <(\(program) completion zsh)
            _\(program)() {
                local -a verbs=(
            \(list)
                )
                if (( CURRENT == 2 )); then
                    _describe verb verbs
                    _arguments '--help[\(Self.help.help)]' '--version[\(Self.version.help)]'
                    return
                fi
                local verb=$words[2]
                shift words
                (( CURRENT-- ))
                case $verb in
            \(verbs.map(zshVerbCase).joined(separator: "\n"))
                esac
            }
            compdef _\(program) \(program)

            """
    }

    private func zshVerbCase(_ verb: Verb) -> String {
        var arguments: [String] = []
        for option in verb.allOptions {
            let value = option.placeholder.map { ":\(zshText($0)):\(zshAction(option.completion))" }
            let repeats = option.isRepeatable ? "*" : ""
            for form in option.shorts.map({ "-\($0)" }) + ["--\(option.name)"] {
                arguments.append("'\(repeats)\(form)[\(zshText(option.help))]\(value ?? "")'")
            }
        }
        for operand in verb.operands {
            arguments.append(
                "':\(zshText(operand.placeholder)):\(zshAction(operand.completion))'")
        }
        let lines = arguments.map { " \\\n                \($0)" }.joined()
        return "        \(verb.name))\n            _arguments\(lines)\n            ;;"
    }

    private func zshAction(_ completion: Completion) -> String {
        switch completion {
        case .nothing: " "
        case .file: "_files"
        case .directory: "_files -/"
        case .words, .verbs: "(\((words(completion) ?? []).joined(separator: " ")))"
        }
    }

    /// Escapes what `_arguments` and single quotes give a meaning.
    private func zshText(_ text: String) -> String {
        text.map { character in
            switch character {
            case "[", "]", ":": "\\\(character)"
            case "'": "'\\''"
            default: String(character)
            }
        }.joined()
    }

    // MARK: fish

    var fishCompletion: String {
        var lines = [
            "# fish completion; load with: \(program) completion fish | source",
            "complete -c \(program) -f",
        ]
        let atVerb = "complete -c \(program) -n __fish_use_subcommand"
        lines.append("\(atVerb) -s h -l help -d '\(Self.help.help)'")
        lines.append("\(atVerb) -s V -l version -d '\(Self.version.help)'")
        for verb in verbs {
            lines.append("\(atVerb) -a \(verb.name) -d '\(fishText(verb.summary))'")
        }
        for verb in verbs { lines += fishLines(verb) }
        return lines.joined(separator: "\n") + "\n"
    }

    private func fishLines(_ verb: Verb) -> [String] {
        let behind = "complete -c \(program) -n '__fish_seen_subcommand_from \(verb.name)'"
        var lines: [String] = []
        for option in verb.allOptions {
            let shorts = option.shorts.map { " -s \($0)" }.joined()
            let value = option.placeholder == nil ? "" : fishValue(option.completion)
            lines.append(
                "\(behind)\(shorts) -l \(option.name)\(value) -d '\(fishText(option.help))'")
        }
        for operand in verb.operands {
            guard let words = words(operand.completion) else { continue }
            lines.append("\(behind) -a '\(words.joined(separator: " "))'")
        }
        return lines
    }

    private func fishText(_ text: String) -> String {
        text.map { $0 == "'" ? "\\'" : String($0) }.joined()
    }

    private func fishValue(_ completion: Completion) -> String {
        switch completion {
        case .nothing: " -x"
        case .file: " -r -F"
        case .directory: " -x -a '(__fish_complete_directories)'"
        case .words, .verbs: " -x -a '\((words(completion) ?? []).joined(separator: " "))'"
        }
    }
}
