import Glibc
import Management

let inviteHelp = "polycast://HOST[:PORT]/GROUP[#SECRET], @FILE that holds it, or - to read it"

let inviteVerb = Verb(
    name: "invite", summary: "make the invite of a new group, or that of a relay",
    details: """
        Prints an invite with a new secret. Who has it can take part: see, hear and publish. The \
        rendezvous never learns it. With --relay, makes of a member's invite the one that lets a \
        machine forward the group's media and not read it.
        """,
    operands: [
        Operand(
            placeholder: "GROUP", isRequired: true,
            help: "the group's name; with --relay a member's invite, @FILE that holds it, or -")
    ],
    options: [
        .value("rendezvous", "HOST:PORT", help: "where the group's members find each other"),
        .toggle("relay", help: "make the invite of a relay"),
    ],
    examples: [
        .init("polycast invite standup --rendezvous 192.0.2.1:7400", "a private group"),
        .init(
            "polycast invite --relay polycast://192.0.2.1/standup#SECRET",
            "of that group, for a machine that only forwards"),
    ],
    exitCodes: [.success, .usage],
    makeCommand: makeInviteCommand)

private func makeInviteCommand(_ words: Words, _: CommandTable) throws(Failure) -> Command {
    let operand = words.operands[0]
    let rendezvous = try words.filledText("rendezvous", "HOST:PORT")
    if words.has("relay") {
        guard rendezvous == nil else {
            throw Failure(
                .usage, "--rendezvous means nothing beside --relay",
                advice: "leave it out: the member's invite names the rendezvous")
        }
        return .invite(.relay(try readInvite(operand)))
    }
    guard let rendezvous else {
        throw Failure(
            .usage, "invite: no rendezvous is named",
            advice: "add --rendezvous HOST:PORT, where 'polycast rendezvous' runs")
    }
    return .invite(.group(try Invite(group: operand, rendezvous: rendezvous)))
}

// MARK: - Reading

/// Bytes of an invite at most.
private let inviteByteLimit = 4096

/// The invite that an operand is, or where it is to be read.
func readInvite(_ operand: String) throws(Failure) -> Invite {
    if operand == "-" { return try Invite(try firstLine(of: STDIN_FILENO, "standard input")) }
    guard operand.hasPrefix("@") else { return try Invite(operand) }
    let path = String(operand.dropFirst())
    let number = open(path, O_RDONLY | O_CLOEXEC)
    guard number >= 0 else {
        throw Failure(
            .usage,
            "cannot read the invite in \(quoted(path)): \(String(cString: strerror(errno)))",
            advice: "write @ and the path of a file that holds an invite")
    }
    defer { close(number) }
    return try Invite(try firstLine(of: number, quoted(path)))
}

private func firstLine(of number: Int32, _ place: String) throws(Failure) -> String {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: inviteByteLimit)
    while bytes.count <= inviteByteLimit, !bytes.contains(UInt8(ascii: "\n")) {
        let count = read(number, &chunk, chunk.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { break }
        bytes += chunk[..<count]
    }
    let line = bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
    guard !line.isEmpty, line.count <= inviteByteLimit,
        let text = String(validating: line, as: UTF8.self)
    else {
        throw Failure(
            .usage, "no invite is in the first line of \(place)",
            advice: "let it hold what 'polycast invite' prints")
    }
    return text
}
