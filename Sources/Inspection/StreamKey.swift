import NetBasics

/// What packets of one flow have in common, RTP's source identifier aside.
package struct FlowKey: Hashable, Sendable {
    package var source: IPAddress
    package var destination: IPAddress
    package var sourcePort: UInt16
    package var destinationPort: UInt16
    /// The capture's interface: what two of them see is not a duplicate.
    package var interface: UInt16
    /// The outermost VLAN id; zero without a tag.
    package var vlan: UInt16

    /// For tables of ours: spreads honest flows, and a wrong entry only costs time.
    @inline(__always)
    var quickHash: Int {
        var hash =
            UInt64(sourcePort) << 48 | UInt64(destinationPort) << 32
            | UInt64(interface) << 16 | UInt64(vlan)
        func mix(_ word: UInt64) { hash = (hash ^ word) &* 0x9E37_79B9_7F4A_7C15 }
        func mix(_ address: IPAddress) {
            switch address {
            case .v4(let address): mix(UInt64(address.rawValue))
            case .v6(let address):
                mix(address.high)
                mix(address.low)
            }
        }
        mix(source)
        mix(destination)
        return Int(truncatingIfNeeded: hash >> 40)
    }
}
