import Foundation

/// Hosts in network namespaces of their own, made for one test and removed with it.
///
/// Names begin with `pcdoc` and the number of the tests' process; what a process that has died left
/// behind is removed by the next lab.
final class DoctorLab {
    private let prefix: String
    private var hosts: [String] = []
    /// Ended with the lab.
    var programs: [Child] = []
    /// What the kernel seems to say of its clock; `nil`: what it says.
    var clock: LabClock? = .kept
    /// Where the doctor finds the kernel's files: as they are, without the marks of containers.
    let root: URL

    private static let mark = "pcdoc"

    init() throws {
        prefix = "\(Self.mark)\(getpid())n\(UInt16.random(in: .min ... .max))"
        root = FileManager.default.temporaryDirectory.appending(path: "polycast-\(prefix)")
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
        try link("/proc", "/proc")
        Self.reap()
        _ = Self.guardian
    }

    deinit {
        programs.forEach { $0.kill() }
        hosts.forEach { _ = try? Child.run(["ip", "netns", "del", $0]) }
        try? FileManager.default.removeItem(at: root)
    }

    /// Number of a process that removes what is left should the tests die, and then ends.
    private static let guardian: Int32 = {
        let script = """
            while kill -0 "$1" 2>/dev/null; do sleep 1; done
            for name in $(ip netns list | cut -d' ' -f1 | grep "^$2$1n"); do
                kill -9 $(ip netns pids "$name")
                ip netns del "$name"
            done
            rm -rf "$3/polycast-$2$1n"*
            """
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "bash", "-c", script, "guardian", "\(getpid())", mark,
            FileManager.default.temporaryDirectory.path,
        ]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try? process.run()
        return process.processIdentifier
    }()

    /// Removes the namespaces of processes that have ended.
    private static func reap() {
        guard let list = try? Child.run(["ip", "netns", "list"]).output else { return }
        for line in list.split(separator: "\n") {
            let name = line.prefix { $0 != " " }
            guard name.hasPrefix(mark),
                let process = Int32(name.dropFirst(mark.count).prefix { $0.isNumber }),
                kill(process, 0) != 0
            else { continue }
            _ = try? Child.run(["ip", "netns", "del", String(name)])
        }
    }

    // MARK: - Building

    /// Makes a host with nothing but its loopback interface.
    func add(_ host: String) throws {
        try must(["ip", "netns", "add", name(host)])
        hosts.append(name(host))
        try ip(host, "link set lo up")
    }

    /// Joins two hosts by a link, whose ends are `device`s with addresses.
    func link(
        _ host: String, _ device: String, _ address: String?, _ other: String,
        _ otherDevice: String, _ otherAddress: String?
    ) throws {
        try ip(
            host, "link add \(device) type veth peer name \(otherDevice) netns \(name(other))")
        for (host, device, address) in [
            (host, device, address), (other, otherDevice, otherAddress),
        ] {
            if let address { try ip(host, "addr add \(address) dev \(device)") }
            try ip(host, "link set \(device) up")
        }
    }

    func ip(_ host: String, _ words: String) throws {
        try must(["ip", "-n", name(host)] + words.split(separator: " ").map(String.init))
    }

    func set(_ host: String, _ setting: String, _ value: Int) throws {
        try must(inside(host) + ["sysctl", "-qw", "\(setting)=\(value)"])
    }

    /// Runs a program inside `host` to its end.
    func run(_ host: String, _ words: [String]) throws { try must(inside(host) + words) }

    /// Loads rules written as in a file of nft.
    func filter(_ host: String, _ rules: String) throws {
        let file = root.appending(path: "rules.nft")
        try rules.write(to: file, atomically: true, encoding: .utf8)
        try must(inside(host) + ["nft", "-f", file.path])
    }

    /// Drops every so manieth of these packets at a port of the switch, from the first on.
    func lose(_ packets: String, each count: Int, from port: String) throws {
        try filter(
            "sw",
            """
            table netdev f { chain i { type filter hook ingress device "\(port)" priority 0;
                \(packets) numgen inc mod \(count) 0 drop
            }
            }
            """)
    }

    private func must(_ words: [String]) throws {
        let result = try Child.run(words)
        guard result.status == 0 else {
            throw LabError("\(words.joined(separator: " ")): \(result.output)\(result.errors)")
        }
    }

    private func name(_ host: String) -> String { "\(prefix)\(host)" }

    func inside(_ host: String) -> [String] { ["ip", "netns", "exec", name(host)] }

    // MARK: - Files of the kernel

    /// Puts `text` in place of a file of the kernel, for the doctor only.
    func replace(_ path: String, by text: String) throws {
        let parts = path.split(separator: "/").map(String.init)
        var real = ""
        for (part, child) in zip(parts, parts.dropFirst()) {
            real += "/\(part)"
            try openUp(real, except: child)
        }
        let file = root.appending(path: path)
        try? FileManager.default.removeItem(at: file)
        try text.write(to: file, atomically: false, encoding: .utf8)
    }

    /// Makes a link to a real folder a folder of links.
    private func openUp(_ folder: String, except child: String) throws {
        let place = root.appending(path: folder)
        try? FileManager.default.removeItem(at: place)
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        for entry in try FileManager.default.contentsOfDirectory(atPath: folder)
        where entry != child && Int(entry) == nil {
            try? link("\(folder)/\(entry)", "\(folder)/\(entry)")
        }
    }

    private func link(_ path: String, _ target: String) throws {
        try FileManager.default.createSymbolicLink(
            atPath: root.path + path, withDestinationPath: target)
    }
}

/// Asks until the claim holds; `false` after so many seconds.
func waits(within seconds: Double, _ claim: () throws -> Bool) throws -> Bool {
    let end = Date.now + seconds
    while try !claim() {
        if Date.now > end { return false }
        usleep(50_000)
    }
    return true
}

/// Something in the lab, not in the doctor, did not work.
struct LabError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
