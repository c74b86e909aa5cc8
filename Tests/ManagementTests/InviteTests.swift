import Management
import NetBasics
import Testing

@Suite struct InviteTests {
    @Test(arguments: [
        ("polycast://192.0.2.1:7400/standup", "polycast://192.0.2.1:7400/standup"),
        ("polycast://192.0.2.1/standup", "polycast://192.0.2.1:7400/standup"),
        ("POLYCAST://Example.ORG:1/a", "polycast://example.org:1/a"),
        ("polycast://[2001:DB8::1]:65535/a", "polycast://[2001:db8::1]:65535/a"),
        ("polycast://[2001:db8::1]/a", "polycast://[2001:db8::1]:7400/a"),
        ("polycast://[::ffff:192.0.2.1]/a", "polycast://192.0.2.1:7400/a"),
        ("polycast://localhost/caf%C3%A9", "polycast://localhost:7400/caf%C3%A9"),
        ("polycast://a_b.c-d/café au lait", "polycast://a_b.c-d:7400/caf%C3%A9%20au%20lait"),
        ("polycast://h/100%25%3F%23", "polycast://h:7400/100%25%3F%23"),
    ])
    func invitesHaveOneCanonicalText(text: String, canonical: String) throws {
        let invite = try Invite(text)

        #expect(invite.description == canonical)
        #expect(try Invite(canonical) == invite)
    }

    @Test func partsAreDecoded() throws {
        let invite = try Invite("polycast://[2001:db8::1]:7401/caf%c3%a9")

        #expect(invite.host == .address(.v6(IPv6Address(high: 0x2001_0db8 << 32, low: 1))))
        #expect(invite.port == 7401)
        #expect(invite.group == "café")
        #expect(invite.server == "[2001:db8::1]:7401")
    }

    @Test func groupsOfSixtyFourBytesAreAcceptedAndOfSixtyFiveRefused() throws {
        let longest = String(repeating: "é", count: 32)

        #expect(try Invite("polycast://h/\(longest)").group == longest)
        #expect(throws: Failure.self) { try Invite("polycast://h/\(longest)a") }
    }

    @Test(arguments: [
        ("", "\"\" does not begin with polycast://"),
        ("192.0.2.1:7400/standup", "does not begin with polycast://"),
        ("http://h/g", "does not begin with polycast://"),
        ("polycast:/h/g", "does not begin with polycast://"),
        ("polycast://", "names no group"),
        ("polycast://h", "names no group"),
        ("polycast://h:7400", "names no group"),
        ("polycast://h/", "names no group"),
        ("polycast:///g", "names no host"),
        ("polycast://:7400/g", "names no host"),
        ("polycast://me@h/g", "has a user name, which has no meaning"),
        ("polycast://h:0/g", "has a port outside 1 to 65535"),
        ("polycast://h:65536/g", "has a port outside 1 to 65535"),
        ("polycast://h:/g", "has a port outside 1 to 65535"),
        ("polycast://h:+1/g", "has a port outside 1 to 65535"),
        ("polycast://h:٧/g", "has a port outside 1 to 65535"),
        ("polycast://2001:db8::1/g", "has an IPv6 address without [ and ]"),
        ("polycast://[2001:db8::1/g", "has no ] behind the IPv6 address"),
        ("polycast://[192.0.2.1]/g", "has no valid IPv6 address between [ and ]"),
        ("polycast://[fe80::1%25eth0]/g", "has no valid IPv6 address between [ and ]"),
        ("polycast://[2001:db8::1]7400/g", "has something else than :PORT behind ]"),
        ("polycast://192.0.2.300/g", "has no valid IPv4 address"),
        ("polycast://1.2.3/g", "has no valid IPv4 address"),
        ("polycast://239.1.2.3/g", "has the address 239.1.2.3, which is no single host's"),
        ("polycast://0.0.0.0/g", "has the address 0.0.0.0, which is no single host's"),
        ("polycast://[::]/g", "has the address ::, which is no single host's"),
        ("polycast://-h/g", "has no valid host name"),
        ("polycast://h..x/g", "has no valid host name"),
        ("polycast://h x/g", "has no valid host name"),
        ("polycast://müller.example/g", "has no valid host name"),
        ("polycast://h/g?x=1", "has a query, which has no meaning"),
        ("polycast://h/a%2", "has a % in the group without two hexadecimal digits behind it"),
        ("polycast://h/a%zz", "has a % in the group without two hexadecimal digits behind it"),
        ("polycast://h/a%FF", "has a group that is not UTF-8"),
        ("polycast://h/a%0Ab", "has a control character in the group"),
        ("polycast://h/a\u{7}b", "has a control character in the group"),
        ("polycast://h/%7F", "has a control character in the group"),
        ("polycast://h/%C2%85", "has a control character in the group"),
        ("polycast://h/a%E2%80%A8b", "has a control character in the group"),
        ("polycast://h/a/b", "has a slash in the group"),
        ("polycast://h/a%2Fb", "has a slash in the group"),
    ])
    func refusalsNameWhatIsWrongAndWhatToWrite(text: String, reason: String) throws {
        let failure = try #require(throws: Failure.self) { try Invite(text) }

        #expect(failure.code == .usage)
        #expect(failure.message.hasPrefix("invite \""))
        #expect(failure.message.contains(reason), "\(failure.message)")
        #expect(failure.advice?.contains("polycast://HOST:PORT/GROUP") == true)
        #expect(failure.line.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F })
    }

    @Test func aSecretIsReadAndNeverPrinted() throws {
        let invite = try Invite("polycast://h/g#s3cret")

        #expect(invite.secret?.text == "s3cret")
        #expect(invite.revealedText == "polycast://h:7400/g#s3cret")
        #expect(invite != (try Invite("polycast://h/g")))
        var dumped = ""
        dump(invite, to: &dumped)
        for text in ["\(invite)", String(reflecting: invite), dumped] {
            #expect(!text.contains("s3cret"), "\(text)")
        }
    }

    @Test(
        arguments: [
            "polycat://h/g#s3cret", "polycast://h#s3cret", "polycast:///g#s3cret", "#s3cret",
            "polycast:#//h/g/s3cret", "polycast://h:0/g#s3cret", "polycast://h/#s3cret",
        ])
    func badInvitesKeepTheirSecretToThemselves(text: String) throws {
        let failure = try #require(throws: Failure.self) { try Invite(text) }

        #expect(!failure.line.contains("s3cret"))
    }

    @Test(
        arguments: [
            "polycast://h/g#s3cret", "POLYCAST://h/g#s3cret", "--name=polycast://h/g#s3cret",
            "polycast://h/g%23#s3cret#s3cret",
        ])
    func secretsAreNotQuoted(text: String) {
        #expect(!quoted(text).contains("s3cret"))
        #expect(quoted(text).hasSuffix("#...\""))
    }

    @Test func otherHashesAreQuoted() {
        #expect(quoted("take #2") == "\"take #2\"")
    }

    @Test func nothingIsNoSecret() {
        #expect(throws: Failure.self) { try Invite("polycast://h/g#") }
    }

    @Test func aGroupsNameIsEncoded() throws {
        let invite = try Invite(group: "déjà vu", rendezvous: "[2001:db8::1]:7401")

        #expect(invite.group == "déjà vu")
        #expect(invite.secret == nil)
        #expect(throws: Failure.self) { try Invite(group: "a/b", rendezvous: "h") }
    }
}
