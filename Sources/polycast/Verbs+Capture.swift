import Analysis
import Capture
import Management
import NetBasics

private let forms = ["text", "json", "ndjson", "csv", "fields"]

let captureVerb = Verb(
    name: "capture", summary: "capture packets, print them or write them to pcapng files",
    details: """
        Captures by libpcap on one or more interfaces, with nanosecond stamps, and says what the kernel, \
        the interface and the program itself dropped. Needs CAP_NET_RAW, and gives it up once \
        all is open. Without --write packets are printed, a line each.
        """,
    options: [
        .value(
            "interface", short: "i", "IF", isRepeatable: true,
            help: "capture there; any is all; may be repeated"),
        .value(
            "read", short: "r", "FILE", completion: .file,
            help: "take packets from a pcap or pcapng file; - is standard input"),
        .value("filter", short: "f", "BPF", help: "only these packets, see pcap-filter(7)"),
        .value(
            "group", "GROUP", isRepeatable: true,
            help: "only this group, and what manages groups; may be repeated"),
        .value(
            "write", short: "w", "FILE", completion: .file,
            help: "write pcapng; - is standard output"),
        .value(
            "ring", short: "b", "LIMITS",
            help: "begin a new file at filesize:SIZE or duration:TIME, and keep files:N, "
                + "such as files:5,filesize:100M"),
        .value("count", short: "c", "N", help: "end after so many packets"),
        .value(
            "autostop", short: "a", "LIMITS",
            help: "end at duration:TIME, filesize:SIZE or packets:N"),
        .value("snaplen", short: "s", "BYTES", help: "cut packets to so many bytes"),
        .value("buffer", short: "B", "SIZE", help: "the kernel's buffer (default 32M)"),
        .toggle("no-promiscuous", "p", help: "only frames for this host"),
        .toggle("details", "V", help: "print a tree of all fields for each packet"),
        .value(
            "output", short: "T", "FORM", completion: .words(forms),
            help: "text, json, ndjson, csv or fields (default text)"),
        .value(
            "field", short: "e", "NAME", isRepeatable: true,
            help: "print this field with --output fields, such as igmp.maddr; may be repeated"),
        .toggle("json", "J", "j", help: "as --output json"),
        .toggle("quiet", "q", help: "print no packets and no summary"),
    ],
    examples: [
        .init("polycast capture -i eth0 --group 239.1.2.3", "who sends and who joins"),
        .init(
            "polycast capture -i eth0 -w ring.pcapng -b files:5,filesize:100M",
            "the last 500 MB, always"),
        .init(
            "polycast capture -r ring.pcapng -T fields -e ip.src -e igmp.maddr -f igmp",
            "fields by Wireshark's names"),
    ],
    exitCodes: [.success, .runtimeFailure, .usage, .permission],
    isService: true,
    makeCommand: makeCapture)

private func makeCapture(_ words: Words, _: CommandTable) throws(Failure) -> Command {
    let input: InspectConfiguration.Input
    switch (words.text("read"), words.all("interface")) {
    case (let file?, []): input = .file(file)
    case (nil, let interfaces) where !interfaces.isEmpty: input = .interfaces(interfaces)
    case (nil, _):
        throw Failure(
            .usage, "capture: no interface is given",
            advice: "name one as in -i eth0 ('ip -br link' lists them), or a file with --read")
    case (.some, _):
        throw Failure(
            .usage, "capture: both --read and --interface are given", advice: "keep one of them")
    }
    var settings = LiveCaptureSettings(
        filter: words.text("filter") ?? "", isPromiscuous: !words.has("no-promiscuous"))
    if let bytes = try words.integer("snaplen", in: 64...262_144) { settings.snapByteCount = bytes }
    if let bytes = try words.byteCount("buffer", in: 65_536...1 << 30) {
        settings.bufferByteCount = Int(bytes)
    }
    return .capture(
        CaptureConfiguration(
            input: input, settings: settings, groups: try groups(words), plan: try plan(words),
            limits: try limits(words), output: try output(words), isQuiet: words.has("quiet")))
}

private func plan(_ words: Words) throws(Failure) -> CaptureFilePlan? {
    guard let path = try words.filledText("write", "a file") else {
        guard words.has("ring") else { return nil }
        throw Failure(
            .usage, "capture: --ring needs --write", advice: "name the files with --write FILE")
    }
    var plan = CaptureFilePlan(path: path)
    for (key, value) in try words.limits("ring", keys: ["files", "filesize", "duration"]) {
        switch key {
        case "files": plan.fileLimit = Int(clamping: try words.limitCount("ring", value))
        case "filesize": plan.byteLimit = try words.limitBytes("ring", value)
        default: plan.durationLimit = try words.limitDuration("ring", value)
        }
    }
    if plan.fileLimit != nil, !plan.isRing {
        throw Failure(
            .usage, "capture: --ring files:N needs filesize or duration, too",
            advice: "write --ring files:5,filesize:100M")
    }
    if plan.isRing, path == "-" {
        throw Failure(
            .usage, "capture: standard output is no ring", advice: "name a file with --write")
    }
    return plan
}

private func limits(_ words: Words) throws(Failure) -> CaptureConfiguration.Limits {
    var limits = CaptureConfiguration.Limits(
        packets: try words.integer("count", in: 1...Int.max).map(UInt64.init))
    for (key, value) in try words.limits("autostop", keys: ["duration", "filesize", "packets"]) {
        switch key {
        case "duration": limits.duration = try words.limitDuration("autostop", value)
        case "filesize": limits.bytes = try words.limitBytes("autostop", value)
        default: limits.packets = try words.limitCount("autostop", value)
        }
    }
    return limits
}

private func output(_ words: Words) throws(Failure) -> PacketOutput? {
    let names = words.all("field")
    let form =
        words.has("json") ? "json" : words.text("output") ?? (names.isEmpty ? "text" : "fields")
    guard forms.contains(form) else {
        throw Failure(
            .usage, "--output cannot be \(quoted(form))",
            advice: "write \(forms.joined(separator: ", "))")
    }
    guard (form == "fields") == !names.isEmpty else {
        throw Failure(
            .usage, "capture: --output fields and --field go together",
            advice: "write -T fields -e ip.src -e igmp.maddr")
    }
    // Packets that are written are printed only if that was asked for.
    if words.has("quiet") { return nil }
    let isAsked =
        words.has("details") || words.has("output") || words.has("json")
        || !names.isEmpty
    if words.has("write"), !isAsked { return nil }
    switch form {
    case "json": return .json
    case "ndjson": return .ndjson
    case "csv": return .csv
    case "fields": return .fields(names)
    default: return words.has("details") ? .tree : .text
    }
}
