import Foundation
import Sockets
import Testing

/// One line that says what, on what, and what to try; and the exit code of the conventions.
@Suite struct BadInputTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var arguments: [String]
        var code: Int32
        var mentions: [String]
        var testDescription: String { arguments.joined(separator: " ") }
    }

    static let invite = "polycast://127.0.0.1:9/g"

    static let cases: [Case] = [
        Case(arguments: ["jion"], code: 2, mentions: ["jion", "join"]),
        Case(arguments: ["join"], code: 2, mentions: ["INVITE"]),
        Case(arguments: ["join", "--uplnk", "3M", invite], code: 2, mentions: ["--uplnk"]),
        Case(arguments: ["join", "http://x/y"], code: 2, mentions: ["polycast://"]),
        Case(
            arguments: ["join", "polycast://127.0.0.1:7400/a\u{1}b"], code: 2, mentions: ["control"]
        ),
        Case(
            arguments: ["join", "polycast://127.0.0.1:7400/a%0Ab"], code: 2, mentions: ["control"]),
        Case(arguments: ["join", invite, "--uplink", "0"], code: 2, mentions: ["uplink"]),
        Case(
            arguments: ["join", invite, "--publish", "/nonexistent/cam.sdp"], code: 8,
            mentions: ["/nonexistent/cam.sdp"]),
        Case(
            arguments: ["join", invite, "--publish", "/etc/hostname"], code: 8,
            mentions: ["/etc/hostname"]),
        Case(
            arguments: ["join", invite, "--publish", "test:rate=0"], code: 2, mentions: ["rate"]),
        Case(
            arguments: ["join", invite, "--publish", "rtp://239.1.2.3:5004"], code: 2,
            mentions: ["239.1.2.3"]),
        Case(
            arguments: ["join", invite, "--deliver", "tcp://127.0.0.1:5"], code: 2,
            mentions: ["tcp://"]),
        Case(arguments: ["join", invite, "--name", "../x"], code: 2, mentions: ["name"]),
        Case(
            arguments: ["join", invite, "--bind", "192.0.2.1:0"], code: 1,
            mentions: ["192.0.2.1:0", "--bind"]),
        Case(
            arguments: ["join", invite, "--sdp-dir", "/proc/nowhere"], code: 1,
            mentions: ["/proc/nowhere"]),
        Case(
            arguments: ["join", invite, "--rendezvous-timeout", "300ms"], code: 6,
            mentions: ["127.0.0.1:9", "polycast rendezvous"]),
        Case(
            arguments: ["join", "polycast://nosuchhost.invalid/g"], code: 6,
            mentions: ["nosuchhost.invalid"]),
        Case(arguments: ["members", invite], code: 6, mentions: ["127.0.0.1:9"]),
        Case(
            arguments: ["status", "--socket", "/nonexistent.sock"], code: 1,
            mentions: ["/nonexistent.sock"]),
        Case(
            arguments: ["rendezvous", "--listen", "192.0.2.1:7400"], code: 1,
            mentions: ["192.0.2.1:7400"]),
        Case(arguments: ["rendezvous", "--lease", "0s"], code: 2, mentions: ["lease"]),
    ]

    @Test(arguments: cases)
    func oneLineSaysWhatIsWrong(sample: Case) throws {
        let scratch = try ScratchDirectory()
        var arguments = sample.arguments
        // Peers that get as far as their management socket get one of their own.
        if arguments.first == "join", arguments.count > 1 {
            arguments += ["--socket", scratch.file("peer.sock")]
        }
        let process = try PolycastProcess(list: arguments)

        let code = process.exitCode(within: 20)

        #expect(code == sample.code, "\(process.errorText)")
        #expect(process.outputText.isEmpty)
        let lines = process.errorText.split(separator: "\n")
        #expect(lines.count == 1, "\(process.errorText)")
        #expect(process.errorText.hasPrefix("polycast: "))
        for mention in sample.mentions {
            #expect(process.errorText.contains(mention), "\(process.errorText)")
        }
    }

    @Test func aBusyMediaPortIsNamed() throws {
        let scratch = try ScratchDirectory()
        let busy = try UDPSocketHolder()
        let process = try PolycastProcess(
            "join", Self.invite, "--publish", "udp://127.0.0.1:\(busy.port)", "--socket",
            scratch.file("peer.sock"))

        #expect(process.exitCode(within: 10) == 1)
        #expect(process.errorText.contains("127.0.0.1:\(busy.port)"))
    }

    @Test func aBusyRendezvousPortIsNamed() throws {
        let busy = try UDPSocketHolder()
        let process = try PolycastProcess("rendezvous", "--listen", "127.0.0.1:\(busy.port)")

        #expect(process.exitCode(within: 10) == 1)
        #expect(process.errorText.contains("127.0.0.1:\(busy.port)"))
        #expect(process.errorText.contains("--listen"))
    }

    @Test func aPortThatIsListenedOnButMuteIsUnreachable() throws {
        let scratch = try ScratchDirectory()
        let mute = try UDPSocketHolder()
        let process = try PolycastProcess(
            "join", "polycast://127.0.0.1:\(mute.port)/g", "--rendezvous-timeout", "500ms",
            "--socket", scratch.file("peer.sock"))

        #expect(process.exitCode(within: 10) == 6)
        #expect(process.errorText.contains("no answer"))
    }
}

/// Keeps a port busy.
final class UDPSocketHolder {
    private let socket: UDPSocket
    init() throws { socket = try UDPSocket(binding: loopback(1)) }
    var port: UInt16 { socket.local.port }
}
