import Analysis
import Inspection
import Management
import NetBasics

let inspectVerb = Verb(
    name: "inspect", summary: "tell what multicast does in a capture or on an interface",
    details: """
        Shows streams (rate, bursts, loss, duplicates, reorder, jitter), groups with their members and \
        when switches forget them, queriers, and findings: what is wrong, which packets show it, and \
        what to do. Reads pcap and pcapng, or captures live, which needs CAP_NET_RAW; on a terminal \
        a live view takes the screen until q.
        Alarms compare a figure of each stream with a limit: loss, lost, duplicates, reordered, jitter, \
        gap, rate, peak, burst, buffer, packets; or of the whole capture: drops, problems, findings.
        """,
    operands: [
        Operand(
            placeholder: "FILE", isRequired: false,
            help: "a pcap or pcapng file; - is standard input", completion: .file)
    ],
    options: [
        .value(
            "interface", short: "i", "IF", isRepeatable: true,
            help: "capture there instead; any is all; may be repeated"),
        .value("filter", short: "f", "BPF", help: "only these packets, see pcap-filter(7)"),
        .value(
            "group", "GROUP", isRepeatable: true,
            help: "show this group only; may be repeated"),
        .value("duration", "TIME", help: "end a live capture after this time"),
        .value("count", short: "c", "N", help: "end after so many packets"),
        .value("window", "TIME", help: "where bursts are looked for, 1ms to 10s (default 100ms)"),
        .value("drain", "RATE", help: "model a buffer that is emptied at this rate"),
        .value(
            "clock", "TYPE=HZ", isRepeatable: true,
            help: "clock of a dynamic RTP payload type, such as 96=90000"),
        .toggle("unicast", help: "measure streams from host to host, too"),
        .value(
            "fail-on", "ALARM", isRepeatable: true,
            help: "exit with 3 if it is so, such as 'loss>1%' or 'jitter>20ms'"),
        .value("burst-alarm", "PACKETS", help: "as --fail-on 'burst>PACKETS'"),
        .value("buffer-alarm", "BYTES", help: "as --fail-on 'buffer>BYTES'; needs --drain"),
        .value(
            "plot", "DIR", completion: .directory,
            help: "draw rate, loss and jitter over time there, as SVG"),
        .value(
            "output", short: "T", "FORM",
            completion: .words(InspectConfiguration.Output.allCases.map(\.rawValue)),
            help: "text, json or csv (default text)"),
        .toggle("json", "J", "j", help: "as --output json"),
        .toggle("quiet", "q", help: "show no live view"),
    ],
    examples: [
        .init("polycast inspect lecture.pcapng", "streams, groups and findings of a file"),
        .init("polycast inspect -i eth0", "the same, live"),
        .init(
            "polycast inspect -i eth0 --duration 60s --fail-on 'loss>0.1%' --json",
            "a check for a script"),
    ],
    exitCodes: [.success, .runtimeFailure, .usage, .checkFailed, .permission],
    isService: true,
    makeCommand: makeInspect)

private func makeInspect(_ words: Words, _: CommandTable) throws(Failure) -> Command {
    let interfaces = words.all("interface")
    let input: InspectConfiguration.Input
    switch (words.operands.first, interfaces.isEmpty) {
    case (let file?, true): input = .file(file)
    case (nil, false): input = .interfaces(interfaces)
    case (nil, true):
        throw Failure(
            .usage, "inspect: FILE or --interface is missing",
            advice: "name a capture file, or an interface as in -i eth0")
    case (.some, false):
        throw Failure(
            .usage, "inspect: both FILE and --interface are given", advice: "keep one of them")
    }
    var settings = InspectionSettings(
        window: try words.duration("window", in: .milliseconds(1) ... .seconds(10))
            ?? .milliseconds(100),
        drainRate: try words.bitRate("drain").map { Double($0.bitsPerSecond) },
        includesUnicast: words.has("unicast"), keepsTimelines: words.has("plot"))
    settings.clockRates = try clockRates(words)
    let alarms = try alarms(words)
    if alarms.contains(where: { $0.figure == .buffer }), settings.drainRate == nil {
        throw Failure(
            .usage, "inspect: a buffer alarm needs --drain",
            advice: "say how fast the buffer is emptied, as in --drain 10M")
    }
    return .inspect(
        InspectConfiguration(
            input: input, filter: words.text("filter") ?? "", groups: try groups(words),
            settings: settings, output: try output(words),
            plotDirectory: try words.filledText("plot", "a directory"), alarms: alarms,
            duration: try words.duration("duration"),
            packetLimit: try words.integer("count", in: 1...Int.max).map(UInt64.init),
            isQuiet: words.has("quiet")))
}

private func output(_ words: Words) throws(Failure) -> InspectConfiguration.Output {
    if words.has("json") { return .json }
    guard let text = words.text("output") else { return .text }
    guard let output = InspectConfiguration.Output(rawValue: text) else {
        throw Failure(
            .usage, "--output cannot be \(quoted(text))", advice: "write text, json or csv")
    }
    return output
}

/// Groups of `--group`.
func groups(_ words: Words) throws(Failure) -> [IPAddress] {
    var groups: [IPAddress] = []
    for text in words.all("group") {
        let bare =
            text.hasPrefix("[") && text.hasSuffix("]") ? String(text.dropFirst().dropLast()) : text
        guard let group = IPAddress(bare), group.isMulticast else {
            throw Failure(
                .usage, "--group cannot be \(quoted(text))",
                advice: "write a multicast address, such as 239.1.2.3 or ff15::1")
        }
        groups.append(group)
    }
    return groups
}

private func clockRates(_ words: Words) throws(Failure) -> [UInt8: Double] {
    var rates: [UInt8: Double] = [:]
    for text in words.all("clock") {
        let parts = text.split(separator: "=")
        guard parts.count == 2, let type = UInt8(parts[0]), type < 128,
            let rate = UInt32(parts[1]), rate > 0
        else {
            throw Failure(
                .usage, "--clock cannot be \(quoted(text))",
                advice: "write a payload type and its clock in Hz, such as 96=90000")
        }
        rates[type] = Double(rate)
    }
    return rates
}

private func alarms(_ words: Words) throws(Failure) -> [Alarm] {
    var alarms: [Alarm] = []
    for text in words.all("fail-on") {
        guard let alarm = Alarm(text) else {
            let figures = Alarm.Figure.allCases.map(\.rawValue).joined(separator: ", ")
            throw Failure(
                .usage, "--fail-on cannot be \(quoted(text))",
                advice: "write FIGURE>LIMIT or FIGURE<LIMIT, as in 'loss>1%'; figures are "
                    + figures)
        }
        alarms.append(alarm)
    }
    if let limit = try words.integer("burst-alarm", in: 0...Int(Int32.max)) {
        alarms.append(Alarm(figure: .burst, .above, Double(limit)))
    }
    if let limit = try words.integer("buffer-alarm", in: 0...Int.max) {
        alarms.append(Alarm(figure: .buffer, .above, Double(limit)))
    }
    return alarms
}
