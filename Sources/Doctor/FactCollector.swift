import Diagnosis
import Glibc
import Management
import NetBasics
import Sockets

/// Collects what the checks judge: from the kernel's tables, its files, and by a few packets.
struct FactCollector: ~Copyable {
    private let configuration: DoctorConfiguration
    private let files: SystemFiles
    private var facts = HostFacts()
    private var udpBefore: UDPCounts?
    private let startedAt = Clocks.now

    init(_ configuration: DoctorConfiguration, files: SystemFiles = SystemFiles()) {
        self.configuration = configuration
        self.files = files
    }

    private var question: Question { configuration.question }
    private var family: String { question.isIPv6 ? "ipv6" : "ipv4" }

    /// Looks at everything; takes at least as long as queries are waited for.
    consuming func collect(toRendezvous servers: [Endpoint]) -> HostFacts {
        udpBefore = udpCounts()
        facts.host = Self.hostName
        collectTables(servers)
        let listener = openListener()
        collectFiles()
        facts.filter = FilterReader.rules()
        if let interface = facts.chosenInterface(for: question) {
            facts.loopback = LocalProbes.loopback(question, interface: interface)
        } else {
            facts.loopback = .unknown("no interface to send by")
        }
        facts.clock = LocalProbes.clock()
        probePaths(servers)
        switch listener {
        case .success(let listener):
            facts.querier = .known(listener.watch(for: configuration.querierWait))
        case .failure(let reason):
            facts.querier = .unknown(reason)
        }
        collectDrops()
        return facts
    }

