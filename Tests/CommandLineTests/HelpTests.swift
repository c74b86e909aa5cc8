import Management
import Testing

@testable import polycast

@Suite struct HelpTests {
    @Test(arguments: CommandTable.polycast.verbs.map(\.name))
    func helpOfAVerbIsTheStoredText(verb: String) throws {
        let stored = try #require(storedHelp[verb], "store the help of \(verb)")

        #expect(try parse([verb, "--help"]) == .print(stored))
        #expect(try parse([verb, "-h"]) == .print(stored))
        #expect(try parse(["help", verb]) == .print(stored))
    }

    @Test func helpOfTheProgramIsTheStoredText() throws {
        let stored = try #require(storedHelp[""])

        for arguments in [["help"], ["--help"], ["-h"]] {
            #expect(try parse(arguments) == .print(stored))
        }
    }

    @Test func versionIsPrintedAlone() throws {
        for arguments in [["version"], ["--version"], ["-V"]] {
            #expect(try parse(arguments) == .print("polycast \(programVersion)\n"))
        }
    }

    @Test func helpFitsEightyColumns() {
        let table = CommandTable.polycast
        for text in [table.helpText] + table.verbs.map(table.helpText(for:)) {
            for line in text.split(separator: "\n") { #expect(line.count < 80, "\(line)") }
        }
    }

    @Test func everyVerbHasExamplesThatParse() throws {
        for verb in CommandTable.polycast.verbs {
            #expect(!verb.examples.isEmpty, "\(verb.name)")
            for example in verb.examples where !example.command.contains(where: "<>".contains) {
                let words = example.command.split(separator: " ").map(String.init)
                #expect(words.first == "polycast" && words.dropFirst().first == verb.name)
                _ = try parse(Array(words.dropFirst()))
            }
        }
    }

    @Test func everyVerbNamesItsExitCodes() {
        for verb in CommandTable.polycast.verbs {
            #expect(verb.exitCodes.contains(.success) && verb.exitCodes.contains(.usage))
            #expect(verb.exitCodes.map(\.rawValue) == verb.exitCodes.map(\.rawValue).sorted())
        }
    }

    @Test func textsOfTheTableSuitEveryShell() {
        for verb in CommandTable.polycast.verbs {
            let texts = [verb.summary] + verb.allOptions.map(\.help) + verb.operands.map(\.help)
            for text in texts { #expect(!text.contains { "\\\"`$\n".contains($0) }, "\(text)") }
            let letters = verb.allOptions.flatMap(\.shorts)
            #expect(Set(letters).count == letters.count)
            #expect(Set(verb.allOptions.map(\.name)).count == verb.allOptions.count)
        }
    }

    @Test func usageErrorsExitWithTwoAndHelpWithZero() {
        #expect(run(["polycast", "frobnicate"]) == ExitCode.usage.rawValue)
        #expect(run(["polycast"]) == ExitCode.usage.rawValue)
        #expect(run([]) == ExitCode.usage.rawValue)
        #expect(run(["polycast", "version"]) == ExitCode.success.rawValue)
    }
}
