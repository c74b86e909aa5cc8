import NetBasics
import Testing

@testable import Diagnosis

@Suite struct SocketRuleTests {
    @Test(arguments: [(1, 0, Check.Status.pass), (21, 0, .fail), (1, 19, .pass), (1, 20, .warn)])
    func membershipsAreCountedAgainstTheLimit(wanted: Int, joined: Int, status: Check.Status) {
        var asked = question()
        asked.groupCount = wanted
        let check = judge(HostChecks.memberships, asked) {
            $0.memberships = .known(
                [Membership(interface: "eth0", group: address("224.0.0.1"))]
                    + (0..<joined).map {
                        Membership(interface: "eth0", group: address("239.9.0.\($0)"))
                    })
        }
        #expect(check?.status == status)
    }

    @Test func sourcesMustBeAllowed() {
        let asked = question("232.1.2.3", source: "192.0.2.5")
        var facts = healthyFacts()
        facts.limits.igmpSources = .known(0)
        #expect(HostChecks.memberships(facts, asked).map(\.status) == [.pass, .warn])
        facts.limits.igmpSources = .unknown("no file")
        #expect(HostChecks.memberships(facts, asked).map(\.status) == [.pass, .cannotSee])
        facts.limits.mldSources = .known(0)
        let asked6 = question("ff3e::8000:1", source: "2001:db8::1")
        #expect(HostChecks.memberships(facts, asked6).map(\.status) == [.warn])
    }

    @Test func whatDoesNotComeBackIsBlamedOnAFailingCheck() {
        #expect(judge(HostChecks.loopback) { $0.loopback = .known(.lost) }?.status == .fail)
        let check = judge(HostChecks.loopback) {
            $0.loopback = .known(.joinRefused("No such device"))
            $0.change("eth0") { $0.isMulticast = false }
        }
        #expect(check?.cause?.contains("check interface") == true)
        let limited = judge(HostChecks.loopback) {
            $0.loopback = .known(.joinRefused("No buffer space available"))
            $0.limits.igmpMemberships = .known(0)
        }
        #expect(limited?.cause == "check memberships: a socket may join no group")
        // Forty groups were not tried, so that they would not fit explains nothing.
        var many = question()
        many.groupCount = 40
        let unlimited = judge(HostChecks.loopback, many) {
            $0.loopback = .known(.joinRefused("No such device"))
        }
        #expect(unlimited?.cause?.contains("check") == false)
        let sent = judge(HostChecks.loopback) { $0.loopback = .known(.sendRefused("x")) }
        #expect(sent?.status == .fail && sent?.evidence == ["x"])
        #expect(judge(HostChecks.loopback) { $0.loopback = .unknown("x") }?.status == .cannotSee)
    }

    @Test func buffersBelowTheOrdinaryWarn() {
        #expect(
            judge(HostChecks.buffers) { $0.buffers.receiveLimit = .known(212_991) }?.status == .warn
        )
        #expect(judge(HostChecks.buffers)?.status == .pass)
    }

    @Test(arguments: [
        (1000, 0, 0, Check.Status.pass), (1000, 5, 1, .fail), (1_000_000, 500, 0, .pass),
        (1000, 101, 0, .warn), (1000, 100, 0, .pass),
    ])
    func dropsFailNowAndWarnIfMany(received: Int, all: Int, now: Int, status: Check.Status) {
        let check = judge(HostChecks.drops) {
            $0.udp = .known(
                UDPWatch(received: received, bufferErrors: all, bufferErrorsDuring: now))
        }
        #expect(check?.status == status)
    }
}

@Suite struct PathRuleTests {
    private let server = Endpoint(address: address("203.0.113.1"), port: 7400)
    private let other = Endpoint(address: address("203.0.113.2"), port: 7400)
    private let own = Endpoint(address: address("192.0.2.11"), port: 5000)

    private func endpoint(_ port: UInt16) -> Endpoint {
        Endpoint(address: address("198.51.100.1"), port: port)
    }

    private func check(
        _ rule: HostChecks.Rule, _ outcomes: [RendezvousFacts.Outcome]
    ) -> Check? {
        judge(rule) { $0.rendezvous = RendezvousFacts(name: "r", outcomes: outcomes, local: own) }
    }

    private func answer(_ server: Endpoint, _ observed: Endpoint) -> RendezvousFacts.Outcome {
        .answered(server: server, observed: observed, roundTrip: .milliseconds(2))
    }

