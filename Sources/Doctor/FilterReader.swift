import Diagnosis
import Glibc
import Management
import NetBasics

/// Reads what `nft -j list ruleset` prints (libnftables-json(5)).
///
/// What it does not know becomes a step that may match or not, so that the walk says "perhaps".
enum FilterReader {
    /// Asks `nft`, which changes nothing.
    static func rules() -> Fact<FilterRules> {
        guard
            let result = ChildOutput.run("nft", ["-j", "list", "ruleset"], limit: .seconds(5))
        else { return .unknown("the program nft is missing; apt install nftables") }
        guard result.status == 0 else {
            let words = String(decoding: result.errors, as: UTF8.self)
            let line = String(words.prefix { $0 != "\n" })
            return words.contains("Operation not permitted") || words.contains("ermission denied")
                ? .unknown("listing the rules needs CAP_NET_ADMIN; run as root")
                : .unknown("nft ended with \(result.status): \(line)")
        }
        do throws(JSONError) {
            return .known(
                rules(try JSONValue(parsing: result.output, depthLimit: 64, byteLimit: 8 << 20)))
        } catch {
            return .unknown("what nft printed cannot be read: \(error)")
        }
    }

    static func rules(_ document: JSONValue) -> FilterRules {
        guard case .array(let entries) = document["nftables"] else { return FilterRules() }
        var sets: [String: [JSONValue]] = [:]
        for entry in entries {
            guard let set = entry["set"] ?? entry["map"], let name = key(of: set, "name"),
                case .array(let elements) = set["elem"]
            else { continue }
            sets[name] = elements
        }
        var rules = FilterRules(chains: entries.compactMap { $0["chain"].flatMap(chain) })
        for entry in entries {
            guard let rule = entry["rule"], case .array(let expressions) = rule["expr"] else {
                continue
            }
            let owner = "\(string(rule["family"])) \(string(rule["table"]))"
            guard
                let place = rules.chains.firstIndex(where: {
                    "\($0.family) \($0.table)" == owner && $0.name == string(rule["chain"])
                })
            else { continue }
            let steps = expressions.flatMap { step($0, sets: sets, owner: owner) }
            rules.chains[place].rules.append(
                FilterRule(handle: number(rule["handle"]) ?? 0, steps: steps))
        }
        return rules
    }

    private static func chain(_ value: JSONValue) -> FilterChain? {
        guard case .string(let name) = value["name"] else { return nil }
        var chain = FilterChain(
            family: string(value["family"]), table: string(value["table"]), name: name)
        if case .string(let hook) = value["hook"] { chain.hook = hook }
        chain.priority = number(value["prio"]) ?? 0
        chain.dropsByDefault = string(value["policy"]) == "drop"
        switch value["dev"] {
        case .string(let device): chain.devices = [device]
        case .array(let devices): chain.devices = devices.map { string($0) }
        default: break
        }
        return chain
    }

    // MARK: - Steps

    private static func step(
        _ value: JSONValue, sets: [String: [JSONValue]], owner: String
    ) -> [FilterStep] {
        guard case .object(let members) = value, let member = members.first else {
            return [.unknown("?")]
        }
        switch member.name {
        case "match": return [match(member.value, sets: sets, owner: owner)]
        case "accept", "drop", "reject", "return", "jump", "goto":
            return [verdict(value) ?? .unknown(member.name)]
        case "vmap": return [map(member.value, sets: sets, owner: owner)]
        // What leaves the packet's way as it is.
        case "counter", "log", "comment", "mangle", "notrack", "continue", "masquerade", "snat",
            "ct helper", "flow", "dup":
            return []
        // A packet that is handed to a program or to another way is not followed.
        default: return [.unknown(member.name)]
        }
    }

    private static func map(
        _ value: JSONValue, sets: [String: [JSONValue]], owner: String
    ) -> FilterStep {
        guard let key = value["key"], let field = field(key), let data = value["data"] else {
            return .unknown("vmap")
        }
        let entries: [JSONValue]
        if case .array(let found) = data["set"] {
            entries = found
        } else if case .string(let name) = data, name.hasPrefix("@"),
            let found = sets["\(owner) \(name.dropFirst())"]
        {
            entries = found
        } else {
            return .unknown("vmap")
        }
        let pairs = entries.compactMap { entry -> FilterMapEntry? in
            guard case .array(let pair) = entry, pair.count == 2,
                let value = Self.value(pair[0], field), let verdict = verdict(pair[1])
            else { return nil }
            return FilterMapEntry(value, verdict)
        }
        return pairs.count == entries.count
            ? .map(field: field, entries: pairs) : .unknown("vmap")
    }

    private static func verdict(_ value: JSONValue) -> FilterStep? {
        guard case .object(let members) = value, let member = members.first else { return nil }
        switch member.name {
        case "accept": return .accept
        case "drop", "reject": return .drop
        case "return": return .returns
        case "jump": return .jump(string(member.value["target"]))
        case "goto": return .goTo(string(member.value["target"]))
        default: return .unknown(member.name)
        }
    }

