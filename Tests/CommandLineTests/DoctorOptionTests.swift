import Doctor
import Management
import NetBasics
import Testing

@testable import polycast

@Suite struct DoctorOptionTests {
    private func doctor(_ words: String) throws -> DoctorConfiguration {
        guard
            case .doctor(let configuration) = try parse(
                ["doctor"] + words.split(separator: " ").map(String.init))
        else { throw Failure(.runtimeFailure, "no doctor") }
        return configuration
    }

    @Test(arguments: [
        ("239.1.2.3", "239.1.2.3", nil, nil, 1), ("[ff15::1]", "ff15::1", nil, nil, 1),
        ("ff15::1", "ff15::1", nil, nil, 1), ("239.1.2.3:5004", "239.1.2.3", nil, 5004, 1),
        ("[ff15::1]:5004", "ff15::1", nil, 5004, 1), ("239.1.2.3+40", "239.1.2.3", nil, nil, 40),
        ("192.0.2.1,232.1.2.3:5004", "232.1.2.3", "192.0.2.1", 5004, 1),
        ("[2001:db8::1],[ff3e::8000:1]", "ff3e::8000:1", "2001:db8::1", nil, 1),
        ("2001:db8::1,ff3e::8000:1", "ff3e::8000:1", "2001:db8::1", nil, 1),
    ])
    func groupsAreReadInEveryForm(
        text: String, group: String, source: String?, port: UInt16?, count: Int
    ) throws {
        let question = try doctor(text).question

        #expect("\(question.group)" == group)
        #expect(question.source.map { "\($0)" } == source)
        #expect(question.port == port && question.groupCount == count)
    }

    @Test(arguments: [
        "192.0.2.1", "239.1.2", "239.1.2.3:0", "239.1.2.3:x", "239.1.2.3+0", "239.1.2.3+x",
        "239.1.2.3+99999999999999999999", "239.1.2.3,239.1.2.4", "x,239.1.2.3", ",239.1.2.3",
        "192.0.2.1,ff3e::1", "[ff15::1", "239.1.2.3,", "standup", "",
    ])
    func otherGroupsAreRefusedInOneLine(text: String) {
        let failure = #expect(throws: Failure.self) { try parse(["doctor", text]) }

        #expect(failure?.code == .usage && failure?.message.contains("GROUP cannot be") == true)
    }

    @Test(arguments: [
        ("192.0.2.7", "192.0.2.7", 7401), ("192.0.2.7:9000", "192.0.2.7", 9000),
        ("2001:db8::7", "2001:db8::7", 7401), ("[2001:db8::7]:9000", "2001:db8::7", 9000),
        ("lab-7.example", "lab-7.example", 7401), ("lab-7.example:9", "lab-7.example", 9),
    ])
    func otherDoctorsAreNamedByAddressOrName(text: String, host: String, port: UInt16) throws {
        #expect(try doctor("239.1.2.3 --with \(text)").role == .with(host: host, port: port))
    }

    @Test(arguments: [
        "--with 192.0.2.7:0", "--with 239.1.2.4", "--with a:b:c", "--with a/b", "--with h:99999",
        "--listen [::]", "--listen 239.1.2.3", "--listen host", "--listen 0.0.0.0 --with h",
        "--duration 3s", "--ttl 0", "--ttl 256", "--interface a/b", "--interface 0123456789abcdef",
    ])
    func contradictionsAndBadValuesAreRefused(words: String) {
        let failure = #expect(throws: Failure.self) { try doctor("239.1.2.3 \(words)") }

        #expect(failure?.code == .usage && failure?.advice != nil)
    }

    @Test func anInviteAsksForItsRendezvousAndForNothingElse() throws {
        let invite = "polycast://192.0.2.1:7400/standup"

        #expect(try doctor(invite).invite == Invite(invite))
        #expect(try doctor(invite).question == DoctorConfiguration().question)
        #expect(throws: Failure.self) { try doctor("\(invite) --with h") }
    }

    @Test func theInterfaceMayFollowItsLetter() throws {
        let long = try doctor("239.1.2.3 --interface eth0 --json")

        #expect(try doctor("-i eth0 239.1.2.3 -J") == long)
        #expect(try doctor("-ieth0 -J 239.1.2.3") == long)
        #expect(try doctor("-Ji eth0 239.1.2.3") == long)
        #expect(throws: Failure.self) { try doctor("239.1.2.3 -i") }
        #expect(throws: Failure.self) { try doctor("239.1.2.3 -i eth0 -i eth1") }
    }

    @Test func withoutAGroupTheOtherDoctorsFamilyDecides() throws {
        #expect("\(try doctor("--with 192.0.2.7").question.group)" == "239.255.77.17")
        #expect("\(try doctor("--with [2001:db8::7]:9").question.group)" == "ff15::efff:4d11")
        #expect("\(try doctor("--listen [::]").question.group)" == "ff15::efff:4d11")
    }

    @Test func listenersMayEndByThemselves() throws {
        let configuration = try doctor("[ff15::1] --listen [::] --duration 5s")

        #expect(configuration.duration == .seconds(5))
        #expect(
            configuration.role
                == .listen(
                    Endpoint(address: .v6(IPv6Address(high: 0, low: 0)), port: 7401)))
    }
}
