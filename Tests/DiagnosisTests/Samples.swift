import NetBasics

@testable import Diagnosis

/// A host in good order: `eth0` with a default route, a querier, and nothing in the way.
func healthyFacts() -> HostFacts {
    var facts = HostFacts()
    var lo = InterfaceFacts(index: 1, name: "lo")
    lo.isLoopback = true
    lo.addresses = [InterfaceAddress(address("127.0.0.1"), prefixBits: 8)]
    facts.interfaces = .known([lo, ethernet(2, "eth0", "192.0.2.11")])
    facts.groupRoute = .known(RouteFacts(interface: 2))
    facts.distantRoute = .known(RouteFacts(interface: 2, gateway: address("192.0.2.1")))
    facts.querier = .known(
        QuerierWatch(duration: .seconds(1), querier: address("192.0.2.1"), version: 3))
    facts.loopback = .known(.delivered)
    facts.udp = .known(UDPWatch(received: 1000, bufferErrors: 0))
    facts.clock = .known(
        ClockFacts(
            isFlaggedFree: false, estimatedError: .microseconds(40), maximumError: .milliseconds(2))
    )
    return facts
}

func ethernet(_ index: Int, _ name: String, _ own: String) -> InterfaceFacts {
    var interface = InterfaceFacts(index: index, name: name)
    interface.addresses = [
        InterfaceAddress(address(own), prefixBits: 24),
        InterfaceAddress(address("fe80::\(index)"), prefixBits: 64),
    ]
    return interface
}

extension HostFacts {
    /// Changes one interface.
    mutating func change(_ name: String, _ change: (inout InterfaceFacts) -> Void) {
        guard case .known(var list) = interfaces,
            let place = list.firstIndex(where: { $0.name == name })
        else { preconditionFailure("\(name) is in the sample") }
        change(&list[place])
        interfaces = .known(list)
    }
}

func address(_ text: String) -> IPAddress {
    guard let address = IPAddress(text) else { preconditionFailure("\(text) is an address") }
    return address
}

func question(_ group: String = "239.1.2.3", source: String? = nil) -> Question {
    var question = Question(group: address(group))
    question.source = source.map(address)
    return question
}

/// The status of what a rule says, and its cause; of several the first.
func judge(
    _ rule: HostChecks.Rule, _ question: Question = question(),
    _ change: (inout HostFacts) -> Void = { _ in }
) -> Check? {
    var facts = healthyFacts()
    change(&facts)
    return rule(facts, question).first
}
