/// What the packets of an interface begin with, by its number in capture files.
///
/// Numbers are those of https://www.tcpdump.org/linktypes.html; the kernel's own for raw IP on Linux, 12,
/// is read too.
package enum LinkType: UInt16, Sendable, CaseIterable {
    /// BSD loopback: the address family, in the order of the machine that captured.
    case null = 0
    case ethernet = 1
    /// Raw IP, by the number that libpcap uses for captures of its own.
    case rawByLibpcap = 12
    case rawIP = 101
    /// IEEE 802.11.
    case wireless = 105
    /// OpenBSD loopback: the address family, big-endian.
    case loop = 108
    /// Linux cooked capture, as `-i any` gives it.
    case linuxSLL = 113
    /// IEEE 802.11 behind a radiotap header.
    case radiotap = 127
    case ipv4 = 228
    case ipv6 = 229
    case linuxSLL2 = 276

    package var name: String {
        switch self {
        case .null: "null"
        case .ethernet: "ethernet"
        case .rawByLibpcap, .rawIP: "raw"
        case .wireless: "ieee802_11"
        case .radiotap: "ieee802_11_radiotap"
        case .loop: "loop"
        case .linuxSLL: "linux_sll"
        case .ipv4: "ipv4"
        case .ipv6: "ipv6"
        case .linuxSLL2: "linux_sll2"
        }
    }
}
