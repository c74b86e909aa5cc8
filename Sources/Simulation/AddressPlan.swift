import NetBasics

/// Addresses of simulated hosts: those on one router share a /24, at most 254 of them.
struct AddressPlan: Sendable {
    private var endpoints: ContiguousArray<UInt32> = []
    /// The hosts of each /24, one /24 behind the other.
    private var hosts: ContiguousArray<Int32> = []
    private var starts: ContiguousArray<Int32> = []

    private static let first: UInt32 = 0x0100_0000
    private static let subnetSize = 254
    static let port: UInt16 = 7400

    /// `routers` has the router of each host; `nil`: each host has a /24 of its own.
    init(hostCount: Int, routers: [Int32]?) {
        endpoints = ContiguousArray(repeating: 0, count: hostCount)
        let order = (0..<hostCount).sorted { left, right in
            guard let routers else { return left < right }
            return (routers[left], left) < (routers[right], right)
        }
        var previous: Int32?
        var place = 0
        for host in order {
            let router = routers?[host] ?? Int32(host)
            if router != previous || place == Self.subnetSize {
                starts.append(Int32(hosts.count))
                previous = router
                place = 0
            }
            place += 1
            endpoints[host] = Self.first + UInt32(starts.count - 1) << 8 + UInt32(place)
            hosts.append(Int32(host))
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
        guard starts.indices.contains(subnet) else { return nil }
        let place = Int(starts[subnet]) + Int(address.rawValue & 0xFF) - 1
        guard hosts.indices.contains(place) else { return nil }
        let host = Int(hosts[place])
        return endpoints[host] == address.rawValue ? host : nil
    }
}
