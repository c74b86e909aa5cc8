import NetBasics

/// What the doctor was asked: the group that does not work, and from where to where.
package struct Question: Equatable, Sendable {
    package var group: IPAddress
    /// How many groups from this one on are wanted at once.
    package var groupCount = 1
    /// The one source that is wanted; `nil`: any.
    package var source: IPAddress?
    package var port: UInt16?
    /// The interface that was chosen; `nil`: the one that the route to the group leads through.
    package var interface: String?
    /// Hop limit of the group's packets at their sender.
    package var ttl = 1
    /// The other end of the path, if one was named.
    package var remote: IPAddress?

    /// Looked at where no group is named: a group of administrative scope (RFC 2365).
    package static let defaultGroup = IPAddress.v4(IPv4Address(rawValue: 0xEFFF_4D11))
    /// The same for IPv6, of site scope.
    package static let defaultIPv6Group = IPAddress.v6(
        IPv6Address(high: 0xFF15 << 48, low: 0xEFFF_4D11))
    /// What programs send with unless they ask for more (ip(7), IP_MULTICAST_TTL).
    package static let defaultTTL = 1

    package init(group: IPAddress = defaultGroup) { self.group = group }

    package var isIPv6: Bool {
        switch group {
        case .v4: false
        case .v6: true
        }
    }

    /// The range that holds all groups, as routes name it.
    var groupRange: String { isIPv6 ? "ff00::/8" : "224.0.0.0/4" }

    /// What `ip` is called with for the family.
    var ipCommand: String { isIPv6 ? "ip -6" : "ip" }

    /// `S,G` or `G`.
    package var groupText: String { source.map { "\($0),\(group)" } ?? "\(group)" }
}
