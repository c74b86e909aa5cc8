import Management
import NetBasics
import Sockets

/// Counts beyond this are mistakes, and would not fit in memory.
private let countLimit = 1_000_000

func makeJoin(_ words: Words, _: CommandTable) throws(Failure) -> Command {
    .join(try peerConfiguration(words))
}

func makeRelay(_ words: Words, _: CommandTable) throws(Failure) -> Command {
    var configuration = try peerConfiguration(words)
    configuration.isRelay = true
    return .join(configuration)
}

private func peerConfiguration(_ words: Words) throws(Failure) -> PeerConfiguration {
    var configuration = PeerConfiguration(invite: try readInvite(words.operands[0]))
    configuration.publish = words.all("publish")
    configuration.deliver = words.all("deliver")
    for specification in words.all("publish") + words.all("deliver") where specification.isEmpty {
        throw Failure(
            .usage, "an empty text can be neither published nor delivered to",
            advice: "give a file or an address, such as rtp://127.0.0.1:6000")
    }
    configuration.sdpDirectory = try words.filledText("sdp-dir", "a directory")
    configuration.name = try words.name("name")
    configuration.uplink = try words.bitRate("uplink") ?? configuration.uplink
    configuration.bind = try words.endpoint("bind") ?? configuration.bind
    configuration.fanout = try words.integer("fanout", in: 1...256)
    configuration.algorithm = try words.algorithm("algorithm") ?? configuration.algorithm
    configuration.hasParity = words.has("parity")
    configuration.workers =
        try words.integer("workers", in: 1...SendBatch.threadLimit) ?? configuration.workers
    configuration.duration = try words.duration("duration")
    configuration.isJSON = words.has("json")
    configuration.socketPath = try words.socketPath("socket")
    configuration.rendezvousTimeout =
        try words.duration("rendezvous-timeout", in: .milliseconds(100) ... .seconds(3600))
        ?? configuration.rendezvousTimeout
    configuration.seed = try words.seed("seed")
    configuration.verbosity = try words.verbosity()
    return configuration
}

func makeRendezvous(_ words: Words, _: CommandTable) throws(Failure) -> Command {
    var configuration = RendezvousServiceConfiguration()
    let counts = 1...countLimit
    configuration.listen = try words.endpoint("listen") ?? configuration.listen
    configuration.lease =
        try words.duration("lease", in: .seconds(1) ... .seconds(3600)) ?? configuration.lease
    configuration.groupLimit =
        try words.integer("group-limit", in: counts) ?? configuration.groupLimit
    configuration.memberLimit =
        try words.integer("member-limit", in: counts) ?? configuration.memberLimit
    configuration.addressMemberLimit =
        try words.integer("address-member-limit", in: counts) ?? configuration.addressMemberLimit
    configuration.requestRate =
        try words.integer("request-rate", in: counts) ?? configuration.requestRate
    configuration.duration = try words.duration("duration")
    configuration.isJSON = words.has("json")
    configuration.verbosity = try words.verbosity()
    return .rendezvous(configuration)
}

/// The maker of one question's command.
func makeQuery(
    _ request: ManagementRequest
) -> @Sendable (Words, CommandTable) throws(Failure) -> Command {
    { words, _ throws(Failure) in
        var targets: [QueryConfiguration.Target] = []
        if let path = try words.socketPath("socket") { targets.append(.socket(path)) }
        if let name = try words.name("name") { targets.append(.peerNamed(name)) }
        if let invite = words.operands.first {
            targets.append(.rendezvous(try readInvite(invite)))
        }
        guard targets.count <= 1 else {
            throw Failure(
                .usage, "\(request.rawValue): more than one is named to be asked",
                advice: "keep one of --socket, --name"
                    + (request == .members ? " and the invite" : ""))
        }
        return .query(
            QueryConfiguration(
                request: request, target: targets.first ?? .onlyPeer, isJSON: words.has("json")))
    }
}

func makeDemo(_ words: Words, _: CommandTable) throws(Failure) -> Command {
    var configuration = DemoConfiguration()
    configuration.outputDirectory =
        try words.filledText("out", "a directory") ?? configuration.outputDirectory
    configuration.duration =
        try words.duration("duration", in: .seconds(1) ... .seconds(3600))
        ?? configuration.duration
    configuration.usesPattern = words.has("pattern")
    configuration.isJSON = words.has("json")
    return .demo(configuration)
}

func makeCompletion(_ words: Words, _ table: CommandTable) throws(Failure) -> Command {
    switch words.operands[0] {
    case "bash": return .print(table.bashCompletion)
    case "zsh": return .print(table.zshCompletion)
    case "fish": return .print(table.fishCompletion)
    case let shell:
        throw Failure(
            .usage, "no completion for the shell \(quoted(shell))",
            advice: "choose bash, zsh or fish")
    }
}

func makeHelp(_ words: Words, _ table: CommandTable) throws(Failure) -> Command {
    guard let name = words.operands.first else { return .print(table.helpText) }
    guard let verb = table.verb(named: name) else { throw table.unknownVerb(name) }
    return .print(table.helpText(for: verb))
}

extension Words {
    /// How much to log: -1 for `-q`, else the number of `-v`.
    fileprivate func verbosity() throws(Failure) -> Int {
        guard has("quiet") else { return min(count("verbose"), 3) }
        guard !has("verbose") else {
            throw Failure(
                .usage, "--quiet and --verbose contradict each other", advice: "keep one of them")
        }
        return -1
    }

    /// A path that fits an address of the UNIX domain (unix(7): 107 bytes and a zero).
    fileprivate func socketPath(_ option: String) throws(Failure) -> String? {
        guard let path = try filledText(option, "a path") else { return nil }
        guard path.utf8.count <= 107 else {
            throw Failure(
                .usage,
                "--\(option) is \(path.utf8.count) bytes long, more than the 107 of a socket",
                advice: "choose a shorter path")
        }
        return path
    }
}
