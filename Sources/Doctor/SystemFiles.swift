import Diagnosis
import Glibc
import NetBasics

/// Small files of the kernel below a root, which tests replace.
struct SystemFiles {
    var root: String

    /// `POLYCAST_DOCTOR_ROOT`, where tests put files instead of the kernel's; else the real root.
    init(root: String = getenv("POLYCAST_DOCTOR_ROOT").map { String(cString: $0) } ?? "") {
        self.root = root
    }

    private static let byteLimit = 4 << 20

    /// The text of `path`, such as `/proc/net/igmp`.
    func text(_ path: String) -> Fact<String> {
        let number = open(root + path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return .unknown(Self.reason(path, errno)) }
        defer { close(number) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(number, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return .unknown(Self.reason(path, errno)) }
            guard count > 0 else { return .known(String(decoding: bytes, as: UTF8.self)) }
            bytes += chunk[..<count]
            guard bytes.count <= Self.byteLimit else { return .unknown("\(path) is too long") }
        }
    }

    func integer(_ path: String) -> Fact<Int> {
        switch text(path) {
        case .unknown(let reason): return .unknown(reason)
        case .known(let text):
            let digits = text.prefix { !$0.isWhitespace }
            return Int(digits).map { .known($0) } ?? .unknown("\(path) holds no number")
        }
    }

    func exists(_ path: String) -> Bool { access(root + path, F_OK) == 0 }

    private static func reason(_ path: String, _ code: Int32) -> String {
        switch code {
        case EACCES, EPERM: "\(path) may be read by root only"
        case ENOENT: "there is no \(path)"
        default: "\(path): \(String(cString: strerror(code)))"
        }
    }
}

// MARK: - Reading tables

extension SystemFiles {
    /// `/proc/net/igmp` or `/proc/net/igmp6`: what is joined where.
    static func memberships(igmp text: String) -> [Membership] {
        var found: [Membership] = []
        var interface = ""
        for line in text.split(separator: "\n").dropFirst() {
            let words = line.split { $0 == " " || $0 == "\t" }
            guard let first = words.first else { continue }
            if line.first != "\t", words.count > 1 {
                interface = String(words[1].prefix { $0 != ":" })
            } else if first.utf8.count == 8, let word = UInt32(first, radix: 16) {
                let group = IPv4Address(rawValue: word.byteSwapped)
                found.append(Membership(interface: interface, group: .v4(group)))
            }
        }
        return found
    }

    static func memberships(igmp6 text: String) -> [Membership] {
        text.split(separator: "\n").compactMap { line in
            let words = line.split { $0 == " " || $0 == "\t" }
            guard words.count > 2, words[2].utf8.count == 32,
                let high = UInt64(words[2].prefix(16), radix: 16),
                let low = UInt64(words[2].dropFirst(16), radix: 16)
            else { return nil }
            let group = IPAddress.v6(IPv6Address(high: high, low: low))
            return Membership(interface: String(words[1]), group: group)
        }
    }

    /// The version of IGMP that `/proc/net/igmp` shows for an interface.
    static func igmpVersion(of interface: String, in text: String) -> Int? {
        for line in text.split(separator: "\n").dropFirst() where line.first != "\t" {
            let words = line.split { $0 == " " || $0 == "\t" }
            guard words.count > 3, words[1].prefix(while: { $0 != ":" }) == interface,
                let version = words.last, version.first == "V"
            else { continue }
            return Int(version.dropFirst())
        }
        return nil
    }

    /// Interfaces in `/proc/net/ip_mr_vif` or `/proc/net/ip6_mr_vif`.
    static func routedInterfaces(_ text: String) -> [String] {
        text.split(separator: "\n").dropFirst().compactMap { line in
            let words = line.split(separator: " ")
            return words.count > 1 ? String(words[1]) : nil
        }
    }

    /// Two lines of `/proc/net/snmp`: names, then values; of one protocol.
    static func counters(_ name: String, snmp text: String) -> [String: Int] {
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("\(name): ") }
        guard lines.count == 2 else { return [:] }
        let names = lines[0].split(separator: " ").dropFirst()
        let values = lines[1].split(separator: " ").dropFirst().map { Int($0) ?? 0 }
        return Dictionary(zip(names.map(String.init), values)) { first, _ in first }
    }

    /// A line each of `/proc/net/snmp6`.
    static func counters(snmp6 text: String) -> [String: Int] {
        var counters: [String: Int] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split { $0 == " " || $0 == "\t" }
            if words.count == 2, let value = Int(words[1]) { counters[String(words[0])] = value }
        }
        return counters
    }

    /// Drops of each socket in `/proc/net/udp` or `/proc/net/udp6`, by port and inode.
    static func socketDrops(_ text: String) -> [String: (endpoint: String, drops: Int)] {
        var found: [String: (endpoint: String, drops: Int)] = [:]
        for line in text.split(separator: "\n").dropFirst() {
            let words = line.split(separator: " ")
            guard words.count > 9, let drops = words.last.flatMap({ Int($0) }),
                let port = words[1].split(separator: ":").last.flatMap({ UInt16($0, radix: 16) })
            else { continue }
            let endpoint = "\(local(words[1].prefix { $0 != ":" })):\(port)"
            found["\(words[1]) \(words[9])"] = (endpoint, drops)
        }
        return found
    }

    /// `*` or the IPv4 address; IPv6 ones are not spelt out.
    private static func local(_ hex: Substring) -> String {
        guard hex.contains(where: { $0 != "0" }) else { return "*" }
        guard hex.utf8.count == 8, let word = UInt32(hex, radix: 16) else { return "[...]" }
        return "\(IPv4Address(rawValue: word.byteSwapped))"
    }
}