    private static var hostName: String {
        var bytes = [CChar](repeating: 0, count: 256)
        guard gethostname(&bytes, bytes.count - 1) == 0 else { return "" }
        return String(
            decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    // MARK: - Tables

    /// Far from everybody's own networks: the address of a service that has ended (RFC 7526).
    private static let distantIPv4 = IPAddress.v4(IPv4Address(rawValue: 0xC058_6301))
    private static let distantIPv6 = IPAddress.v6(IPv6Address(high: 0x2000 << 48, low: 1))

    private mutating func collectTables(_ servers: [Endpoint]) {
        do throws(SystemError) {
            var tables = try NetworkTables()
            facts.interfaces = tables.interfaces()
            facts.groupRoute = tables.route(to: question.group)
            facts.sourceRoute = question.source.map { tables.route(to: $0) }
            let remote = question.remote ?? servers.first?.address
            facts.remoteRoute = remote.map { tables.route(to: $0) }
            facts.distantRoute = tables.route(
                to: question.isIPv6 ? Self.distantIPv6 : Self.distantIPv4)
        } catch {
            facts.interfaces = .unknown("rtnetlink is out of reach: \(error.reason)")
            facts.groupRoute = .unknown("rtnetlink is out of reach: \(error.reason)")
        }
    }

    private enum Listening: ~Copyable {
        case success(QuerierListener)
        case failure(String)
    }

    private func openListener() -> Listening {
        guard let interface = facts.chosenInterface(for: question) else {
            return .failure("no interface to listen on")
        }
        guard configuration.querierWait > .zero else { return .failure("not waited for") }
        do throws(SystemError) {
            return .success(
                try QuerierListener(interface: interface.index, isIPv6: question.isIPv6))
        } catch {
            return .failure(
                error.code == EPERM
                    ? "listening for queries needs CAP_NET_RAW; run as root"
                    : "listening for queries: \(error.reason)")
        }
    }

    // MARK: - Files

    private mutating func collectFiles() {
        facts.reversePathFilterOfAll = files.integer("/proc/sys/net/ipv4/conf/all/rp_filter")
        let igmp = files.text("/proc/net/igmp")
        if case .known(var interfaces) = facts.interfaces {
            for index in interfaces.indices {
                fill(&interfaces[index], igmp: igmp.value ?? "")
            }
            facts.interfaces = .known(interfaces)
        }
        facts.routing.forwardsIPv4 = flag("/proc/sys/net/ipv4/ip_forward")
        facts.routing.forwardsIPv6 = flag("/proc/sys/net/ipv6/conf/all/forwarding")
        facts.routing.multicastIPv4 = mapped("/proc/net/ip_mr_vif", SystemFiles.routedInterfaces)
        facts.routing.multicastIPv6 = mapped("/proc/net/ip6_mr_vif", SystemFiles.routedInterfaces)
        facts.memberships =
            question.isIPv6
            ? mapped("/proc/net/igmp6", SystemFiles.memberships(igmp6:))
            : mapped("/proc/net/igmp", SystemFiles.memberships(igmp:))
        facts.limits.igmpMemberships = files.integer("/proc/sys/net/ipv4/igmp_max_memberships")
        facts.limits.igmpSources = files.integer("/proc/sys/net/ipv4/igmp_max_msf")
        facts.limits.mldSources = files.integer("/proc/sys/net/ipv6/mld_max_msf")
        facts.buffers.receiveLimit = files.integer("/proc/sys/net/core/rmem_max")
        facts.buffers.receiveDefault = files.integer("/proc/sys/net/core/rmem_default")
        facts.legacyTables = legacyTables()
        facts.containerMarks = ["/.dockerenv", "/run/.containerenv"].filter(files.exists)
    }

    private func fill(_ interface: inout InterfaceFacts, igmp: String) {
        let settings = "/proc/sys/net/ipv4/conf/\(interface.name)"
        interface.reversePathFilter = files.integer("\(settings)/rp_filter")
        let all = files.integer("/proc/sys/net/ipv4/conf/all/force_igmp_version").value ?? 0
        let own = files.integer("\(settings)/force_igmp_version").value ?? 0
        interface.forcedIGMPVersion = all != 0 ? all : own
        interface.igmpVersion = SystemFiles.igmpVersion(of: interface.name, in: igmp)
        let settings6 = "/proc/sys/net/ipv6/conf/\(interface.name)"
        // A kernel without IPv6 has no such folder; without /proc nothing is known.
        interface.isIPv6Disabled =
            files.exists("/proc/sys/net/ipv6") || !files.exists("/proc/sys/net")
            ? flag("\(settings6)/disable_ipv6") : .known(true)
        let all6 = files.integer("/proc/sys/net/ipv6/conf/all/force_mld_version").value ?? 0
        let own6 = files.integer("\(settings6)/force_mld_version").value ?? 0
        interface.forcedMLDVersion = all6 != 0 ? all6 : own6
    }

    private func flag(_ path: String) -> Fact<Bool> {
        switch files.integer(path) {
        case .known(let value): .known(value != 0)
        case .unknown(let reason): .unknown(reason)
        }
    }

    private func mapped<Value>(_ path: String, _ read: (String) -> Value) -> Fact<Value> {
        switch files.text(path) {
        case .known(let text): .known(read(text))
        case .unknown(let reason): .unknown(reason)
        }
    }

    /// The file is not there where the module was never loaded.
    private func legacyTables() -> Fact<[String]> {
        let path = "/proc/net/\(question.isIPv6 ? "ip6" : "ip")_tables_names"
        guard files.exists(path) || !files.exists("/proc/net") else { return .known([]) }
        return mapped(path) { $0.split(separator: "\n").map(String.init) }
    }

    // MARK: - Paths

    private mutating func probePaths(_ servers: [Endpoint]) {
        let mtu = facts.chosenInterface(for: question)?.mtu ?? 1500
        guard let invite = configuration.invite else { return }
        var result: PathProbe.Result?
        if let server = servers.first {
            let found = PathProbe.run(to: server, interfaceMTU: remoteMTU ?? mtu)
            facts.path = found.path
            result = found
        }
        facts.rendezvous = rendezvous(invite, servers, result)
    }

    /// Of the interface that the way to the other end leads through.
    private var remoteMTU: Int? {
        guard case .known(let route?) = facts.remoteRoute ?? .known(nil) else { return nil }
        return facts.interface(at: route.interface)?.mtu
    }

    private func rendezvous(
        _ invite: Invite, _ servers: [Endpoint], _ path: PathProbe.Result?
    ) -> RendezvousFacts {
        var facts = RendezvousFacts(name: invite.server, outcomes: [])
        guard !servers.isEmpty else {
            facts.outcomes = [.failed(server: invite.server, reason: "the name has no address")]
            return facts
        }
        do throws(SystemError) {
            var probe = try RendezvousProbe(invite)
            // A name with more addresses is asked at its first ones.
            for (index, server) in servers.prefix(4).enumerated() {
                if index == 0, let complaint = path?.complaint {
                    facts.outcomes.append(.failed(server: "\(server)", reason: complaint))
                } else {
                    facts.outcomes.append(probe.ask(server))
                }
            }
            facts.local = path?.local.map { Endpoint(address: $0, port: probe.port) }
        } catch {
            facts.outcomes = [.failed(server: invite.server, reason: error.reason)]
        }
        return facts
    }

    // MARK: - UDP

    private struct UDPCounts {
        var received: Int
        var bufferErrors: Int
        var sockets: [String: (endpoint: String, drops: Int)]
    }

    private func udpCounts() -> UDPCounts? {
        let suffix = question.isIPv6 ? "6" : ""
        // Sockets of IPv6 receive IPv4 as well.
        let sockets = ["/proc/net/udp", "/proc/net/udp6"].map {
            SystemFiles.socketDrops(files.text($0).value ?? "")
        }
        guard case .known(let snmp) = files.text("/proc/net/snmp\(suffix)")
        else { return nil }
        let counters =
            question.isIPv6
            ? SystemFiles.counters(snmp6: snmp) : SystemFiles.counters("Udp", snmp: snmp)
        let prefix = question.isIPv6 ? "Udp6" : ""
        guard let received = counters["\(prefix)InDatagrams"],
            let errors = counters["\(prefix)RcvbufErrors"]
        else { return nil }
        return UDPCounts(
            received: received, bufferErrors: errors,
            sockets: sockets[0].merging(sockets[1]) { first, _ in first })
    }

    private mutating func collectDrops() {
        guard let before = udpBefore, let after = udpCounts() else {
            facts.udp = .unknown("the kernel's UDP counters cannot be read in /proc/net")
            return
        }
        let grown = after.sockets.map { key, entry in
            (entry.endpoint, entry.drops &- (before.sockets[key]?.drops ?? entry.drops))
        }
        let worst = grown.max { ($0.1, $0.0) < ($1.1, $1.0) }
        facts.udp = .known(
            UDPWatch(
                received: after.received, bufferErrors: after.bufferErrors,
                receivedDuring: max(0, after.received &- before.received),
                bufferErrorsDuring: max(0, after.bufferErrors &- before.bufferErrors),
                worstSocket: worst.flatMap { $0.1 > 0 ? $0.0 : nil },
                duration: Clocks.now - startedAt))
    }
}
