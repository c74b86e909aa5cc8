import Foundation

/// Hosts in network namespaces of their own, made for one test and removed with it.
///
/// Names begin with `pcdoc` and the number of the tests' process; what a process that has died left
/// behind is removed by the next lab.
final class DoctorLab {
    private let prefix: String
    private var hosts: [String] = []
    private var programs: [Child] = []
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

    /// Loads rules written as in a file of nft.
    func filter(_ host: String, _ rules: String) throws {
        let file = root.appending(path: "rules.nft")
        try rules.write(to: file, atomically: true, encoding: .utf8)
        try must(inside(host) + ["nft", "-f", file.path])
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

    // MARK: - Running

    /// The doctor's report from inside `host`; exits other than 0 and 3 are errors.
    func doctor(_ host: String, _ words: String...) throws -> Report {
        var arguments = words.flatMap { $0.split(separator: " ").map(String.init) }
        if !arguments.contains("--querier-wait") { arguments += ["--querier-wait", "0s"] }
        let result = try Child.run(
            inside(host) + program + ["doctor", "--json"] + arguments)
        guard result.status == 0 || result.status == 3 else {
            throw LabError("doctor \(words): \(result.status) \(result.errors)")
        }
        let report = try JSONDecoder().decode(Report.self, from: Data(result.output.utf8))
        guard (result.status == 3) == (report.summary["fail"] != 0) else {
            throw LabError("exit code \(result.status) with \(report.summary)")
        }
        return report
    }

    private var program: [String] {
        ["env", "POLYCAST_DOCTOR_ROOT=\(root.path)", Self.polycast]
    }

    /// Starts the program inside `host`; it ends with the lab at the latest.
    func start(_ host: String, _ words: String) throws -> Child {
        let child = try Child(
            inside(host) + program + words.split(separator: " ").map(String.init))
        programs.append(child)
        return child
    }

    /// The doctor's report without any capability.
    func unprivilegedDoctor(_ host: String, _ words: String) throws -> Report {
        let result = try Child.run(
            inside(host) + [
                "setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all",
            ] + program + ["doctor", "--json", "--querier-wait", "1s"]
                + words.split(separator: " ").map(String.init))
        guard result.status == 0 else {
            throw LabError("doctor \(words): \(result.status) \(result.errors)")
        }
        return try JSONDecoder().decode(Report.self, from: Data(result.output.utf8))
    }

    /// The doctor's report, where `name` has these addresses.
    func doctor(_ host: String, _ words: String, where name: String, is addresses: [String])
        throws -> Report
    {
        let file = root.appending(path: "hosts")
        let lines = addresses.map { "\($0) \(name)\n" }.joined()
        try lines.write(to: file, atomically: false, encoding: .utf8)
        // `ip netns exec` has given the shell a mount namespace of its own.
        let script = "mount --bind \(file.path) /etc/hosts && exec \"$@\""
        let result = try Child.run(
            inside(host) + ["sh", "-c", script, "sh"] + program
                + ["doctor", "--json", "--querier-wait", "0s", words])
        guard result.status == 0 || result.status == 3 else {
            throw LabError("doctor \(words): \(result.status) \(result.errors)")
        }
        return try JSONDecoder().decode(Report.self, from: Data(result.output.utf8))
    }

    /// Starts a script of bash inside `host`.
    func begin(_ host: String, _ script: String) throws -> Child {
        let child = try Child(inside(host) + ["bash", "-c", script])
        programs.append(child)
        return child
    }

    /// Starts a rendezvous inside `host`, and waits until it listens.
    func rendezvous(_ host: String, _ address: String) throws -> Child {
        let child = try start(host, "rendezvous --listen \(address):7400")
        let opened = try waits(within: 10) { child.errors.contains("rendezvous listens") }
        guard opened else { throw LabError("no rendezvous: \(child.errors)") }
        return child
    }

    /// Routes a group both ways between two interfaces of `host`.
    func routeGroup(
        _ group: String, on host: String, between one: String, and other: String
    ) throws -> Child {
        let file = root.appending(path: "smcroute.conf")
        let lines = [(one, other), (other, one)].map { from, to in
            "mgroup from \(from) group \(group)\nmroute from \(from) group \(group) to \(to)\n"
        }
        try lines.joined().write(to: file, atomically: false, encoding: .utf8)
        let daemon = try Child(
            inside(host) + [
                "smcrouted", "-n", "-f", file.path, "-i", root.lastPathComponent, "-u",
                "\(root.path)/smcroute.sock", "-P", "\(root.path)/smcroute.pid",
            ])
        programs.append(daemon)
        let isThere = try waits(within: 5) {
            try Child.run(inside(host) + ["cat", "/proc/net/ip_mr_vif"]).output.contains(other)
        }
        guard isThere else { throw LabError("smcrouted: \(daemon.errors)") }
        return daemon
    }

    /// UDP datagrams that `host` has sent since it was made.
    func datagramsSent(_ host: String) throws -> Int {
        let text = try Child.run(inside(host) + ["cat", "/proc/net/snmp"]).output
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("Udp: ") }
        return lines.last.flatMap { Int($0.split(separator: " ")[4]) } ?? -1
    }

    /// Starts a listening doctor, and waits until it answers.
    func listen(_ host: String, _ words: String) throws -> Child {
        let child = try start(host, "doctor \(words) --querier-wait 0s")
        let opened = try waits(within: 10) { child.errors.contains("the doctor listens") }
        guard opened else { throw LabError("no listener: \(child.errors)") }
        return child
    }

    /// The program under test: `POLYCAST`, else the one built beside this test bundle.
    private static let polycast: String = {
        if let chosen = ProcessInfo.processInfo.environment["POLYCAST"] { return chosen }
        let bundle = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(filePath: bundle ?? ".").deletingLastPathComponent()
            .appending(path: "polycast").path
    }()
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

/// What the doctor printed for programs.
struct Report: Decodable {
    struct Check: Decodable, CustomStringConvertible {
        var name: String
        var subject: String
        var status: String
        var text: String
        var cause: String?
        var fix: String?
        var evidence: [String]

        var description: String { "\(status) \(name) [\(subject)]: \(text); \(cause ?? "")" }
    }

    var schema: String
    var checks: [Check]
    var summary: [String: Int]

    /// The worst of the checks of that name.
    func check(_ name: String) -> Check? {
        let found = checks.filter { $0.name == name }
        return ["fail", "warn", "cannot_see", "pass"].lazy.compactMap { status in
            found.first { $0.status == status }
        }.first
    }

    /// Whether that check has the status, and a cause with the words, and a fix.
    func blames(_ name: String, _ status: String, _ words: String) -> Bool {
        guard let check = check(name), check.status == status else { return false }
        return check.fix?.isEmpty == false && check.cause?.contains(words) == true
    }

    /// What is not well but for the clock, which no namespace has for itself.
    var alarms: [Check] {
        checks.filter { ($0.status == "warn" || $0.status == "fail") && $0.name != "clock" }
    }
}
