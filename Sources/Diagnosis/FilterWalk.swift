/// What a packet filter does with one packet.
package enum FilterVerdict: Equatable, Sendable {
    case passes
    /// Dropped by the rule or policy that the text names.
    case dropped(String)
    /// Perhaps: a rule tests what is not known.
    case perhapsDropped(String)
}

/// Sends a packet through the rules, hook by hook.
package struct FilterWalk {
    private let rules: FilterRules
    private let packet: FilterPacket
    private let device: String
    /// Rules that may drop, and why none is certain.
    private var suspicion: String?
    /// An accepting rule that may have matched before.
    private var mayBeAccepted = false
    private var stepsLeft = 100_000

    private static let jumpLimit = 16

    private enum End { case accepted, dropped(String), unfinished, returned }

    /// `device`: the interface that the packet comes in or goes out by.
    package static func verdict(
        on packet: FilterPacket, by rules: FilterRules, device: String
    ) -> FilterVerdict {
        var walk = FilterWalk(rules, packet, device)
        return walk.run()
    }

    private init(_ rules: FilterRules, _ packet: FilterPacket, _ device: String) {
        self.rules = rules
        self.packet = packet
        self.device = device
    }

    private mutating func run() -> FilterVerdict {
        for hook in packet.hooks {
            let chains = rules.chains.filter { $0.hook == hook && concerns($0) }
            for chain in chains.sorted(by: { $0.priority < $1.priority }) {
                mayBeAccepted = false
                if case .dropped(let place) = walk(chain, depth: 0) {
                    return mayBeAccepted ? .perhapsDropped(place) : .dropped(place)
                }
            }
        }
        return suspicion.map(FilterVerdict.perhapsDropped) ?? .passes
    }

    private func concerns(_ chain: FilterChain) -> Bool {
        switch chain.family {
        case "inet": true
        case "ip": !packet.isIPv6
        case "ip6": packet.isIPv6
        case "netdev": chain.devices.isEmpty || chain.devices.contains(device)
        default: false
        }
    }

    /// A chain to its end; the policy only of base chains.
    private mutating func walk(_ chain: FilterChain, depth: Int) -> End {
        for rule in chain.rules {
            let end = apply(rule, of: chain, depth: depth)
            switch end {
            case .unfinished: continue
            case .returned: return finish(chain)
            case .accepted, .dropped: return end
            }
        }
        return finish(chain)
    }

    private func finish(_ chain: FilterChain) -> End {
        guard chain.hook != nil else { return .unfinished }
        return chain.dropsByDefault ? .dropped("the policy of chain \(chain.path)") : .accepted
    }

    private mutating func apply(_ rule: FilterRule, of chain: FilterChain, depth: Int) -> End {
        var isCertain = true
        for step in rule.steps {
            stepsLeft -= 1
            guard stepsLeft > 0 else { return .unfinished }
            switch step {
            case .match(let field, let values, let isNegated):
                guard let matches = test(field, values) else {
                    isCertain = false
                    continue
                }
                if matches == isNegated { return .unfinished }
            case .unknown:
                isCertain = false
            case .map(let field, let entries):
                return look(up: field, entries, rule, chain, isCertain, depth: depth)
            case .accept, .drop, .jump, .goTo, .returns:
                return perform(step, of: rule, chain, isCertain, depth: depth)
            }
        }
        return .unfinished
    }

    /// Entries that may be meant are tried until one surely is.
    private mutating func look(
        up field: String, _ entries: [FilterMapEntry], _ rule: FilterRule, _ chain: FilterChain,
        _ isCertain: Bool, depth: Int
    ) -> End {
        for entry in entries {
            stepsLeft -= 1
            guard stepsLeft > 0 else { return .unfinished }
            let matches = test(field, [entry.value])
            if matches == false { continue }
            let end = perform(
                entry.verdict, of: rule, chain, isCertain && matches == true, depth: depth)
            if matches == true { return end }
        }
        return .unfinished
    }

    private mutating func perform(
        _ verdict: FilterStep, of rule: FilterRule, _ chain: FilterChain, _ isCertain: Bool,
        depth: Int
    ) -> End {
        switch verdict {
        case .accept:
            if isCertain { return .accepted }
            mayBeAccepted = true
            return .unfinished
        case .drop:
            return drop("rule \(rule.handle) of chain \(chain.path)", isCertain)
        case .jump(let name):
            return enter(name, from: chain, isCertain, goes: false, depth: depth)
        case .goTo(let name):
            return enter(name, from: chain, isCertain, goes: true, depth: depth)
        case .returns:
            return isCertain ? .returned : .unfinished
        case .match, .unknown, .map:
            return .unfinished
        }
    }

    private mutating func drop(_ place: String, _ isCertain: Bool) -> End {
        if isCertain { return .dropped(place) }
        suspicion = suspicion ?? place
        return .unfinished
    }

    private mutating func enter(
        _ name: String, from chain: FilterChain, _ isCertain: Bool, goes: Bool, depth: Int
    ) -> End {
        guard depth < Self.jumpLimit,
            let target = rules.chain(name, table: chain.table, family: chain.family)
        else { return .unfinished }
        let end = walk(target, depth: depth + 1)
        if isCertain {
            guard goes, case .unfinished = end else { return end }
            // Behind a goto nothing of this chain follows.
            return .returned
        }
        switch end {
        case .accepted: mayBeAccepted = true
        case .dropped(let place): suspicion = suspicion ?? place
        case .unfinished, .returned: break
        }
        return .unfinished
    }

    /// Whether the packet's field is one of the values; `nil` if that is not known.
    private func test(_ field: String, _ values: [FilterValue]) -> Bool? {
        guard let found = packet.fields[field] else { return false }
        var isOpen = false
        for value in values {
            switch (found, value) {
            case (.open, _): isOpen = true
            case (.number(let number), .number(let range)) where range.contains(number):
                return true
            case (.text(let text), .text(let pattern)):
                if text == pattern { return true }
                if pattern.last == "*", text.hasPrefix(pattern.dropLast()) { return true }
            case (.number, .text), (.text, .number): isOpen = true
            default: break
            }
        }
        return isOpen ? nil : false
    }
}
