import Bench
import Management
import NetBasics
import Sockets

private let measures = BenchConfiguration.Measure.allCases.map(\.rawValue)

let benchVerb = Verb(
    name: "bench", summary: "measure the data path against a bare loop of system calls",
    details: """
        Feeds packets over loopback to a forwarder, which sends copies to so many sinks, turn by \
        turn to a plain loop of the same system calls without any protocol, which is the limit, and to \
        Polycast's own data path. Forward counts copies per second of processor time; latency is what \
        a hop takes at half of the load that the bare loop bears. Forward with several workers is \
        compared with one instead, on packets that have arrived already. Paced is the processor time of a \
        copy at 2000 packets a second. Growth is that of a copy that is read at once, compared with \
        one child instead, or, with --streams, with one stream. Seal counts packets sealed end to end, \
        against a plain loop of the cipher's calls; link counts short control datagrams sealed and \
        opened, and handshakes, against the bare cipher and the bare key agreements. Inspect counts packets of a \
        300 MB capture, against a plain libpcap loop that counts RTP.
        """,
    operands: [
        Operand(
            placeholder: "WHAT", isRequired: true, help: measures.joined(separator: ", "))
    ],
    options: [
        .value("children", "N", help: "sinks that get a copy (default 16)"),
        .value("streams", "N", help: "streams that the packets belong to (default 1)"),
        .value("size", "BYTES", help: "UDP payload of each packet (default 1200)"),
        .value(
            "workers", "N",
            help: "compare forward by so many sending threads with that by one"),
        .value("rounds", "N", help: "how often each is measured (default 40)"),
        .value(
            "rival", "PID:PORT",
            help: "compare paced with that process, which receives at PORT of 127.0.0.1"),
        .value("sink-port", "PORT", help: "the first sink's port, to be told to a rival"),
        .value(
            "keep", "FILE", completion: .file,
            help: "keep the capture that inspect makes, for other programs"),
        .toggle("no-gso", help: "a message for each datagram, as on kernels without segmentation"),
        .toggle("json", "J", "j", help: "print a JSON object for each figure instead of text"),
    ],
    examples: [
        .init("polycast bench forward --children 16 --size 1200", "copies for 16 neighbors"),
        .init(
            "polycast bench forward --workers 2 --children 64",
            "what a second sending thread is worth"),
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
    for (option, owner) in [
        ("workers", BenchConfiguration.Measure.forward), ("rival", .paced), ("keep", .inspect),
    ]
    where words.text(option) != nil && measure != owner {
        throw Failure(
            .usage, "bench \(measure.rawValue): --\(option) is for \(owner.rawValue)",
            advice: "leave it out, or run polycast bench \(owner.rawValue)")
    }
    var configuration = BenchConfiguration()
    configuration.measure = measure
    configuration.children = try words.integer("children", in: 1...256) ?? configuration.children
    configuration.streams = try words.integer("streams", in: 1...1000) ?? configuration.streams
    configuration.packetBytes =
        try words.integer("size", in: 64...60_000) ?? configuration.packetBytes
    configuration.workers =
        try words.integer("workers", in: 2...SendBatch.threadLimit) ?? configuration.workers
    configuration.rounds = try words.integer("rounds", in: 1...1000) ?? configuration.rounds
    configuration.joinsDatagrams = !words.has("no-gso")
    configuration.firstSinkPort =
        try words.integer("sink-port", in: 1...65_000).map { UInt16($0) } ?? 0
    configuration.rival = try rival(words.text("rival"))
    configuration.keptFile = try words.filledText("keep", "a file")
    configuration.isJSON = words.has("json")
    return .bench(configuration)
}

private func rival(_ text: String?) throws(Failure) -> BenchConfiguration.Rival? {
    guard let text else { return nil }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let process = Int32(parts[0]), process > 0,
        let port = UInt16(parts[1]), port > 0
    else {
        throw Failure(
            .usage, "bench: --rival \(quoted(text)) is no PID:PORT",
            advice: "name a process and its UDP port, such as 4711:5000")
    }
    return BenchConfiguration.Rival(process: process, port: port)
}
