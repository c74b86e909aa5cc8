import CLinux
import Diagnosis
import Glibc
import NetBasics
import Sockets

/// Interfaces, addresses and routes, as rtnetlink tells them.
struct NetworkTables: ~Copyable {
    private var netlink: Netlink

    init() throws(SystemError) { netlink = try Netlink() }

    // MARK: - Interfaces

    /// All interfaces with their addresses; what is in /proc is not filled in.
    mutating func interfaces() -> Fact<[InterfaceFacts]> {
        do throws(Netlink.Refusal) {
            let links = try netlink.ask(RTM_GETLINK, dump(AF_UNSPEC, bytes: 16), isDump: true)
            let addresses = try netlink.ask(RTM_GETADDR, dump(AF_UNSPEC, bytes: 8), isDump: true)
            var found = links.compactMap { Self.interface($0) }
            for message in addresses { Self.add(message, to: &found) }
            for index in found.indices where found[index].bridge != nil {
                let bridge = found[index].index
                let ports = found.filter { $0.master == bridge }.map(\.name)
                found[index].bridge?.ports = ports
            }
            return .known(found)
        } catch {
            return .unknown("the kernel does not list its interfaces: \(error.text)")
        }
    }

    private func dump(_ family: Int32, bytes: Int) -> [UInt8] {
        [UInt8(truncatingIfNeeded: family)] + Array(repeating: 0, count: bytes - 1)
    }

    private static func interface(_ message: Netlink.Message) -> InterfaceFacts? {
        guard Int(message.type) == RTM_NEWLINK,
            let index = NativeReader.word(message.payload, at: 4),
            let flags = NativeReader.word(message.payload, at: 8)
        else { return nil }
        let attributes = NetlinkAttributes(message.payload.dropFirst(16))
        guard let name = attributes.text(IFLA_IFNAME) else { return nil }
        var interface = InterfaceFacts(index: Int(index), name: name)
        interface.isUp = flags & UInt32(IFF_UP) != 0
        interface.isLoopback = flags & UInt32(IFF_LOOPBACK) != 0
        interface.isMulticast = flags & UInt32(IFF_MULTICAST) != 0
        interface.hasCarrier = attributes.byte(IFLA_CARRIER) != 0
        interface.mtu = Int(attributes.word(IFLA_MTU) ?? 0)
        interface.master = attributes.word(IFLA_MASTER).map(Int.init)
        interface.leadsToNamespace = attributes[IFLA_LINK_NETNSID] != nil
        let details = attributes.nested(IFLA_LINKINFO)
        interface.kind = details?.text(IFLA_INFO_KIND) ?? ""
        if interface.kind == "bridge" {
            interface.bridge = bridge(details?.nested(IFLA_INFO_DATA))
        }
        return interface
    }

    private static func bridge(_ data: NetlinkAttributes?) -> BridgeFacts {
        var facts = BridgeFacts()
        guard let data else { return facts }
        facts.isSnooping = data.byte(IFLA_BR_MCAST_SNOOPING) == 1
        facts.isQuerier = data.byte(IFLA_BR_MCAST_QUERIER) == 1
        facts.usesOwnAddress = data.byte(IFLA_BR_MCAST_QUERY_USE_IFADDR) == 1
        facts.igmpVersion = Int(data.byte(IFLA_BR_MCAST_IGMP_VERSION) ?? 2)
        facts.mldVersion = Int(data.byte(IFLA_BR_MCAST_MLD_VERSION) ?? 1)
        let state = data.nested(IFLA_BR_MCAST_QUERIER_STATE)
        facts.querierIPv4 = state?.address(Int(CL_BRIDGE_QUERIER_IPV4))
        facts.querierIPv6 = state?.address(Int(CL_BRIDGE_QUERIER_IPV6))
        return facts
    }

    private static func add(_ message: Netlink.Message, to interfaces: inout [InterfaceFacts]) {
        let payload = message.payload
        guard Int(message.type) == RTM_NEWADDR, payload.count >= 8,
            let index = NativeReader.word(payload, at: 4),
            let place = interfaces.firstIndex(where: { $0.index == Int(index) })
        else { return }
        let attributes = NetlinkAttributes(payload.dropFirst(8))
        // Of IPv4 the local one: the other is the far end of a point-to-point link.
        // Groups may be among them (ip-address(8), autojoin).
        guard let address = attributes.address(IFA_LOCAL) ?? attributes.address(IFA_ADDRESS),
            address.isUnicast
        else { return }
        let flags = attributes.word(IFA_FLAGS) ?? UInt32(payload[payload.startIndex + 2])
        let unusable = UInt32(IFA_F_TENTATIVE | IFA_F_DADFAILED)
        interfaces[place].addresses.append(
            InterfaceAddress(
                address, prefixBits: Int(payload[payload.startIndex + 1]),
                isUsable: flags & unusable == 0))
    }

    // MARK: - Routes

    /// The way that the kernel would take to `address`; `nil`: none.
    mutating func route(to address: IPAddress) -> Fact<RouteFacts?> {
        let bytes = address.networkBytes
        var request = NativeWriter()
        request.bytes = [
            UInt8(bytes.count == 4 ? AF_INET : AF_INET6), UInt8(8 * bytes.count), 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0,
        ]
        request.writeAttribute(Int(RTA_DST.rawValue), bytes)
        do throws(Netlink.Refusal) {
            let answer = try netlink.ask(RTM_GETROUTE, request.bytes, isDump: false)
            return .known(answer.first.flatMap(Self.route))
        } catch {
            if case .code(let code) = error,
                [ENETUNREACH, EHOSTUNREACH, EACCES, EINVAL, ENODEV].contains(code)
            {
                return .known(nil)
            }
            return .unknown("the kernel does not tell its routes: \(error.text)")
        }
    }

    private static func route(_ message: Netlink.Message) -> RouteFacts? {
        let payload = message.payload
        guard Int(message.type) == RTM_NEWROUTE, payload.count >= 12 else { return nil }
        let refusing = [RTN_BLACKHOLE, RTN_UNREACHABLE, RTN_PROHIBIT, RTN_THROW].map {
            UInt8($0)
        }
        guard !refusing.contains(payload[payload.startIndex + 7]) else { return nil }
        let attributes = NetlinkAttributes(payload.dropFirst(12))
        guard let interface = attributes.word(Int(RTA_OIF.rawValue)) else { return nil }
        return RouteFacts(
            interface: Int(interface), gateway: attributes.address(Int(RTA_GATEWAY.rawValue)),
            source: attributes.address(Int(RTA_PREFSRC.rawValue)))
    }
}

extension Netlink.Refusal {
    var text: String {
        switch self {
        case .code(let code): String(cString: strerror(code))
        case .silent: "no answer"
        case .oversized: "the answer is too long"
        }
    }
}
