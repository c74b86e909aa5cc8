import NetBasics

/// Everything that the checks judge, as the kernel and the network told it.
///
/// Made by the driver; a fact that it could not get says why.
package struct HostFacts: Sendable {
    package var host = ""
    package var interfaces: Fact<[InterfaceFacts]> = .known([])
    /// The kernel's way to the group where a program chooses no interface; `nil`: none.
    package var groupRoute: Fact<RouteFacts?> = .known(nil)
    /// The way back to the wanted source.
    package var sourceRoute: Fact<RouteFacts?>?
    /// The way to the other doctor, or to the rendezvous.
    package var remoteRoute: Fact<RouteFacts?>?
    /// The way far away, by which strict reverse path filters judge what comes from there.
    package var distantRoute: Fact<RouteFacts?> = .known(nil)
    /// `conf/all/rp_filter`, which counts where it is more than the interface's.
    package var reversePathFilterOfAll: Fact<Int> = .known(0)
    package var routing = RoutingFacts()
    package var memberships: Fact<[Membership]> = .known([])
    package var limits = Limits()
    package var buffers = Buffers()
    package var udp: Fact<UDPWatch> = .unknown("not looked at")
    package var filter: Fact<FilterRules> = .known(FilterRules())
    /// Names of the tables of legacy iptables, which nftables does not show.
    package var legacyTables: Fact<[String]> = .known([])
    package var querier: Fact<QuerierWatch> = .unknown("not looked at")
    package var loopback: Fact<LoopbackOutcome> = .unknown("not looked at")
    package var path: Fact<PathFacts>?
    package var rendezvous: RendezvousFacts?
    package var clock: Fact<ClockFacts> = .unknown("not looked at")
    /// Files that container engines leave inside a container.
    package var containerMarks: [String] = []

    package init() {}

    package func interface(named name: String) -> InterfaceFacts? {
        interfaces.value?.first { $0.name == name }
    }

    package func interface(at index: Int) -> InterfaceFacts? {
        interfaces.value?.first { $0.index == index }
    }

    /// The interface that the question is about: the chosen one, else that of the route.
    package func chosenInterface(for question: Question) -> InterfaceFacts? {
        if let name = question.interface { return interface(named: name) }
        guard case .known(let route?) = groupRoute else { return nil }
        return interface(at: route.interface)
    }
}

/// One interface of the host.
package struct InterfaceFacts: Equatable, Sendable {
    package var index: Int
    package var name: String
    package var isUp = true
    package var hasCarrier = true
    package var isLoopback = false
    /// The flag MULTICAST.
    package var isMulticast = true
    package var mtu = 1500
    /// The kernel's word, such as `bridge`, `veth` or `vlan`; empty for hardware.
    package var kind = ""
    /// Index of the bridge, bond or team that it is a port of.
    package var master: Int?
    /// Whether its other end is in another network namespace.
    package var leadsToNamespace = false
    package var addresses: [InterfaceAddress] = []
    package var reversePathFilter: Fact<Int> = .known(0)
    package var isIPv6Disabled: Fact<Bool> = .known(false)
    /// `force_igmp_version`; zero lets the kernel choose.
    package var forcedIGMPVersion = 0
    package var forcedMLDVersion = 0
    /// The version that the kernel speaks there, after the queriers that it heard.
    package var igmpVersion: Int?
    package var bridge: BridgeFacts?

    package init(index: Int, name: String) {
        self.index = index
        self.name = name
    }

    func hasAddress(isIPv6: Bool) -> Bool { addresses.contains { $0.isIPv6 == isIPv6 } }

    /// Whether `address` is in one of the interface's subnets.
    func isOnLink(_ address: IPAddress) -> Bool { addresses.contains { $0.covers(address) } }
}

/// An address of an interface with the length of its subnet's prefix.
package struct InterfaceAddress: Equatable, Sendable {
    package var address: IPAddress
    package var prefixBits: Int
    /// Duplicate address detection has not ended, or found another owner.
    package var isUsable = true

    package init(_ address: IPAddress, prefixBits: Int, isUsable: Bool = true) {
        self.address = address
        self.prefixBits = prefixBits
        self.isUsable = isUsable
    }

    var isIPv6: Bool {
        switch address {
        case .v4: false
        case .v6: true
        }
    }

    func covers(_ other: IPAddress) -> Bool {
        switch (address, other) {
        case (.v4(let own), .v4(let other)):
            let bits = min(max(prefixBits, 0), 32)
            return bits == 0 || (own.rawValue ^ other.rawValue) >> (32 - UInt32(bits)) == 0
        case (.v6(let own), .v6(let other)):
            let bits = min(max(prefixBits, 0), 128)
            let high = own.high ^ other.high
            let low = own.low ^ other.low
            if bits == 0 { return true }
            if bits <= 64 { return high >> UInt64(64 - bits) == 0 }
            return high == 0 && low >> UInt64(128 - bits) == 0
        default: return false
        }
    }
}

/// What a bridge of this host does with groups.
package struct BridgeFacts: Equatable, Sendable {
    package var isSnooping = true
    package var isQuerier = false
    /// Whether its queries carry the bridge's own address instead of 0.0.0.0.
    package var usesOwnAddress = false
    package var igmpVersion = 2
    package var mldVersion = 1
    /// Addresses of the queriers that it has heard, itself included.
    package var querierIPv4: IPAddress?
    package var querierIPv6: IPAddress?
    package var ports: [String] = []

    package init() {}
}

