import NetBasics

/// Where a peer stands in the plane of delays, as it tells others (Dabek et al., "Vivaldi", 2004).
///
/// The estimated one-way delay between two peers is the distance of their points plus both
/// heights, which stand for their access links.
package struct Coordinate: Equatable, Hashable, Sendable {
    /// Tenths of a millisecond.
    package var x: Int16
    package var y: Int16
    package var z: Int16
    /// Tenths of a millisecond.
    package var height: UInt16
    /// Relative error of its estimates in 1/100; 255: nothing is known yet.
    package var error: UInt8

    package static let unknown = Coordinate(x: 0, y: 0, z: 0, height: 0, error: .max)

    package init(x: Int16, y: Int16, z: Int16, height: UInt16, error: UInt8) {
        self.x = x
        self.y = y
        self.z = z
        self.height = height
        self.error = error
    }

    package var isKnown: Bool { error != .max }

    /// Estimated one-way delay to `other` in microseconds; `nil` if either is unknown.
    package func delay(to other: Coordinate) -> Double? {
        guard isKnown, other.isKnown else { return nil }
        let (dx, dy, dz) = (
            Double(x) - Double(other.x), Double(y) - Double(other.y), Double(z) - Double(other.z)
        )
        let distance = (dx * dx + dy * dy + dz * dz).squareRoot()
        return (distance + Double(height) + Double(other.height)) * 100
    }
}

/// A peer that the sender knows of, where it stands, and how far it is from a source.
package struct Acquaintance: Equatable, Sendable {
    package var contact: Contact
    package var coordinate: Coordinate
    /// As in its last ``RouteAdvert``; ``RouteAdvert/unreachable`` if the sender does not know.
    package var metric: UInt32
    /// A child whose link costs less is taken, as in the advert; `.max`: there is room.
    package var admitCost: UInt32

    package init(
        contact: Contact, coordinate: Coordinate, metric: UInt32 = RouteAdvert.unreachable,
        admitCost: UInt32 = 0
    ) {
        self.contact = contact
        self.coordinate = coordinate
        self.metric = metric
        self.admitCost = admitCost
    }
}
