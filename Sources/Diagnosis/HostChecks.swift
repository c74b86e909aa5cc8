/// The rules of the doctor: facts in, judgements out.
///
/// Each is a function of its own, listed in ``all``; docs/doctor.md says what it judges by.
package enum HostChecks {
    package typealias Rule = @Sendable (HostFacts, Question) -> [Check]

    /// The order of the report: from the interface outwards.
    static let all: [Rule] = [
        interface, group, route, reversePath, forwarding, ttl, firewall, iptables, bridge, querier,
        container, igmp, mld, memberships, loopback, buffers, drops, mtu, rendezvous, nat, clock,
    ]

    package static func judge(_ facts: HostFacts, _ question: Question) -> [Check] {
        all.flatMap { $0(facts, question) }
    }
}
