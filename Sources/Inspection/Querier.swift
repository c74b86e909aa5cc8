import NetBasics
import PacketFormats

/// Somebody who asks which groups are wanted: a router, or a switch that stands in for one.
package struct Querier: Equatable, Sendable {
    /// What routers use unless told otherwise (RFC 9776, section 8).
    package static let defaultInterval = Duration.seconds(125)
    package static let defaultResponseTime = Duration.seconds(10)
    static let defaultRobustness = 2
    package static let defaultMembershipInterval =
        defaultInterval * defaultRobustness + defaultResponseTime

    package let address: IPAddress
    package let hardware: MACAddress?
    package let interface: UInt16
    package let vlan: UInt16
    /// Of IGMP, 1 to 3, or of MLD, 1 or 2: that of its last query.
    package private(set) var version: UInt8
    /// As it says, or else as its general queries come; `nil` after one of an old version.
    package private(set) var interval: Duration?
    package private(set) var responseTime: Duration
    package private(set) var robustness: Int
    package private(set) var firstSeen: Instant
    package private(set) var lastSeen: Instant
    package private(set) var generalQueries: UInt64 = 0
    package private(set) var specificQueries: UInt64 = 0
    package private(set) var firstNumber: UInt64
    package private(set) var lastNumber: UInt64
    private var lastGeneral: Instant?

    init(_ query: MembershipQuery, _ message: GroupTable.Message) {
        address = message.sender
        hardware = message.hardware
        interface = message.interface
        vlan = message.vlan
        version = query.version
        responseTime = query.maxResponseTime
        robustness = Self.defaultRobustness
        firstSeen = message.time
        lastSeen = message.time
        firstNumber = message.number
        lastNumber = message.number
        ask(query, message)
    }

    mutating func ask(_ query: MembershipQuery, _ message: GroupTable.Message) {
        version = query.version
        lastSeen = max(lastSeen, message.time)
        lastNumber = message.number
        guard query.isGeneral else {
            specificQueries &+= 1
            return
        }
        generalQueries &+= 1
        responseTime = query.maxResponseTime
        if let details = query.details {
            if details.robustness > 0 { robustness = Int(details.robustness) }
            if details.queryInterval > .zero { interval = details.queryInterval }
        } else if let lastGeneral {
            interval = max(interval ?? .zero, message.time - lastGeneral)
        }
        lastGeneral = message.time
    }

    /// After so long without a report switches and routers forget a member (RFC 9776, section 8.4).
    package var membershipInterval: Duration {
        (interval ?? Self.defaultInterval) * robustness + responseTime
    }

    /// After so long without a query another router takes over (section 8.5).
    package var presenceInterval: Duration {
        (interval ?? Self.defaultInterval) * robustness + responseTime / 2
    }
}
