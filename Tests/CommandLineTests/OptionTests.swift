import Bench
import Doctor
import Management
import NetBasics
import Testing

@testable import polycast

private let invite = "polycast://192.0.2.1:7400/standup"

/// One option with a value, and the command it makes.
private struct Sample: Sendable {
    var verb: String
    var option: String
    var value: String?
    var expected: Command

    /// What the verb needs besides the option.
    var operands: [String] {
        switch expected {
        case .join: [invite]
        case .bench(let configuration): [configuration.measure.rawValue]
        default: []
        }
    }

    /// The arguments, with the value behind an equals sign or as the next word.
    func arguments(isAttached: Bool) -> [String] {
        guard let value else { return [verb, "--\(option)"] + operands }
        return isAttached
            ? [verb] + operands + ["--\(option)=\(value)"]
            : [verb, "--\(option)", value] + operands
    }
}

private func join(
    _ option: String, _ value: String?, _ change: (inout PeerConfiguration) -> Void
) -> Sample {
    guard let invite = try? Invite(invite) else { preconditionFailure("the sample is an invite") }
    var configuration = PeerConfiguration(invite: invite)
    change(&configuration)
    return Sample(verb: "join", option: option, value: value, expected: .join(configuration))
}

/// What joining and relaying understand alike.
private func relays(_ samples: [Sample]) -> [Sample] {
    samples.compactMap { sample in
        guard case .join(var configuration) = sample.expected,
            !["publish", "deliver", "sdp-dir", "algorithm"].contains(sample.option)
        else { return nil }
        configuration.isRelay = true
        return Sample(
            verb: "relay", option: sample.option, value: sample.value,
            expected: .join(configuration))
    }
}

private func bench(
    _ option: String, _ value: String?, _ change: (inout BenchConfiguration) -> Void
) -> Sample {
    var configuration = BenchConfiguration()
    change(&configuration)
    return Sample(verb: "bench", option: option, value: value, expected: .bench(configuration))
}

private func rendezvous(
    _ option: String, _ value: String?, _ change: (inout RendezvousServiceConfiguration) -> Void
) -> Sample {
    var configuration = RendezvousServiceConfiguration()
    change(&configuration)
    return Sample(
        verb: "rendezvous", option: option, value: value, expected: .rendezvous(configuration))
}

private func demo(
    _ option: String, _ value: String?, _ change: (inout DemoConfiguration) -> Void
) -> Sample {
    var configuration = DemoConfiguration()
    change(&configuration)
    return Sample(verb: "demo", option: option, value: value, expected: .demo(configuration))
}

/// Of a group, and of nothing but what every sample has.
private func doctor(
    _ option: String, _ value: String?, _ change: (inout DoctorConfiguration) -> Void
) -> Sample {
    var configuration = DoctorConfiguration()
    change(&configuration)
    return Sample(verb: "doctor", option: option, value: value, expected: .doctor(configuration))
}

private func queries(
    _ option: String, _ value: String?, _ change: (inout QueryConfiguration) -> Void
) -> [Sample] {
    ManagementRequest.allCases.map { request in
        var configuration = QueryConfiguration(request: request)
        change(&configuration)
        return Sample(
            verb: request.rawValue, option: option, value: value, expected: .query(configuration))
    }
}

