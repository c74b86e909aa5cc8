import NetBasics
import Testing

@testable import Diagnosis

@Suite struct FirewallTests {
    private let group = FilterStep.match(
        field: "ip daddr", values: [.number(0xEF00_0000...0xEFFF_FFFF)], isNegated: false)
    private let port = FilterStep.match(
        field: "udp dport", values: [.number(5004...5004)], isNegated: false)
    private let limit = FilterStep.unknown("limit")

    private func chain(
        _ rules: [[FilterStep]], hook: String? = "input", name: String = "c", priority: Int = 0,
        drops: Bool = false
    ) -> FilterChain {
        var chain = FilterChain(family: "inet", table: "t", name: name, hook: hook)
        chain.rules = rules.enumerated().map {
            FilterRule(handle: $0.offset + 1, steps: $0.element)
        }
        chain.priority = priority
        chain.dropsByDefault = drops
        return chain
    }

    /// What happens to packets of 239.1.2.3 that come in on eth0.
    private func verdict(_ chains: [FilterChain], port: UInt16? = nil) -> FilterVerdict {
        var asked = question()
        asked.port = port
        let packet = HostChecks.packets(of: asked, "eth0")[2]
        return FilterWalk.verdict(
            on: packet, by: FilterRules(chains: chains), device: "eth0")
    }

    @Test func theFirstVerdictOfAChainCounts() {
        #expect(verdict([]) == .passes)
        #expect(verdict([chain([[group, .drop]])]) == .dropped("rule 1 of chain inet t c"))
        #expect(verdict([chain([[group, .accept], [.drop]])]) == .passes)
        #expect(verdict([chain([], drops: true)]) == .dropped("the policy of chain inet t c"))
        #expect(verdict([chain([[group, .returns], [.accept]], drops: true)]) != .passes)
    }

    @Test func anAcceptEndsOnlyItsOwnChain() {
        let accepting = chain([[.accept]], priority: -10)
        let dropping = chain([[.drop]], name: "d")
        #expect(verdict([accepting, dropping]) == .dropped("rule 1 of chain inet t d"))
    }

    @Test func whatIsNotKnownIsNoCertainty() {
        #expect(verdict([chain([[port, .drop]])]) == .perhapsDropped("rule 1 of chain inet t c"))
        #expect(
            verdict([chain([[port, .drop]])], port: 5004) == .dropped("rule 1 of chain inet t c"))
        #expect(verdict([chain([[port, .drop]])], port: 5006) == .passes)
        #expect(
            verdict([chain([[limit, .accept], [.drop]])])
                == .perhapsDropped("rule 2 of chain inet t c"))
        #expect(
            verdict([chain([[limit, .drop], [.accept]])])
                == .perhapsDropped("rule 1 of chain inet t c"))
    }

    @Test func fieldsThatAPacketLacksDoNotMatch() {
        let tcp = FilterStep.match(
            field: "tcp dport", values: [.number(22...22)], isNegated: false)
        #expect(verdict([chain([[tcp, .drop]])]) == .passes)
    }

    @Test func jumpsComeBackAndGotosDoNot() {
        let side = chain([[group, .returns], [.drop]], hook: nil, name: "s")
        let away = chain([[port, .drop]], hook: nil, name: "s")
        #expect(verdict([chain([[.jump("s")], [.accept]]), side]) == .passes)
        #expect(verdict([chain([[.jump("s")], [.drop]]), side]) != .passes)
        #expect(verdict([chain([[.goTo("s")], [.drop]]), away], port: 1) == .passes)
        #expect(verdict([chain([[.jump("none")], [.accept]])]) == .passes)
    }

    @Test func chainsThatCallEachOtherEnd() {
        let first = chain([[.jump("s")], [.jump("s")]])
        let side = chain([[.jump("s")], [.jump("s")]], hook: nil, name: "s")
        #expect(verdict([first, side]) == .passes)
    }

    @Test func mapsGiveTheVerdictOfTheirEntry() {
        let map = FilterStep.map(
            field: "ct state",
            entries: [
                FilterMapEntry(.text("established"), .accept),
                FilterMapEntry(.text("invalid"), .drop),
            ])
        #expect(verdict([chain([[map]])]) == .passes)
        let new = FilterStep.map(
            field: "ct state", entries: [FilterMapEntry(.text("new"), .drop)])
        #expect(verdict([chain([[new]])]) == .dropped("rule 1 of chain inet t c"))
        let ports = FilterStep.map(
            field: "udp dport", entries: [FilterMapEntry(.number(5004...5004), .drop)])
        #expect(verdict([chain([[ports]])]) == .perhapsDropped("rule 1 of chain inet t c"))
    }

    @Test func negationAndWildcardsAreHeeded() {
        func device(_ name: String, isNegated: Bool) -> [FilterStep] {
            [.match(field: "meta iifname", values: [.text(name)], isNegated: isNegated), .drop]
        }
        #expect(verdict([chain([device("eth*", isNegated: false)])]) != .passes)
        #expect(verdict([chain([device("eth*", isNegated: true)])]) == .passes)
        #expect(verdict([chain([device("wlan0", isNegated: true)])]) != .passes)
    }

    @Test func chainsOfOtherFamiliesAndDevicesAreNotMet() {
        var other = chain([[.drop]])
        other.family = "ip6"
        var device = chain([[.drop]], hook: "ingress")
        device.family = "netdev"
        device.devices = ["eth1"]
        #expect(verdict([other, device]) == .passes)
        device.devices = ["eth0"]
        #expect(verdict([device]) != .passes)
    }

    @Test func theCheckNamesPacketRuleAndRemedy() {
        let check = judge(HostChecks.firewall) {
            $0.filter = .known(FilterRules(chains: [chain([[group, .drop]])]))
        }
        #expect(check?.status == .fail && check?.subject == "239.1.2.3 packets in")
        #expect(check?.fix == "nft insert rule inet t c ip daddr 239.1.2.3 accept")
        let perhaps = judge(HostChecks.firewall) {
            $0.filter = .known(FilterRules(chains: [chain([[port, .drop]])]))
        }
        #expect(perhaps?.status == .warn)
        #expect(judge(HostChecks.firewall) { $0.filter = .unknown("x") }?.status == .cannotSee)
        #expect(
            judge(HostChecks.iptables) { $0.legacyTables = .known(["nat"]) }?.status == .cannotSee)
        #expect(judge(HostChecks.iptables)?.status == .pass)
    }
}