    @Test func theRendezvousIsJudgedByItsAnswer() {
        #expect(check(HostChecks.rendezvous, [answer(server, own)])?.status == .pass)
        #expect(
            check(HostChecks.rendezvous, [.refused(server: server, reason: "full")])?.status
                == .warn)
        #expect(check(HostChecks.rendezvous, [.silent(server: server)])?.status == .fail)
        let refused = check(
            HostChecks.rendezvous, [.failed(server: "s", reason: "Connection refused")])
        #expect(refused?.status == .fail && refused?.cause?.contains("nothing listens") == true)
        #expect(judge(HostChecks.rendezvous) == nil)
    }

    @Test func addressTranslationIsToldByWhatServersSee() {
        #expect(check(HostChecks.nat, [answer(server, own)])?.status == .pass)
        let one = check(HostChecks.nat, [answer(server, endpoint(5000))])
        #expect(one?.status == .warn && one?.text.contains("cannot be seen") == true)
        let same = [answer(server, endpoint(5000)), answer(other, endpoint(5000))]
        #expect(check(HostChecks.nat, same)?.text.contains("same mapping") == true)
        let symmetric = [answer(server, endpoint(5000)), answer(other, endpoint(5001))]
        let found = check(HostChecks.nat, symmetric)
        #expect(found?.status == .fail && found?.text.contains("symmetric") == true)
        #expect(check(HostChecks.nat, [.silent(server: server)])?.status == .cannotSee)
    }

    @Test func aNarrowPathWarnsAndANarrowLinkFails() {
        func path(_ bytes: Int) -> Check? {
            judge(HostChecks.mtu) {
                $0.path = .known(
                    PathFacts(
                        remote: server.address, interfaceMTU: 1500, pathMTU: bytes))
            }
        }
        #expect(path(1500)?.status == .pass)
        #expect(path(1400)?.status == .warn && path(1400)?.fix?.contains("1372") == true)
        #expect(judge(HostChecks.mtu) { $0.path = .unknown("x") }?.status == .cannotSee)
        #expect(judge(HostChecks.mtu)?.status == .pass)
    }

    @Test(arguments: [
        ("239.1.2.3", 576, Check.Status.pass), ("239.1.2.3", 575, .warn), ("239.1.2.3", 68, .warn),
        ("239.1.2.3", 67, .fail), ("ff15::1", 1280, .pass), ("ff15::1", 1279, .fail),
    ])
    func aNarrowLinkFailsWhereIPDoesNotRun(group: String, bytes: Int, status: Check.Status) {
        let check = judge(HostChecks.mtu, question(group)) { $0.change("eth0") { $0.mtu = bytes } }
        #expect(check?.status == status)
    }

    @Test func aLinkTooNarrowForIPv6IsWhyThereIsNoAddress() {
        let check = judge(HostChecks.interface, question("ff15::1")) {
            $0.change("eth0") {
                $0.mtu = 1000
                $0.addresses = []
            }
        }
        #expect(check?.status == .fail && check?.fix?.contains("mtu 1500") == true)
    }

    private func clock(
        isFlaggedFree: Bool, estimated: Duration = .zero, maximum: Duration
    ) -> Check? {
        judge(HostChecks.clock) {
            $0.clock = .known(
                ClockFacts(
                    isFlaggedFree: isFlaggedFree, estimatedError: estimated,
                    maximumError: maximum))
        }
    }

    @Test func aClockThatNobodyKeepsWarns() {
        let check = clock(isFlaggedFree: true, estimated: .seconds(16), maximum: .seconds(16))
        #expect(check?.status == .warn && check?.text == "nothing keeps this host's clock")
        #expect(judge(HostChecks.clock)?.status == .pass)
        #expect(judge(HostChecks.clock) { $0.clock = .unknown("x") }?.status == .cannotSee)
    }

    @Test func aFlagThatOnlySparesTheRTCIsNoAlarm() {
        #expect(clock(isFlaggedFree: true, maximum: .milliseconds(1500))?.status == .pass)
    }

    @Test func aClockThatIsKeptBadlyWarns() {
        let good = clock(
            isFlaggedFree: false, estimated: .milliseconds(100), maximum: .seconds(1))
        let bad = clock(
            isFlaggedFree: false, estimated: .milliseconds(101), maximum: .seconds(1))
        #expect(good?.status == .pass)
        #expect(bad?.status == .warn && bad?.text.contains("101.0 ms") == true)
    }
}
