import NetBasics

/// Routers that speak PIM on a link: where one is, a TTL of 1 ends.
struct Routers: Sendable {
    static let limit = 64

    private(set) var all: [Router] = []

    mutating func note(
        _ address: IPAddress, _ hardware: MACAddress?, interface: UInt16, number: UInt64
    ) {
        let isKnown = all.contains { $0.address == address && $0.interface == interface }
        guard !isKnown, all.count < Self.limit else { return }
        all.append(
            Router(address: address, hardware: hardware, interface: interface, number: number))
    }

    func isRouter(_ hardware: MACAddress) -> Bool { all.contains { $0.hardware == hardware } }
}

/// A PIM router, and the packet that showed it.
package struct Router: Equatable, Sendable {
    package let address: IPAddress
    package let hardware: MACAddress?
    package let interface: UInt16
    package let number: UInt64
}