/// A way of the kernel's to an address.
package struct RouteFacts: Equatable, Sendable {
    /// Index of the interface.
    package var interface: Int
    package var gateway: IPAddress?
    package var source: IPAddress?

    package init(interface: Int, gateway: IPAddress? = nil, source: IPAddress? = nil) {
        self.interface = interface
        self.gateway = gateway
        self.source = source
    }
}

/// Unicast forwarding, and the kernel's table of multicast interfaces.
package struct RoutingFacts: Equatable, Sendable {
    package var forwardsIPv4: Fact<Bool> = .known(false)
    package var forwardsIPv6: Fact<Bool> = .known(false)
    /// Interfaces that a multicast routing daemon has opened.
    package var multicastIPv4: Fact<[String]> = .known([])
    package var multicastIPv6: Fact<[String]> = .known([])

    package init() {}
}

package struct Membership: Equatable, Sendable {
    package var interface: String
    package var group: IPAddress

    package init(interface: String, group: IPAddress) {
        self.interface = interface
        self.group = group
    }
}

/// What one socket may join.
package struct Limits: Equatable, Sendable {
    package var igmpMemberships: Fact<Int> = .known(20)
    package var igmpSources: Fact<Int> = .known(10)
    package var mldSources: Fact<Int> = .known(64)

    package init() {}
}

/// The most that a program may ask for with SO_RCVBUF, and what it has unasked; in bytes.
package struct Buffers: Equatable, Sendable {
    package var receiveLimit: Fact<Int> = .known(212_992)
    package var receiveDefault: Fact<Int> = .known(212_992)

    package init() {}
}

/// The kernel's UDP counters when the doctor came and when it went.
package struct UDPWatch: Equatable, Sendable {
    package var received: Int
    package var bufferErrors: Int
    package var receivedDuring: Int
    package var bufferErrorsDuring: Int
    /// The socket that lost most meanwhile, as `ADDRESS:PORT`.
    package var worstSocket: String?
    package var duration: Duration

    package init(
        received: Int, bufferErrors: Int, receivedDuring: Int = 0, bufferErrorsDuring: Int = 0,
        worstSocket: String? = nil, duration: Duration = .seconds(3)
    ) {
        self.received = received
        self.bufferErrors = bufferErrors
        self.receivedDuring = receivedDuring
        self.bufferErrorsDuring = bufferErrorsDuring
        self.worstSocket = worstSocket
        self.duration = duration
    }
}

/// Queries that came in on the interface.
package struct QuerierWatch: Equatable, Sendable {
    package var duration: Duration
    /// The last querier heard, and the version that it spoke.
    package var querier: IPAddress?
    package var version = 0

    package init(duration: Duration, querier: IPAddress? = nil, version: Int = 0) {
        self.duration = duration
        self.querier = querier
        self.version = version
    }
}

/// A packet to the group that should have come back to this host.
package enum LoopbackOutcome: Equatable, Sendable {
    case delivered
    /// Sent and not seen again.
    case lost
    /// The kernel refused to join; its words.
    case joinRefused(String)
    /// The kernel refused to send; its words.
    case sendRefused(String)
}

/// What was learnt of the way to the other end; bytes of IP packets.
package struct PathFacts: Equatable, Sendable {
    package var remote: IPAddress
    package var interfaceMTU: Int
    /// What the kernel holds for the path, routers' words included.
    package var pathMTU: Int

    package init(remote: IPAddress, interfaceMTU: Int, pathMTU: Int) {
        self.remote = remote
        self.interfaceMTU = interfaceMTU
        self.pathMTU = pathMTU
    }
}

/// What the rendezvous answered.
package struct RendezvousFacts: Equatable, Sendable {
    package enum Outcome: Equatable, Sendable {
        /// An answer, with the own address as that server saw it.
        case answered(server: Endpoint, observed: Endpoint, roundTrip: Duration)
        case refused(server: Endpoint, reason: String)
        case silent(server: Endpoint)
        /// The kernel's or the resolver's words.
        case failed(server: String, reason: String)
    }

    /// As in the invite.
    package var name: String
    /// Of each address of the server, from one socket.
    package var outcomes: [Outcome]
    /// The socket's own address on the way to the first.
    package var local: Endpoint?

    package init(name: String, outcomes: [Outcome], local: Endpoint? = nil) {
        self.name = name
        self.outcomes = outcomes
        self.local = local
    }
}

/// What the kernel says of its clock (adjtimex(2)).
package struct ClockFacts: Equatable, Sendable {
    /// The flag STA_UNSYNC.
    package var isFlaggedFree: Bool
    package var estimatedError: Duration
    /// Grows by 0.5 ms in a second until a time service sets it anew; 16 s at most.
    package var maximumError: Duration

    /// Whether a time service has set the clock in the last hours.
    ///
    /// The flag alone does not tell: the kernel raises it when ``maximumError`` has reached its end,
    /// but systemd-timesyncd leaves it up, too, lest the kernel write to an RTC in local time.
    var isKept: Bool { !isFlaggedFree || maximumError < Self.maximumErrorLimit }

    /// NTP_PHASE_LIMIT of the kernel.
    private static let maximumErrorLimit: Duration = .seconds(16)

    package init(isFlaggedFree: Bool, estimatedError: Duration, maximumError: Duration) {
        self.isFlaggedFree = isFlaggedFree
        self.estimatedError = estimatedError
        self.maximumError = maximumError
    }
}
