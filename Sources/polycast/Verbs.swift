import Management

extension CommandTable {
    /// The program's verbs, in the order of the help.
    static let polycast = CommandTable(
        program: "polycast",
        summary: "live media for a group, carried by the members' own machines",
        verbs: [
            rendezvousVerb, inviteVerb, joinVerb, relayVerb, statusVerb, membersVerb, treeVerb,
            leaveVerb, captureVerb, inspectVerb, doctorVerb, demoVerb,
            simulateVerb, benchVerb, completionVerb, helpVerb, versionVerb,
        ])
}

// MARK: - Options of several verbs

private let json = Option.toggle(
    "json", "J", "j", help: "print one JSON object instead of text")
private let verbose = Option.toggle(
    "verbose", "v", help: "log more to standard error; twice for more still")
private let quiet = Option.toggle("quiet", "q", help: "log errors only")
private let socket = Option.value(
    "socket", "PATH", completion: .file, help: "management socket of the peer")
private let nameOfPeer = Option.value(
    "name", "NAME", help: "which peer to ask (default: the only one on this host)")
private let queryOptions = [socket, nameOfPeer, json]

// MARK: - Services

private let rendezvousVerb = Verb(
    name: "rendezvous",
    summary: "run the server where members find each other",
    details: """
        Members register with a rendezvous and learn of each other there. No media passes \
        through it, and a group goes on without it.
        """,
    options: [
        .value(
            "listen", "ADDRESS:PORT",
            help: "UDP address (default [::]:7400, which is IPv6 and IPv4)"),
        .value("lease", "TIME", help: "forget members silent this long (default 30s)"),
        .value("group-limit", "N", help: "groups at most (default 10000)"),
        .value("member-limit", "N", help: "members of a group at most (default 10000)"),
        .value(
            "address-member-limit", "N",
            help: "members behind one IP address at most (default 256)"),
        .value(
            "request-rate", "N",
            help: "requests per second from one IP address at most (default 50)"),
        .value("duration", "TIME", help: "end by itself (default: at a signal)"),
        json, verbose, quiet,
    ],
    examples: [
        .init("polycast rendezvous", "on port 7400 of every address, IPv4 and IPv6"),
        .init("polycast rendezvous --listen 192.0.2.1:7400 --lease 1m", "on one address only"),
    ],
    exitCodes: [.success, .runtimeFailure, .usage, .permission],
    isService: true,
    makeCommand: makeRendezvous)

private let joinVerb = Verb(
    name: "join",
    summary: "join a group: publish, forward and deliver its media",
    details: """
        Becomes a member of the group that the invite polycast://HOST[:PORT]/GROUP#SECRET names, and \
        forwards its media to other members within the uplink. Media is sealed from source to \
        receiver. Without a secret the group is public: whoever knows its name can take part.
        On a terminal one line shows the state; a summary follows at the end.
        """,
    operands: [
        Operand(placeholder: "INVITE", isRequired: true, help: inviteHelp)
    ],
    options: joinOptions,
    examples: [
        .init(
            "polycast join polycast://192.0.2.1:7400/standup --publish cam.sdp",
            "send the RTP streams that cam.sdp describes"),
        .init(
            "polycast join polycast://[2001:db8::1]/standup --deliver rtp://127.0.0.1:6000",
            "receive every stream, from port 6000 upwards"),
        .init(
            "polycast join polycast://192.0.2.1/lab --publish test:rate=2M --duration 30s",
            "measure with the built-in pattern for half a minute"),
    ],
    exitCodes: [
        .success, .runtimeFailure, .usage, .permission, .rendezvousUnreachable, .configuration,
    ],
    isService: true,
    makeCommand: makeJoin)

private let relayVerb = Verb(
    name: "relay", summary: "lend this host's uplink to a group, without its media",
    details: """
        Forwards a group's media between members and keeps no key to read it with. Needs a relay's \
        invite (polycast invite --relay), or forgets what a member's invite would let it read.
        """,
    operands: [
        Operand(placeholder: "INVITE", isRequired: true, help: inviteHelp)
    ],
    options: joinOptions.filter { !mediaOptions.contains($0.name) },
    examples: [
        .init(
            "polycast relay polycast://192.0.2.1/standup#relay-SECRET --uplink 100M",
            "on a machine with a good uplink")
    ],
    exitCodes: [
        .success, .runtimeFailure, .usage, .permission, .rendezvousUnreachable, .configuration,
    ],
    isService: true,
    makeCommand: makeRelay)

/// Of joining, what means nothing to a relay.
private let mediaOptions = ["publish", "deliver", "sdp-dir", "algorithm"]

