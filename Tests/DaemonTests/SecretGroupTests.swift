import Foundation
import Management
import NetBasics
import TestSupport
import Testing

/// Groups with a secret: media is for those who have it, and a relay carries what it cannot read.
@Suite(.serialized) struct SecretGroupTests {
    private let scratch: ScratchDirectory
    private let port: UInt16
    private let server: PolycastProcess
    private let invite: String

    init() throws {
        scratch = try ScratchDirectory()
        port = try freePort()
        server = try PolycastProcess("rendezvous", "--listen", "127.0.0.1:\(port)", "-q")
        invite = try Self.output(
            of: "invite", "standup", "--rendezvous", "127.0.0.1:\(port)")
    }

    private static func output(of arguments: String...) throws -> String {
        let process = try PolycastProcess(list: arguments)
        try #require(process.exitCode(within: 5) == 0, "\(process.errorText)")
        return process.outputText.trimmingCharacters(in: .newlines)
    }

    /// A member, or a relay, whose invite is in a file.
    private func start(
        _ verb: String, _ invite: String, _ name: String, _ address: String, _ rest: String...
    ) throws -> PolycastProcess {
        let path = scratch.file("\(name).invite")
        try invite.write(toFile: path, atomically: true, encoding: .utf8)
        return try PolycastProcess(
            list: [
                verb, "@\(path)", "--name", name, "--bind", "\(address):0", "--socket",
                socket(name), "--json", "-q",
            ] + rest)
    }

    private func socket(_ name: String) -> String { scratch.file("\(name).sock") }

    /// Where the number of bytes that a process may write holds `marker`, in the places that the
    /// kernel shows.
    private static func memory(of process: PolycastProcess, holds marker: [UInt8]) throws -> Bool {
        let maps = try String(contentsOfFile: "/proc/\(process.number)/maps", encoding: .utf8)
        let memory = try FileHandle(
            forReadingFrom: URL(fileURLWithPath: "/proc/\(process.number)/mem"))
        for line in maps.split(separator: "\n") where line.contains(" rw") {
            let bounds = line.prefix { $0 != " " }.split(separator: "-").compactMap {
                UInt64($0, radix: 16)
            }
            guard bounds.count == 2, !line.contains("[v") else { continue }
            try memory.seek(toOffset: bounds[0])
            guard let data = try? memory.read(upToCount: Int(bounds[1] - bounds[0])) else {
                continue
            }
            if data.range(of: Data(marker)) != nil { return true }
        }
        return false
    }