private let plainSamples: [Sample] =
    [
        join("publish", "cam.sdp") { $0.publish = ["cam.sdp"] },
        join("deliver", "rtp://127.0.0.1:6000") { $0.deliver = ["rtp://127.0.0.1:6000"] },
        join("sdp-dir", "/tmp/a b") { $0.sdpDirectory = "/tmp/a b" },
        join("name", "ada.b_c-1") { $0.name = "ada.b_c-1" },
        join("uplink", "2.5M") { $0.uplink = BitRate(clamping: 2_500_000) },
        join("bind", "192.0.2.7:5000") {
            $0.bind = Endpoint(address: .v4(IPv4Address(rawValue: 0xC000_0207)), port: 5000)
        },
        join("fanout", "2") { $0.fanout = 2 },
        join("algorithm", "flood") { $0.algorithm = .flood },
        join("parity", nil) { $0.hasParity = true },
        join("workers", "4") { $0.workers = 4 },
        join("duration", "1.5m") { $0.duration = .seconds(90) },
        join("json", nil) { $0.isJSON = true },
        join("socket", "/run/x.sock") { $0.socketPath = "/run/x.sock" },
        join("rendezvous-timeout", "250ms") { $0.rendezvousTimeout = .milliseconds(250) },
        join("seed", "18446744073709551615") { $0.seed = .max },
        join("verbose", nil) { $0.verbosity = 1 },
        join("quiet", nil) { $0.verbosity = -1 },
        rendezvous("listen", "[2001:db8::1]:1") {
            $0.listen = Endpoint(
                address: .v6(IPv6Address(high: 0x2001_0db8 << 32, low: 1)), port: 1)
        },
        rendezvous("lease", "1h") { $0.lease = .seconds(3600) },
        rendezvous("group-limit", "1") { $0.groupLimit = 1 },
        rendezvous("member-limit", "2") { $0.memberLimit = 2 },
        rendezvous("address-member-limit", "3") { $0.addressMemberLimit = 3 },
        rendezvous("request-rate", "1000000") { $0.requestRate = 1_000_000 },
        rendezvous("duration", "30") { $0.duration = .seconds(30) },
        rendezvous("json", nil) { $0.isJSON = true },
        rendezvous("verbose", nil) { $0.verbosity = 1 },
        rendezvous("quiet", nil) { $0.verbosity = -1 },
        bench("children", "4") { $0.children = 4 },
        bench("streams", "500") { $0.streams = 500 },
        bench("size", "400") { $0.packetBytes = 400 },
        bench("rounds", "3") { $0.rounds = 3 },
        bench("workers", "2") { $0.workers = 2 },
        bench("rival", "12:5000") {
            $0.measure = .paced
            $0.rival = .init(process: 12, port: 5000)
        },
        bench("sink-port", "7000") { $0.firstSinkPort = 7000 },
        bench("keep", "x.pcap") {
            $0.measure = .inspect
            $0.keptFile = "x.pcap"
        },
        bench("no-gso", nil) { $0.joinsDatagrams = false },
        bench("json", nil) { $0.isJSON = true },
        doctor("interface", "eth0") { $0.question.interface = "eth0" },
        doctor("ttl", "16") { $0.question.ttl = 16 },
        doctor("querier-wait", "140s") { $0.querierWait = .seconds(140) },
        doctor("with", "192.0.2.7") { $0.role = .with(host: "192.0.2.7", port: 7401) },
        doctor("listen", "0.0.0.0:9000") {
            $0.role = .listen(Endpoint(address: .v4(IPv4Address(rawValue: 0)), port: 9000))
        },
        doctor("json", nil) { $0.isJSON = true },
        demo("out", "there") { $0.outputDirectory = "there" },
        demo("duration", "5s") { $0.duration = .seconds(5) },
        demo("pattern", nil) { $0.usesPattern = true },
        demo("json", nil) { $0.isJSON = true },
    ] + queries("socket", "s.sock") { $0.target = .socket("s.sock") }
    + queries("name", "ada") { $0.target = .peerNamed("ada") }
    + queries("json", nil) { $0.isJSON = true }

private let samples = plainSamples + relays(plainSamples)

@Suite struct OptionTests {
    @Test func invitesAreMadeOfANameOrOfAMembersInvite() throws {
        let group = try parse(["invite", "standup", "--rendezvous", "192.0.2.1:7400"])
        let relay = try parse(["invite", "--relay", "\(invite)#s3cret"])

        #expect(group == .invite(.group(try Invite(invite))))
        #expect(relay == .invite(.relay(try Invite("\(invite)#s3cret"))))
        for bad in [
            ["invite", "standup"], ["invite", "a/b", "--rendezvous", "h"],
            ["invite", "--relay", "standup"],
            ["invite", "--relay", invite, "--rendezvous", "192.0.2.1"],
        ] {
            #expect(throws: Failure.self, "\(bad)") { try parse(bad) }
        }
    }

    @Test(arguments: samples.indices)
    func valuesArriveWhetherAttachedOrNot(index: Int) throws {
        let sample = samples[index]

        for isAttached in [false, true] {
            let command = try parse(sample.arguments(isAttached: isAttached))
            #expect(command == sample.expected, "\(sample.verb) --\(sample.option)")
        }
    }