private let joinOptions: [Option] = [
    .value(
        "publish", "SPEC", isRepeatable: true, completion: .file,
        help: "send FILE.sdp, rtp://HOST:PORT, udp://HOST:PORT or test:rate=2M,size=1200; "
            + "may be repeated"),
    .value(
        "deliver", "SPEC", isRepeatable: true,
        help: "hand streams to rtp://HOST:PORT or udp://HOST:PORT, one port pair each; "
            + "may be repeated"),
    .value(
        "sdp-dir", "DIR", completion: .directory,
        help: "write NAME.sdp for each remote member there, for players"),
    .value("name", "NAME", help: "this member's name (default: made from the host's)"),
    .value("uplink", "RATE", help: "what may be sent in all, such as 4M (default 10M)"),
    .value(
        "bind", "ADDRESS:PORT", help: "local UDP address (default [::]:0, a free port)"),
    .value("fanout", "N", help: "children per source at most (default: by the uplink)"),
    .value(
        "algorithm", "NAME", completion: .words(AlgorithmChoice.allCases.map(\.rawValue)),
        help: "how this member's streams find the others: spt (a tree by delay), flood (and "
            + "prune) or auto (default spt)"),
    .toggle(
        "parity",
        help: "exchange parity with neighbors that do, too, on links that lose packets: over "
            + "long ways repair is sooner, for more traffic"),
    .value(
        "workers", "N",
        help: "threads that send, for more than one processor bears (default 1)"),
    .value("duration", "TIME", help: "leave by itself, such as 30s, 5m or 1h"),
    .value(
        "rendezvous-timeout", "TIME",
        help: "give up if nothing answers this long at the start (default 5s)"),
    .value("socket", "PATH", completion: .file, help: "management socket to offer"),
    .value("seed", "N", help: "make the random choices repeatable"),
    json, verbose, quiet,
]

// MARK: - Questions

private let statusVerb = Verb(
    name: "status", summary: "show the links and streams of a peer on this host",
    options: queryOptions,
    examples: [
        .init("polycast status", "ask the only peer that runs on this host"),
        .init("polycast status --name ada --json", "ask one of several, for a program"),
    ],
    makeCommand: makeQuery(.status))

private let membersVerb = Verb(
    name: "members", summary: "list the members of a group",
    details: "With an invite, asks that rendezvous; without, asks a peer on this host.",
    operands: [
        Operand(
            placeholder: "INVITE", isRequired: false,
            help: "ask the rendezvous of polycast://HOST[:PORT]/GROUP")
    ],
    options: queryOptions,
    examples: [
        .init("polycast members", "as the peer on this host knows them"),
        .init(
            "polycast members polycast://192.0.2.1:7400/standup",
            "as the rendezvous knows them, without joining"),
    ],
    exitCodes: [.success, .runtimeFailure, .usage, .rendezvousUnreachable],
    makeCommand: makeQuery(.members))

private let treeVerb = Verb(
    name: "tree", summary: "show a peer's parent and children for every source",
    options: queryOptions,
    examples: [.init("polycast tree", "who feeds this peer, and whom it feeds")],
    makeCommand: makeQuery(.tree))

private let leaveVerb = Verb(
    name: "leave", summary: "make a peer on this host leave its group and end",
    options: queryOptions,
    examples: [.init("polycast leave --name ada", "its join prints the summary and ends")],
    makeCommand: makeQuery(.leave))

// MARK: - The rest

private let demoVerb = Verb(
    name: "demo", summary: "run a rendezvous and five peers here, with real video",
    details: """
        Starts six processes on loopback addresses, publishes ffmpeg's test picture from one \
        peer and a second source from another, and prints the trees and what each peer \
        received. Leaves a decoded PNG and the tree as SVG.
        Without ffmpeg the built-in pattern is sent instead.
        """,
    options: [
        .value(
            "out", "DIR", completion: .directory,
            help: "where results are left (default ./out/demo)"),
        .value("duration", "TIME", help: "how long media flows (default 20s)"),
        .toggle("pattern", help: "send the built-in pattern even if ffmpeg exists"),
        json,
    ],
    examples: [
        .init("polycast demo", "20 seconds, results in ./out/demo"),
        .init("polycast demo --pattern --duration 5s", "a short look, without ffmpeg"),
    ],
    exitCodes: [.success, .runtimeFailure, .usage, .checkFailed],
    isService: true,
    makeCommand: makeDemo)

private let shells = ["bash", "zsh", "fish"]

private let completionVerb = Verb(
    name: "completion", summary: "print the completion script of a shell",
    operands: [
        Operand(
            placeholder: "SHELL", isRequired: true, help: "bash, zsh or fish",
            completion: .words(shells))
    ],
    examples: [
        .init("source <(polycast completion bash)", "for this bash"),
        .init(
            "polycast completion fish > ~/.config/fish/completions/polycast.fish",
            "for every fish"),
    ],
    exitCodes: [.success, .usage],
    makeCommand: makeCompletion)

private let helpVerb = Verb(
    name: "help", summary: "explain a verb, or list them all",
    operands: [
        Operand(
            placeholder: "VERB", isRequired: false, help: "what to explain", completion: .verbs)
    ],
    examples: [.init("polycast help join", "the same as 'polycast join --help'")],
    exitCodes: [.success, .usage],
    makeCommand: makeHelp)

private let versionVerb = Verb(
    name: "version", summary: "print the version",
    examples: [.init("polycast version", "the same as 'polycast --version'")],
    exitCodes: [.success, .usage],
    makeCommand: { _, table throws(Failure) in .print(table.versionText) })
