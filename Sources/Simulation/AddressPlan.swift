import NetBasics

/// Addresses of simulated hosts.
///
/// Those on one router share a /24, at most 254 of them, and routers have theirs in the order of
/// their numbers: where a generator numbers one domain after the other, a domain's addresses lie
/// together, though not in blocks of its own.
struct AddressPlan: Sendable {
    private var endpoints: ContiguousArray<UInt32> = []
    /// The hosts of each /24, one /24 behind the other.
    private var hosts: ContiguousArray<Int32> = []
    /// Where the hosts of each /24 begin, and after the last one where they end.
    private var starts: ContiguousArray<Int32> = []

    private static let first: UInt32 = 0x0100_0000
    private static let subnetSize = 254
    static let port: UInt16 = 7400

    /// `routers` has the router of each host; `nil`: each host has a /24 of its own.
    init(hostCount: Int, routers: [Int32]?) {
        let subnets = Self.subnets(hostCount: hostCount, routers: routers)
        endpoints = ContiguousArray(repeating: 0, count: hostCount)
        for host in (0..<hostCount).sorted(by: { (subnets[$0], $0) < (subnets[$1], $1) }) {
            while starts.count <= subnets[host] { starts.append(Int32(hosts.count)) }
            hosts.append(Int32(host))
            let place = UInt32(hosts.count) - UInt32(starts[Int(subnets[host])])
            endpoints[host] = Self.first + UInt32(subnets[host]) << 8 + place
        }
        starts.append(Int32(hosts.count))
    }

    /// The number of each host's /24: that of its router, or, where that is full, one behind all.
    private static func subnets(hostCount: Int, routers: [Int32]?) -> [Int32] {
        guard let routers else { return (0..<Int32(hostCount)).map { $0 } }
        var next = (routers.max() ?? 0) + 1
        var current: [Int32: Int32] = [:]
        var taken: [Int32: Int] = [:]
        return routers.map { router in
            taken[router, default: 0] += 1
            if let count = taken[router], count > 1, count % subnetSize == 1 {
                current[router] = next
                next += 1
            }
            return current[router] ?? router
        }
    }

    func endpoint(of host: Int) -> Endpoint {
        Endpoint(address: .v4(IPv4Address(rawValue: endpoints[host])), port: Self.port)
    }

    /// The host that receives at `endpoint`; `nil`: nobody does.
    func host(at endpoint: Endpoint) -> Int? {
        guard case .v4(let address) = endpoint.address, address.rawValue >= Self.first else {
            return nil
        }
        let subnet = Int((address.rawValue - Self.first) >> 8)
        guard subnet + 1 < starts.count else { return nil }
        let place = Int(starts[subnet]) + Int(address.rawValue & 0xFF) - 1
        guard hosts.indices.contains(place) else { return nil }
        let host = Int(hosts[place])
        return endpoints[host] == address.rawValue ? host : nil
    }
}