    @Test func aRelayForwardsWhatItCannotRead() throws {
        let (mediaPort, deliverPort) = (try freePort(), try freePort())
        let marker = Array("nobody but members reads this sentence of some length".utf8)
        let player = try Probe(loopback(1, port: deliverPort))
        let relayInvite = try Self.output(of: "invite", "--relay", invite)
        let alice = try start(
            "join", invite, "alice", "127.0.1.1", "--publish",
            "udp://127.0.0.1:\(mediaPort)?rate=1M", "--fanout", "1")
        #expect(
            eventually(within: 6) { status(at: socket("alice"))?.rendezvous.state == .registered })
        let relay = try start("relay", relayInvite, "relay", "127.0.1.2")
        #expect(eventually(within: 6) { status(at: socket("relay"))?.streams.count == 1 })
        let bob = try start(
            "join", invite, "bob", "127.0.1.3", "--uplink", "100k", "--deliver",
            "udp://127.0.0.1:\(deliverPort)")
        let eve = try PolycastProcess(
            "join", "polycast://127.0.0.1:\(port)/standup", "--name", "eve", "--bind",
            "127.0.1.4:0", "--duration", "2s", "--json", "-q")
        #expect(
            eventually(within: 6) {
                guard case .tree(let tree) = ask(.tree, at: socket("bob")) else { return false }
                return tree.sources.first?.state == .attached
            })
        let sender = try Probe()
        let datagrams = (0..<20).map { [UInt8($0)] + marker }

        for datagram in datagrams { sender.send(datagram, to: loopback(1, port: mediaPort)) }

        #expect(try player.receiveAll(silence: .milliseconds(500)) == datagrams)
        let atRelay = try #require(status(at: socket("relay")))
        #expect(atRelay.access == .relay)
        #expect(atRelay.streams.first?.received == 20)
        guard case .tree(let tree) = ask(.tree, at: socket("bob")) else {
            Issue.record("bob shows no tree")
            return
        }
        #expect(tree.sources.first?.parent?.name == "relay")
        if !Sanitizer.isOn {
            #expect(try Self.memory(of: bob, holds: marker))
            #expect(try Self.memory(of: relay, holds: marker) == false)
        }
        #expect(status(at: socket("bob"))?.access == .secret)
        #expect(eve.exitCode(within: 6) == 0)
        #expect(eve.summary?.streams.isEmpty == true)
        _ = (alice, bob)
    }

    @Test func aMistypedSecretIsNamedAndNotShown() throws {
        let last = invite.last == "7" ? "8" : "7"
        let secret = invite.split(separator: "#")[1]
        for (bad, reason) in [
            (invite.dropLast() + last, "mistyped"), (invite.dropLast(), "characters"),
            (invite.dropLast() + "u", "no secret has"),
        ] {
            let process = try PolycastProcess("join", String(bad), "--duration", "1s")

            #expect(process.exitCode(within: 5) == 2)
            #expect(process.errorText.contains(reason), "\(process.errorText)")
            #expect(!process.errorText.contains(secret.prefix(8)))
        }
    }

    /// Whether status, list of members and, once, standard error of a lone peer say this.
    private func expectWarning(
        _ process: PolycastProcess, _ name: String, _ line: String, namesakes: Int
    ) throws {
        #expect(eventually(within: 6) { status(at: socket(name))?.rendezvous.detail == line })
        let state = try #require(status(at: socket(name))?.rendezvous)
        #expect(state.state == .registered && state.namesakes == namesakes)
        guard case .members(let list) = ask(.members, at: socket(name)) else {
            Issue.record("\(name) lists no members")
            return
        }
        #expect(list.detail == line && list.namesakes == namesakes && list.members.count == 1)
        process.send(SIGINT)
        #expect(process.exitCode(within: 5) == 130)
        #expect(process.errorText == "polycast: \(line)\n")
    }

    @Test func aWrongSecretIsToldFromAnEmptyGroup() throws {
        let alice = try PolycastProcess(
            "join", invite, "--bind", "127.0.1.1:0", "--socket", socket("alice"))
        #expect(
            eventually(within: 6) { status(at: socket("alice"))?.rendezvous.state == .registered })
        let other = try Self.output(of: "invite", "standup", "--rendezvous", "127.0.0.1:\(port)")
        let eve = try PolycastProcess(
            "join", other, "--bind", "127.0.1.2:0", "--socket", socket("eve"))
        try expectWarning(
            eve, "eve",
            "nobody else in \"standup\" has this invite's secret, but 1 member has another: "
                + "check the invite", namesakes: 1)
        let mallory = try PolycastProcess(
            "join", "polycast://127.0.0.1:\(port)/standup", "--bind", "127.0.1.3:0", "--socket",
            socket("mallory"))
        try expectWarning(
            mallory, "mallory",
            "nobody else is in \"standup\" without a secret, but 1 member has one: "
                + "ask for the invite", namesakes: 1)

        for (invite, text) in [(other, "standup: 0 members\nnobody"), (self.invite, "1 member\n")] {
            let lookup = try PolycastProcess("members", invite)
            #expect(lookup.exitCode(within: 5) == 0)
            #expect(lookup.outputText.contains(text), "\(lookup.outputText)")
        }
        alice.send(SIGINT)
        #expect(alice.exitCode(within: 5) == 130)
        #expect(alice.errorText.isEmpty, "\(alice.errorText)")
    }

    @Test func aPublicGroupIsCalledSo() throws {
        let alice = try PolycastProcess(
            "join", "polycast://127.0.0.1:\(port)/open", "--bind", "127.0.1.1:0", "--socket",
            socket("alice"))
        #expect(
            eventually(within: 6) { status(at: socket("alice"))?.rendezvous.state == .registered })

        #expect(status(at: socket("alice"))?.access == .everybody)
        alice.send(SIGINT)
        #expect(alice.exitCode(within: 5) == 130)
        #expect(
            alice.errorText
                == "polycast: \"open\" is public: whoever knows its name can take part\n")
    }

    @Test func aRelaysInviteIsNoMembers() throws {
        let relayInvite = try Self.output(of: "invite", "--relay", invite)

        let process = try PolycastProcess("join", relayInvite, "--duration", "1s")

        #expect(relayInvite != invite)
        #expect(process.exitCode(within: 5) == 2)
        #expect(process.errorText.contains("polycast relay"))
    }

    @Test func noListOfProcessesShowsTheSecret() throws {
        let process = try PolycastProcess(
            "join", invite, "--bind", "127.0.1.1:0", "--socket", socket("alice"), "-q")
        #expect(eventually(within: 5) { status(at: socket("alice")) != nil })

        let shown = try String(
            contentsOfFile: "/proc/\(process.number)/cmdline", encoding: .utf8)

        let secret = invite.split(separator: "#")[1]
        #expect(shown.contains("standup#"))
        #expect(!shown.contains(secret))
        #expect(!shown.contains(secret.suffix(8)))
    }

    @Test func anInviteInAWrongPlaceKeepsItsSecret() throws {
        let secret = invite.split(separator: "#")[1]
        for arguments in [
            [invite], ["leave", invite], ["join", invite, invite], ["status", "--name", invite],
        ] {
            let process = try PolycastProcess(list: arguments)

            #expect(process.exitCode(within: 5) == 2, "\(arguments)")
            #expect(process.errorText.contains("standup#..."), "\(process.errorText)")
            #expect(!process.errorText.contains(secret.prefix(8)))
        }
    }
}