    private static func match(
        _ value: JSONValue, sets: [String: [JSONValue]], owner: String
    ) -> FilterStep {
        let operation = string(value["op"])
        guard let left = value["left"], let field = field(left), let right = value["right"],
            ["==", "!=", "in"].contains(operation)
        else { return .unknown("match") }
        // Whether a way back exists is another check's; here it counts as there.
        if field.hasPrefix("fib saddr"), field.hasSuffix(" oif"), right == .bool(false) {
            return .match(field: field, values: [], isNegated: operation == "!=")
        }
        guard let values = values(right, field: field, sets: sets, owner: owner) else {
            return .unknown(field)
        }
        return .match(field: field, values: values, isNegated: operation == "!=")
    }

    /// `ip daddr`, `meta iifname`, `ct state`, `fib daddr type`.
    private static func field(_ left: JSONValue) -> String? {
        if let payload = left["payload"], payload["base"] == nil {
            let name = string(payload["protocol"])
            return "\(name == "icmp6" ? "icmpv6" : name) \(string(payload["field"]))"
        }
        if let meta = left["meta"] { return "meta \(string(meta["key"]))" }
        if let tracking = left["ct"], tracking["dir"] == nil {
            return "ct \(string(tracking["key"]))"
        }
        if let fib = left["fib"] {
            var flags: [String] = []
            switch fib["flags"] {
            case .array(let list): flags = list.map { string($0) }
            case .string(let flag): flags = [flag]
            default: break
            }
            return "fib \(flags.joined(separator: " ")) \(string(fib["result"]))"
        }
        return nil
    }

    // MARK: - Values

    private static func values(
        _ right: JSONValue, field: String, sets: [String: [JSONValue]], owner: String
    ) -> [FilterValue]? {
        switch right {
        case .string(let text) where text.hasPrefix("@"):
            guard let elements = sets["\(owner) \(text.dropFirst())"] else { return nil }
            return elements.compactMap { value($0, field) }
        case .array(let elements):
            return elements.compactMap { value($0, field) }
        default:
            if case .array(let elements) = right["set"] {
                let found = elements.compactMap { value($0, field) }
                return found.count == elements.count ? found : nil
            }
            return value(right, field).map { [$0] }
        }
    }

    private static func value(_ element: JSONValue, _ field: String) -> FilterValue? {
        switch element {
        case .integer(let number) where number >= 0:
            return .number(UInt128(number)...UInt128(number))
        case .string(let text):
            return single(text, field)
        default: break
        }
        if let inner = element["elem"]?["val"] { return value(inner, field) }
        if let prefix = element["prefix"] {
            guard let address = IPAddress(string(prefix["addr"])), let bits = number(prefix["len"])
            else { return nil }
            return .number(range(address, bits: bits))
        }
        if case .array(let ends) = element["range"], ends.count == 2,
            case .number(let low) = value(ends[0], field),
            case .number(let high) = value(ends[1], field), low.lowerBound <= high.upperBound
        {
            return .number(low.lowerBound...high.upperBound)
        }
        return nil
    }

    private static func single(_ text: String, _ field: String) -> FilterValue {
        if let address = IPAddress(text) { return .number(address.number...address.number) }
        if let number = symbols[text], !field.hasPrefix("ct "), !field.hasPrefix("fib "),
            !field.hasSuffix("name"), field != "meta pkttype"
        {
            return .number(number...number)
        }
        return .text(text)
    }

    private static func range(_ address: IPAddress, bits: Int) -> ClosedRange<UInt128> {
        let width = if case .v4 = address { 32 } else { 128 }
        let free = width - min(max(bits, 0), width)
        let mask: UInt128 = free == 128 ? .max : (1 << UInt128(free)) - 1
        return (address.number & ~mask)...(address.number | mask)
    }

    /// The names that nft prints instead of numbers.
    private static let symbols: [String: UInt128] = [
        "icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "ipv6-icmp": 58, "icmpv6": 58, "udplite": 136,
        "ipv4": 2, "ipv6": 10, "ip": 0x0800, "ip6": 0x86DD, "arp": 0x0806, "vlan": 0x8100,
        "membership-query": 0x11, "membership-report-v1": 0x12, "membership-report-v2": 0x16,
        "leave-group": 0x17, "membership-report-v3": 0x22,
        "mld-listener-query": 130, "mld-listener-report": 131, "mld-listener-done": 132,
        "mld-listener-reduction": 132, "mld2-listener-report": 143,
    ]

    private static func key(of set: JSONValue, _ name: String) -> String? {
        guard case .string(let text) = set[name] else { return nil }
        return "\(string(set["family"])) \(string(set["table"])) \(text)"
    }

    private static func string(_ value: JSONValue?) -> String {
        if case .string(let text) = value { text } else { "" }
    }

    private static func number(_ value: JSONValue?) -> Int? {
        if case .integer(let number) = value { Int(exactly: number) } else { nil }
    }
}
