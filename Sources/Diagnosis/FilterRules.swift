import NetBasics

/// A packet filter's rules, as far as they can decide about a packet.
package struct FilterRules: Equatable, Sendable {
    package var chains: [FilterChain] = []

    package init(chains: [FilterChain] = []) { self.chains = chains }

    package func chain(_ name: String, table: String, family: String) -> FilterChain? {
        chains.first { $0.name == name && $0.table == table && $0.family == family }
    }
}

package struct FilterChain: Equatable, Sendable {
    package var family: String
    package var table: String
    package var name: String
    /// `nil` for a chain that only others jump to.
    package var hook: String?
    package var priority = 0
    package var dropsByDefault = false
    /// Interfaces that an ingress or egress chain is bound to; empty: all.
    package var devices: [String] = []
    package var rules: [FilterRule] = []

    package init(family: String, table: String, name: String, hook: String? = nil) {
        self.family = family
        self.table = table
        self.name = name
        self.hook = hook
    }

    var path: String { "\(family) \(table) \(name)" }
}

package struct FilterRule: Equatable, Sendable {
    package var handle: Int
    package var steps: [FilterStep]

    package init(handle: Int, steps: [FilterStep]) {
        self.handle = handle
        self.steps = steps
    }
}

/// One expression or statement of a rule.
package indirect enum FilterStep: Equatable, Sendable {
    /// `field` is, or with `isNegated` is not, one of `values`.
    case match(field: String, values: [FilterValue], isNegated: Bool)
    /// Something that may match or not, such as a limit.
    case unknown(String)
    case accept
    /// Drops or rejects.
    case drop
    case jump(String)
    case goTo(String)
    case returns
    /// The verdict of the first entry whose value `field` has.
    case map(field: String, entries: [FilterMapEntry])
}

package struct FilterMapEntry: Equatable, Sendable {
    package var value: FilterValue
    package var verdict: FilterStep

    package init(_ value: FilterValue, _ verdict: FilterStep) {
        self.value = value
        self.verdict = verdict
    }
}

package enum FilterValue: Equatable, Sendable {
    case number(ClosedRange<UInt128>)
    /// A name; one with a final `*` stands for all that begin so.
    case text(String)
}

/// A packet as a filter sees it: what is known of it, field by field.
package struct FilterPacket: Equatable, Sendable {
    package enum Field: Equatable, Sendable {
        case number(UInt128)
        case text(String)
        /// Not known, so a match may go either way.
        case open
    }

    package var title: String
    package var isIPv6: Bool
    /// Fields by their nftables name; what is not here does not exist in the packet.
    package var fields: [String: Field]
    /// Hooks that it passes, in order.
    package var hooks: [String]
}

extension IPAddress {
    /// The address as a number, as filters compare it.
    package var number: UInt128 {
        switch self {
        case .v4(let address): UInt128(address.rawValue)
        case .v6(let address): UInt128(address.high) << 64 | UInt128(address.low)
        }
    }
}
