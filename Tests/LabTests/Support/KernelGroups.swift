import Foundation

/// A host's memberships as its own kernel tells them, but for groups that never leave a link.
enum KernelGroups {
    /// One membership: `239.1.2.3 exclude [192.0.2.1]`.
    struct Membership: Hashable, CustomStringConvertible {
        var group: String
        var mode: String
        var sources: [String]
        var description: String { "\(group) \(mode) \(sources)" }
    }

    /// Of the network namespace that a process is in, on `eth0`.
    static func memberships(of process: pid_t) throws -> Set<Membership> {
        func read(_ name: String) throws -> [[String]] {
            let text = try String(contentsOfFile: "/proc/\(process)/net/\(name)", encoding: .utf8)
            return text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        }
        let groups =
            try igmp(try read("igmp").map { $0.joined(separator: " ") })
            + (try read("igmp6")).filter { $0.count > 2 && $0[1] == "eth0" }.map { address($0[2]) }
        // Idx Device MCA SRC INC EXC
        let filters = (try read("mcfilter") + read("mcfilter6")).filter {
            $0.count == 6 && $0[1] == "eth0"
        }
        return Set(
            groups.filter { !isLocal($0) }.map { group in
                let own = filters.filter { address(bare($0[2])) == group }
                let mode = own.contains { $0[5] == "0" } ? "include" : "exclude"
                return Membership(
                    group: group, mode: mode, sources: own.map { address(bare($0[3])) }.sorted())
            })
    }

    /// Groups of `/proc/net/igmp`, whose lines below an interface hold them with swapped bytes.
    private static func igmp(_ lines: [String]) throws -> [String] {
        var (groups, isOurs): ([String], Bool) = ([], false)
        for line in lines {
            let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
            if words.count > 3, words[2] == ":" || words[1].hasSuffix(":") {
                isOurs = words[1].hasPrefix("eth0")
            } else if isOurs, let first = words.first, first.count == 8 {
                let bytes = stride(from: 6, through: 0, by: -2).map { offset in
                    String(first.dropFirst(offset).prefix(2))
                }
                groups.append(address(bytes.joined()))
            }
        }
        return groups
    }

    private static func bare(_ text: String) -> String {
        text.hasPrefix("0x") ? String(text.dropFirst(2)) : text
    }

    /// An address as its hexadecimal digits tell it, in its usual form.
    private static func address(_ digits: String) -> String {
        let bytes = stride(from: 0, to: digits.count, by: 2).compactMap { offset in
            UInt8(digits.dropFirst(offset).prefix(2), radix: 16)
        }
        var text = [CChar](repeating: 0, count: 64)
        let family = bytes.count == 4 ? AF_INET : AF_INET6
        inet_ntop(family, bytes, &text, socklen_t(text.count))
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// 224.0.0.0/24 and interface- and link-local IPv6 groups.
    static func isLocal(_ group: String) -> Bool {
        group.hasPrefix("224.0.0.") || group.hasPrefix("ff01:") || group.hasPrefix("ff02:")
    }
}
