import NetBasics

/// Which IPv4 address a host on the link uses when it speaks for itself alone.
///
/// Reports of IGMP and MLD are never forwarded, so who sent the frame is who sent the packet.
struct HostTable: Sendable {
    static let limit = 4096

    private var hosts: [MACAddress: (address: IPAddress, number: UInt64)] = [:]

    mutating func note(_ hardware: MACAddress?, _ address: IPAddress, number: UInt64) {
        // Some report from 0.0.0.0 before they have an address, and by MLD from a link-local one.
        guard let hardware, case .v4 = address, address.isUnicast, hosts.count < Self.limit,
            hosts[hardware] == nil
        else { return }
        hosts[hardware] = (address, number)
    }

    /// What the host of that frame calls itself, and the packet in which it did.
    func address(of hardware: MACAddress) -> (address: IPAddress, number: UInt64)? {
        hosts[hardware]
    }
}
