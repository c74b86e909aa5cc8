import Analysis
import Capture
import Inspection
import Management
import NetBasics
import Testing

@testable import polycast

/// One option of a verb that looks at packets, and the command it makes.
struct CaptureSample: Sendable {
    var verb: String
    var option: String
    var arguments: [String]
    var expected: Command
}

private func inspect(
    _ option: String, _ arguments: [String],
    _ change: (inout InspectConfiguration) -> Void
) -> CaptureSample {
    var configuration = InspectConfiguration(input: .file("x.pcap"))
    change(&configuration)
    return CaptureSample(
        verb: "inspect", option: option, arguments: ["x.pcap"] + arguments,
        expected: .inspect(configuration))
}

private func capture(
    _ option: String, _ arguments: [String],
    _ change: (inout CaptureConfiguration) -> Void
) -> CaptureSample {
    var configuration = CaptureConfiguration(input: .interfaces(["eth0"]))
    change(&configuration)
    return CaptureSample(
        verb: "capture", option: option, arguments: ["-i", "eth0"] + arguments,
        expected: .capture(configuration))
}

private let group = IPAddress.v4(IPv4Address(rawValue: 0xEF01_0203))

let captureSamples: [CaptureSample] = [
    CaptureSample(
        verb: "inspect", option: "interface", arguments: ["-i", "a", "--interface=b"],
        expected: .inspect(InspectConfiguration(input: .interfaces(["a", "b"])))),
    inspect("filter", ["-f", "udp"]) { $0.filter = "udp" },
    inspect("group", ["--group", "239.1.2.3"]) { $0.groups = [group] },
    inspect("duration", ["--duration", "1m"]) { $0.duration = .seconds(60) },
    inspect("count", ["-c7"]) { $0.packetLimit = 7 },
    inspect("window", ["--window", "1s"]) { $0.settings.window = .seconds(1) },
    inspect("drain", ["--drain", "10M"]) { $0.settings.drainRate = 10_000_000 },
    inspect("clock", ["--clock", "96=48000"]) { $0.settings.clockRates = [96: 48_000] },
    inspect("unicast", ["--unicast"]) { $0.settings.includesUnicast = true },
    inspect("fail-on", ["--fail-on", "loss>1%"]) {
        $0.alarms = [Alarm("loss>1%")].compactMap(\.self)
    },
    inspect("burst-alarm", ["--burst-alarm", "50"]) {
        $0.alarms = [Alarm(figure: .burst, .above, 50)]
    },
    inspect("buffer-alarm", ["--buffer-alarm", "9000", "--drain", "1M"]) {
        $0.alarms = [Alarm(figure: .buffer, .above, 9000)]
        $0.settings.drainRate = 1_000_000
    },
    inspect("plot", ["--plot", "there"]) {
        $0.plotDirectory = "there"
        $0.settings.keepsTimelines = true
    },
    inspect("output", ["-T", "csv"]) { $0.output = .csv },
    inspect("json", ["-J"]) { $0.output = .json },
    inspect("quiet", ["-q"]) { $0.isQuiet = true },
    CaptureSample(
        verb: "capture", option: "interface", arguments: ["-i", "a", "-ib"],
        expected: .capture(CaptureConfiguration(input: .interfaces(["a", "b"])))),
    CaptureSample(
        verb: "capture", option: "read", arguments: ["-r", "-"],
        expected: .capture(CaptureConfiguration(input: .file("-")))),
    capture("filter", ["-f", "udp port 5004"]) { $0.settings.filter = "udp port 5004" },
    capture("group", ["--group", "239.1.2.3"]) { $0.groups = [group] },
    capture("write", ["-w", "-"]) {
        $0.plan = CaptureFilePlan(path: "-")
        $0.output = nil
    },
    capture("ring", ["-w", "x.pcapng", "-b", "files:5,filesize:100M,duration:60"]) {
        $0.plan = CaptureFilePlan(
            path: "x.pcapng", byteLimit: 100_000_000, durationLimit: .seconds(60), fileLimit: 5)
        $0.output = nil
    },
    capture("count", ["-c", "9"]) { $0.limits.packets = 9 },
    capture("autostop", ["-a", "duration:60,filesize:1k,packets:3"]) {
        $0.limits = .init(packets: 3, duration: .seconds(60), bytes: 1000)
    },
    capture("snaplen", ["-s", "96"]) { $0.settings.snapByteCount = 96 },
    capture("buffer", ["-B", "1M"]) { $0.settings.bufferByteCount = 1_000_000 },
    capture("no-promiscuous", ["-p"]) { $0.settings.isPromiscuous = false },
    capture("details", ["-V"]) { $0.output = .tree },
    capture("output", ["-T", "ndjson"]) { $0.output = .ndjson },
    capture("field", ["-e", "ip.src", "-e", "igmp.maddr"]) {
        $0.output = .fields(["ip.src", "igmp.maddr"])
    },
    capture("json", ["-J"]) { $0.output = .json },
    capture("quiet", ["-q"]) {
        $0.output = nil
        $0.isQuiet = true
    },
]

