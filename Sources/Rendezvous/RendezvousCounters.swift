import Wire

/// What the server did since its start, and what it holds now.
package struct RendezvousCounters: Equatable, Sendable {
    /// Registrations of members that were not listed.
    package var registered = 0
    /// Registrations that prolonged a lease.
    package var refreshed = 0
    /// Members that gave way to a new peer id at their endpoint; their successors count as
    /// registered.
    package var replaced = 0
    package var left = 0
    /// Members whose lease ran out.
    package var expired = 0
    package var lookups = 0
    /// Requests without a valid cookie.
    package var challenges = 0
    /// Signatures checked; a refresh that repeats what was found good costs none.
    package var verifications = 0
    /// Requests that got no answer, because too many signatures were to be verified.
    package var unverified = 0
    /// Requests from an address that cannot be answered; met with silence.
    package var ignored = 0

    /// Groups with a live member, now.
    package var groups = 0
    /// Live members of all groups, now.
    package var members = 0

    /// By the reason's position among all cases.
    private var refusalCounts = [Int](repeating: 0, count: RendezvousRefusalReason.allCases.count)

    package init() {}

    package func refusals(_ reason: RendezvousRefusalReason) -> Int {
        Self.index(of: reason).map { refusalCounts[$0] } ?? 0
    }

    /// Every reason with its count, in the order of the wire codes.
    package var refusals: [(reason: RendezvousRefusalReason, count: Int)] {
        RendezvousRefusalReason.allCases.map { ($0, refusals($0)) }
    }

    mutating func countRefusal(_ reason: RendezvousRefusalReason) {
        if let index = Self.index(of: reason) { refusalCounts[index] += 1 }
    }

    private static func index(of reason: RendezvousRefusalReason) -> Int? {
        RendezvousRefusalReason.allCases.firstIndex(of: reason)
    }
}
