import Foundation

/// The network of docs/lab.md, built by `tools/netns`.
///
///          rdv         a1  a2  a3  a4    b1  b2  b3  b4
///           |           |___|___|___|     |___|___|___|
///           |               LAN A             LAN B
///           +---------------- r ----------------+
///
/// It is taken down by ``down()``, by `deinit`, by a guard process when the tests die, and
/// by the next lab should even that fail.
final class NetworkLab {
    enum Host: String, CaseIterable {
        case rendezvous = "rdv"
        case a1, a2, a3, a4, b1, b2, b3, b4

        /// Enough for most tests.
        static let members: [Host] = [.a1, .a2, .a3, .b1, .b2]
    }

    enum Family: String, CaseIterable {
        case ipv4, ipv6
    }

    /// Datagrams counted by a host's kernel.
    struct HostCounters {
        /// Polycast media to and from other hosts.
        var mediaIn = 0
        var mediaOut = 0
        /// Handed to the peer, and by the peer, over loopback.
        var fed = 0
        var delivered = 0
    }

    /// Polycast media forwarded by the router, in datagrams.
    struct RouterCounters {
        var aToB = 0
        var bToA = 0
        var toRendezvous = 0
    }

    /// Logs and files of this lab; removed with it unless `POLYCAST_KEEP_LAB` is set.
    let directory: URL
    let prefix: String
    private var programs: [Program] = []
    private let addresses: [Host: [Family: String]]
    private var isUp = true

    init() throws {
        prefix = "pc\(getpid())n\(UInt16.random(in: .min ... .max))"
        directory = FileManager.default.temporaryDirectory.appending(path: "polycast-\(prefix)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        _ = try Program.run(Files.netns, "reap")
        addresses = Self.parse(hosts: try Program.run(Files.netns, "hosts"))
        _ = try Program.run(Files.netns, "up", prefix, "\(getpid())")
    }

    deinit { down() }

    func down() {
        guard isUp else { return }
        isUp = false
        programs.forEach { $0.kill() }
        _ = try? Program.run(Files.netns, "down", prefix)
        guard ProcessInfo.processInfo.environment["POLYCAST_KEEP_LAB"] == nil else {
            return print("lab files kept in \(directory.path)")
        }
        try? FileManager.default.removeItem(at: directory)
    }

    func address(of host: Host, _ family: Family) -> String { addresses[host]?[family] ?? "?" }

    /// The address as it stands in a URI.
    func bracketed(_ host: Host, _ family: Family) -> String {
        let text = address(of: host, family)
        return family == .ipv6 ? "[\(text)]" : text
    }

    /// Starts a program inside `host`; it ends with the lab at the latest.
    func start(_ arguments: [String], in host: Host, name: String) throws -> Program {
        let program = try Program(
            [Files.netns, "run", prefix, host.rawValue] + arguments,
            name: name, logs: directory)
        programs.append(program)
        return program
    }

    /// Lets a program end with the lab at the latest.
    func keep(_ program: Program) { programs.append(program) }

    /// What runs a command in a host, up to the command itself.
    func runner(_ host: Host) -> [String] { [Files.netns, "run", prefix, host.rawValue] }

    /// Runs nft in a host, or in the router.
    func filter(on host: Host?, _ words: String...) throws {
        let arguments = [Files.netns, "run", prefix, host?.rawValue ?? "r", "nft"] + words
        let (status, output) = try Program.outcome(arguments)
        guard status == 0 else { throw LabError("nft \(words.joined(separator: " ")): \(output)") }
    }

    /// Runs tc in the router.
    func control(_ words: String...) throws {
        let arguments = [Files.netns, "run", prefix, "r", "tc"] + words
        let (status, output) = try Program.outcome(arguments)
        guard status == 0 else { throw LabError("tc \(words.joined(separator: " ")): \(output)") }
    }

    /// Drops so many percent of the datagrams that come to each host over the network, at random.
    func drop(_ percent: Int) throws {
        for host in Host.allCases {
            try filter(
                on: host, "add", "chain", "inet", "lab", "loss",
                "{ type filter hook input priority 10; policy accept; }")
            try filter(on: host, "flush", "chain", "inet", "lab", "loss")
            guard percent > 0 else { continue }
            try filter(
                on: host, "add", "rule", "inet", "lab", "loss", "meta", "l4proto", "udp",
                "iifname", "eth0", "numgen", "random", "mod", "100", "<", "\(percent)", "drop")
        }
    }

    /// Every link loses so many percent of all datagrams, each by itself and in bursts.
    func lose(_ share: Int, bursts: Int) throws {
        _ = try Program.run(Files.netns, "lose", prefix, "\(share)", "\(bursts)")
    }

    private static func parse(hosts: String) -> [Host: [Family: String]] {
        var table: [Host: [Family: String]] = [:]
        for line in hosts.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            guard words.count == 3, let host = Host(rawValue: words[0]) else { continue }
            table[host] = [.ipv4: words[1], .ipv6: words[2]]
        }
        return table
    }
}

// MARK: - Counters

extension NetworkLab {
    func counters(of host: Host) throws -> HostCounters {
        let named = try counters(named: host.rawValue)
        let onRouter = try counters(named: "r")
        return HostCounters(
            mediaIn: named["media_in"] ?? 0, mediaOut: onRouter["\(host.rawValue)_out"] ?? 0,
            fed: named["fed"] ?? 0, delivered: named["delivered"] ?? 0)
    }

    func routerCounters() throws -> RouterCounters {
        let named = try counters(named: "r")
        return RouterCounters(
            aToB: named["a_to_b"] ?? 0, bToA: named["b_to_a"] ?? 0,
            toRendezvous: named["rdv_media"] ?? 0)
    }

    /// Media, repairs included, that links lost since ``lose(_:bursts:)``, and repairs sent.
    func lossCounters() throws -> (lost: Int, repairs: Int) {
        let router = try counters(named: "r")
        let ends = try [router] + Host.allCases.map { try counters(named: $0.rawValue) }
        let lost = ends.reduce(0) { $0 + ($1["lost_media"] ?? 0) + ($1["lost_repairs"] ?? 0) }
        return (lost, router["repairs"] ?? 0)
    }

    private func counters(named host: String) throws -> [String: Int] {
        struct Listing: Decodable {
            struct Entry: Decodable { let counter: Counter? }
            struct Counter: Decodable {
                let name: String
                let packets: Int
            }
            let nftables: [Entry]
        }
        let text = try Program.run(Files.netns, "counters", prefix, host)
        let listing = try JSONDecoder().decode(Listing.self, from: Data(text.utf8))
        let pairs = listing.nftables.compactMap(\.counter).map { ($0.name, $0.packets) }
        return Dictionary(pairs) { first, _ in first }
    }
}