@Suite struct CaptureOptionTests {
    @Test(arguments: captureSamples.indices)
    func theOptionMakesTheCommand(index: Int) throws {
        let sample = captureSamples[index]

        #expect(try parse([sample.verb] + sample.arguments) == sample.expected)
    }

    @Test(arguments: [
        ("loss>1%", Alarm.Figure.loss, 0.01), ("jitter>20ms", .jitter, 20),
        ("gap>2s", .gap, 2000), ("rate>2.5M", .rate, 2_500_000), ("lost>3", .lost, 3),
        ("problems>0", .problems, 0),
    ])
    func alarmsAreRead(text: String, figure: Alarm.Figure, limit: Double) throws {
        let alarm = try #require(Alarm(text))

        #expect(alarm.figure == figure && alarm.comparison == .above && alarm.limit == limit)
    }

    @Test(arguments: [
        "", "loss", "loss>", ">1", "loss=1", "speed>1", "loss>x", "loss>-1", "loss>1e999",
        "loss>1%%",
    ])
    func otherAlarmsAreNot(text: String) { #expect(Alarm(text) == nil) }

    @Test(arguments: [
        (["inspect"], "inspect: FILE or --interface is missing"),
        (["inspect", "x", "-i", "eth0"], "inspect: both FILE and --interface are given"),
        (["inspect", "x", "--fail-on", "speed>1"], "--fail-on cannot be \"speed>1\""),
        (["inspect", "x", "--buffer-alarm", "1"], "inspect: a buffer alarm needs --drain"),
        (["inspect", "x", "--group", "10.0.0.1"], "--group cannot be \"10.0.0.1\""),
        (["inspect", "x", "--clock", "96"], "--clock cannot be \"96\""),
        (["inspect", "x", "-T", "xml"], "--output cannot be \"xml\""),
        (["inspect", "x", "-c"], "inspect: -c needs a value"),
        (["capture"], "capture: no interface is given"),
        (["capture", "-r", "x", "-i", "y"], "capture: both --read and --interface are given"),
        (["capture", "-i", "y", "-b", "files:2"], "capture: --ring needs --write"),
        (
            ["capture", "-i", "y", "-w", "z", "-b", "files:2"],
            "capture: --ring files:N needs filesize or duration, too"
        ),
        (
            ["capture", "-i", "y", "-w", "-", "-b", "filesize:1M"],
            "capture: standard output is no ring"
        ),
        (["capture", "-i", "y", "-a", "forever"], "--autostop cannot be \"forever\""),
        (["capture", "-i", "y", "-a", "duration:x"], "--autostop: \"x\" is no time"),
        (
            ["capture", "-i", "y", "-T", "fields"],
            "capture: --output fields and --field go together"
        ),
        (["capture", "-i", "y", "-s", "1"], "--snaplen cannot be \"1\""),
    ])
    func whatIsWrongIsSaid(arguments: [String], message: String) throws {
        let failure = try #require(throws: Failure.self) { try parse(arguments) }

        #expect(failure.code == .usage)
        #expect(failure.message == message)
        #expect(failure.advice != nil)
    }
}
