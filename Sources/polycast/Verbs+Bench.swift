import Bench
import Management

let benchVerb = Verb(
    name: "bench", summary: "measure forwarding against a bare loop",
    details: """
        Measures in turn.
        """,
    operands: [Operand(placeholder: "WHAT", isRequired: true, help: "forward")],
    options: [
        .value("children", "N", help: "children that get a copy (default 16)"),
        .value("size", "BYTES", help: "UDP payload of each packet (default 1200)"),
        .toggle("no-gso", help: "one message for each datagram"),
    ],
    examples: [.init("polycast bench forward --children 16 --size 1200", "forwarding")],
    exitCodes: [.success, .runtimeFailure, .usage],
    makeCommand: makeBench)

private func makeBench(_ words: Words, _: CommandTable) throws(Failure) -> Command {
    var configuration = ForwardBenchConfiguration()
    configuration.children = try words.integer("children", in: 1...256) ?? configuration.children
    configuration.packetBytes =
        try words.integer("size", in: 64...65_000) ?? configuration.packetBytes
    configuration.joinsDatagrams = !words.has("no-gso")
    return .forwardBench(configuration)
}
