import Doctor
import Management
import NetBasics

private let groupHelp =
    "G, G:PORT, G+N for N groups, S,G with a source, or an invite, whose rendezvous is then tried"

let doctorVerb = Verb(
    name: "doctor", summary: "say why multicast does not work here, and what to do",
    details: """
        Looks at what lets a group arrive on this host and leave it: interface, route, reverse path \
        filter, forwarding, hop limit, firewall, bridges and queriers, limits, buffers, loopback, clock; \
        with an invite at its rendezvous, NAT and path MTU. Each check passes, warns, fails or says why \
        it cannot see; what is not well has a cause and a command that mends it. Nothing is changed.
        Two doctors test the path between them, both ways: one with --listen, the other with --with.
        Best run as root: firewall rules need CAP_NET_ADMIN, listening for queries CAP_NET_RAW.
        """,
    operands: [
        Operand(placeholder: "GROUP", isRequired: false, help: groupHelp)
    ],
    options: [
        .value(
            "interface", short: "i", "IF",
            help: "look at this one (default: that of the route to the group)"),
        .value("ttl", "N", help: "hop limit that the group is sent with (default 1)"),
        .value(
            "querier-wait", "TIME", help: "listen this long for membership queries (default 3s)"),
        .value("with", "HOST:PORT", help: "test the path to the doctor that listens there"),
        .value(
            "listen", "ADDRESS:PORT",
            help: "answer another doctor, at port 7401 if none is given"),
        .value("duration", "TIME", help: "end listening by itself (default: at a signal)"),
        .toggle("json", "J", "j", help: "print one JSON object instead of text"),
    ],
    examples: [
        .init("polycast doctor 239.1.2.3 --interface eth0", "why does this group not arrive?"),
        .init("polycast doctor 192.0.2.1,232.1.2.3:5004", "a group with one source"),
        .init(
            "polycast doctor polycast://192.0.2.1:7400/standup",
            "is the rendezvous reached, and is there a NAT?"),
        .init("polycast doctor 239.1.2.3 --listen 0.0.0.0", "on one host, and on the other:"),
        .init("polycast doctor 239.1.2.3 --ttl 16 --with 192.0.2.7", "the path between both"),
    ],
    exitCodes: [.success, .runtimeFailure, .usage, .checkFailed, .permission],
    isService: true,
    makeCommand: makeDoctor)

private func makeDoctor(_ words: Words, _: CommandTable) throws(Failure) -> Command {
    var configuration = DoctorConfiguration()
    if let operand = words.operands.first {
        if isInvite(operand) {
            configuration.invite = try readInvite(operand)
        } else {
            try configuration.read(group: operand)
        }
    }
    configuration.question.interface = try interfaceName(words)
    configuration.question.ttl =
        try words.integer("ttl", in: 1...255) ?? configuration.question.ttl
    configuration.querierWait =
        try words.duration("querier-wait", in: .zero ... .seconds(3600))
        ?? configuration.querierWait
    configuration.duration = try words.duration("duration")
    configuration.isJSON = words.has("json")
    try readRole(words, into: &configuration)
    return .doctor(configuration)
}

private func isInvite(_ operand: String) -> Bool {
    operand == "-" || operand.hasPrefix("@") || operand.lowercased().hasPrefix("polycast:")
}

private func isIPv6(_ text: String) -> Bool {
    let address = IPAddress(text) ?? Endpoint(text, defaultPort: 0)?.address
    return if case .v6 = address { true } else { false }
}

/// A name as the kernel takes it: 15 bytes, no slash and no blank.
private func interfaceName(_ words: Words) throws(Failure) -> String? {
    guard let name = try words.filledText("interface", "the name of an interface") else {
        return nil
    }
    guard name.utf8.count <= 15, name.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x2F && $0 != 0x7F })
    else {
        throw Failure(
            .usage, "--interface cannot be \(quoted(name))",
            advice: "write a name that 'ip link' shows, such as eth0")
    }
    return name
}

private func readRole(
    _ words: Words, into configuration: inout DoctorConfiguration
) throws(Failure) {
    let (with, listen) = (words.text("with"), words.text("listen"))
    guard with == nil || listen == nil else {
        throw Failure(
            .usage, "--with and --listen contradict each other",
            advice: "run one doctor with --listen and the other with --with")
    }
    if with != nil || listen != nil, configuration.invite != nil {
        throw Failure(
            .usage, "two doctors need a group of IP multicast, not an invite",
            advice: "name one, such as 239.1.2.3")
    }
    if words.operands.isEmpty, let address = with ?? listen, isIPv6(address) {
        configuration.question.group = DoctorConfiguration.groupOfIPv6
    }
    if let with { try configuration.read(with: with) }
    if let listen { try configuration.read(listen: listen) }
    if configuration.duration != nil, listen == nil {
        throw Failure(
            .usage, "--duration is for --listen", advice: "leave it out, or add --listen 0.0.0.0")
    }
}