    @Test func everyOptionOfEveryVerbHasASample() {
        let known = Set(samples.map { "\($0.verb) --\($0.option)" })
            .union(simulateSamples.map { "simulate --\($0.option)" })
            .union(captureSamples.map { "\($0.verb) --\($0.option)" })
            .union(["invite --rendezvous", "invite --relay", "doctor --duration"])
        for verb in CommandTable.polycast.verbs {
            for option in verb.options { #expect(known.contains("\(verb.name) --\(option.name)")) }
        }
    }

    @Test func samplesChangeTheDefault() throws {
        for sample in samples {
            let bare = try parse([sample.verb] + sample.operands)
            #expect(bare != sample.expected, "\(sample.verb) --\(sample.option)")
        }
    }

    @Test func defaultsAreThoseOfTheHelp() throws {
        let peer = PeerConfiguration(invite: try Invite(invite))
        let server = RendezvousServiceConfiguration()
        let demo = DemoConfiguration()
        let table = CommandTable.polycast
        func expect(_ verb: String, _ option: String, _ text: String) throws {
            let found = try #require(table.verb(named: verb)?.options.first { $0.name == option })
            #expect(found.help.contains("default \(text)"), "\(verb) --\(option)")
        }
        try expect("join", "uplink", "\(peer.uplink))")
        try expect("join", "bind", "\(peer.bind),")
        try expect("join", "rendezvous-timeout", "\(durationText(peer.rendezvousTimeout)))")
        try expect("rendezvous", "listen", "\(server.listen),")
        try expect("rendezvous", "lease", "\(durationText(server.lease)))")
        try expect("rendezvous", "group-limit", "\(server.groupLimit))")
        try expect("rendezvous", "member-limit", "\(server.memberLimit))")
        try expect("rendezvous", "address-member-limit", "\(server.addressMemberLimit))")
        try expect("rendezvous", "request-rate", "\(server.requestRate))")
        try expect(
            "doctor", "querier-wait", "\(durationText(DoctorConfiguration.defaultQuerierWait)))")
        try expect("doctor", "ttl", "\(DoctorConfiguration().question.ttl))")
        try expect("demo", "out", "\(demo.outputDirectory))")
        try expect("demo", "duration", "\(durationText(demo.duration)))")
    }

    @Test func repeatableOptionsKeepTheirOrder() throws {
        let command = try parse([
            "join", "--publish", "b.sdp", invite, "--publish=a.sdp", "--deliver", "udp://h:1",
            "--deliver", "rtp://h:2",
        ])

        guard case .join(let configuration) = command else {
            Issue.record("\(command) is no join")
            return
        }
        #expect(configuration.publish == ["b.sdp", "a.sdp"])
        #expect(configuration.deliver == ["udp://h:1", "rtp://h:2"])
    }

    @Test func shortOptionsMayBeJoinedAndCounted() throws {
        let long = try parse(["join", invite, "--verbose", "--verbose", "--json"])

        #expect(try parse(["join", "-vvJ", invite]) == long)
        #expect(try parse(["join", "-v", "-j", "-v", invite]) == long)
    }

    @Test func wordsBehindTwoDashesAreOperands() throws {
        #expect(try parse(["join", "--json", "--", invite]) == parse(["join", invite, "-J"]))
        #expect(throws: Failure.self) { try parse(["join", "--", "--json"]) }
    }

    @Test func valuesMayBeginWithADashOnlyWhenAttached() throws {
        #expect(throws: Failure.self) { try parse(["demo", "--out", "-x"]) }
        guard case .demo(let configuration) = try parse(["demo", "--out=-x"]) else { return }
        #expect(configuration.outputDirectory == "-x")
    }

    @Test func membersMayAskARendezvous() throws {
        #expect(
            try parse(["members", invite, "--json"])
                == .query(
                    QueryConfiguration(
                        request: .members, target: .rendezvous(Invite(invite)), isJSON: true)))
    }
}

@Suite struct DurationTextTests {
    @Test(arguments: [
        ("500ms", Duration.milliseconds(500)), ("30s", .seconds(30)), ("5m", .seconds(300)),
        ("1h", .seconds(3600)), ("30", .seconds(30)), ("0.5s", .milliseconds(500)),
        ("1.25h", .seconds(4500)), ("0s", .zero), ("0.000000001s", .nanoseconds(1)),
    ])
    func timesHaveUnits(text: String, duration: Duration) {
        #expect(parseDuration(text) == duration)
    }

    @Test(arguments: [
        "", "s", "ms", "-1s", "+1s", "1 s", "1d", "1.s", ".5s", "1.2.3s", "1e3s", "1us", "nan",
        "9999999999s", "999999999h", "٣s",
    ])
    func otherTextsAreRefused(text: String) {
        #expect(parseDuration(text) == nil)
    }

    @Test(arguments: ["250ms", "30s", "5m", "1h", "90s"])
    func durationsPrintAsTheyAreWritten(text: String) throws {
        #expect(durationText(try #require(parseDuration(text))) == text)
    }
}

func parse(_ arguments: [String]) throws(Failure) -> Command {
    try CommandTable.polycast.parse(arguments)
}
