import Bench
import Management
import NetBasics

private let measures = BenchConfiguration.Measure.allCases.map(\.rawValue)

let benchVerb = Verb(
    name: "bench", summary: "measure the data path against a bare loop of system calls",
    details: """
        Feeds packets over loopback to a forwarder, which sends copies to so many sinks, turn by \
        turn to a plain loop of the same system calls without any protocol, which is the limit, and to \
        Polycast's own data path. Forward counts copies per second of processor time; latency is what \
        a hop takes at half of the load that the bare loop bears. Seal counts packets sealed end to \
        end, against a plain loop of the cipher's calls.
        """,
    operands: [
        Operand(
            placeholder: "WHAT", isRequired: true, help: measures.joined(separator: ", "))
    ],
    options: [
        .value("children", "N", help: "sinks that get a copy (default 16)"),
        .value("streams", "N", help: "streams that the packets belong to (default 1)"),
        .value("size", "BYTES", help: "UDP payload of each packet (default 1200)"),
        .value("rounds", "N", help: "how often each is measured (default 10)"),
        .toggle("no-gso", help: "a message for each datagram, as on kernels without segmentation"),
        .toggle("json", "J", "j", help: "print a JSON object for each figure instead of text"),
    ],
    examples: [
        .init("polycast bench forward --children 16 --size 1200", "copies for 16 neighbors"),
        .init("polycast bench latency --children 4 --json", "what one hop adds, for a program"),
    ],
    exitCodes: [.success, .runtimeFailure, .usage],
    makeCommand: makeBench)

private func makeBench(_ words: Words, _: CommandTable) throws(Failure) -> Command {
    guard let measure = BenchConfiguration.Measure(rawValue: words.operands[0]) else {
        throw Failure(
            .usage, "bench: there is no measure \(quoted(words.operands[0]))",
            advice: "choose \(measures.joined(separator: ", "))")
    }
    var configuration = BenchConfiguration()
    configuration.measure = measure
    configuration.children = try words.integer("children", in: 1...256) ?? configuration.children
    configuration.streams = try words.integer("streams", in: 1...1000) ?? configuration.streams
    configuration.packetBytes =
        try words.integer("size", in: 64...60_000) ?? configuration.packetBytes
    configuration.rounds = try words.integer("rounds", in: 1...1000) ?? configuration.rounds
    configuration.joinsDatagrams = !words.has("no-gso")
    configuration.isJSON = words.has("json")
    return .bench(configuration)
}
