import Foundation

/// Programs in the lab, the doctor first.
extension DoctorLab {
    // MARK: - The doctor

    /// The doctor's report from inside `host`; exits other than 0 and 3 are errors.
    func doctor(_ host: String, _ words: String...) throws -> Report {
        try report(inside(host) + program + arguments(words.joined(separator: " ")))
    }

    /// The doctor's report, where the program was started by another one.
    func doctor(_ host: String, through starter: [String], _ words: String) throws -> Report {
        try report(inside(host) + starter + program + arguments(words))
    }

    /// The doctor's report without any capability.
    func unprivilegedDoctor(_ host: String, _ words: String) throws -> Report {
        try doctor(
            host,
            through: ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"],
            words + " --querier-wait 1s")
    }

    /// The doctor's report after a script, which has a mount namespace of its own.
    func doctor(_ host: String, after script: String, _ words: String) throws -> Report {
        try doctor(host, through: shell(script), words)
    }

    /// The doctor's report, where `name` has these addresses.
    func doctor(_ host: String, _ words: String, where name: String, is addresses: [String])
        throws -> Report
    {
        try doctor(host, through: try resolving(name, to: addresses), words)
    }

    /// Starts a program to which `name` has these addresses.
    func resolving(_ name: String, to addresses: [String]) throws -> [String] {
        let file = root.appending(path: "hosts")
        let lines = addresses.map { "\($0) \(name)\n" }.joined()
        try lines.write(to: file, atomically: false, encoding: .utf8)
        return shell("mount --bind \(file.path) /etc/hosts")
    }

    private func shell(_ script: String) -> [String] {
        ["sh", "-ec", "\(script)\nexec \"$@\"", "sh"]
    }

    /// Starts a doctor whose report is asked for later.
    func beginDoctor(
        _ host: String, through starter: [String] = [], _ words: String
    ) throws -> Child {
        let child = try Child(inside(host) + starter + program + arguments(words))
        programs.append(child)
        return child
    }

    /// The report of a doctor that was started, when it has ended.
    func report(of child: Child, within seconds: Double = 30) throws -> Report {
        guard try waits(within: seconds, { !child.isRunning }) else {
            throw LabError("the doctor has not ended: \(child.errors)")
        }
        return try report(child.finish(), child.output, child.errors)
    }

    /// Whether the host's link-local address may be used, which takes a second or two.
    func hasIPv6(_ host: String) throws -> Bool {
        try doctor(host, "[ff15::1] --interface eth0").check("mld")?.status == "pass"
    }

    private func arguments(_ words: String) -> [String] {
        let words = words.split(separator: " ").map(String.init)
        return ["doctor", "--json"] + words
            + (words.contains("--querier-wait") ? [] : ["--querier-wait", "0s"])
    }

    private func report(_ words: [String]) throws -> Report {
        let result = try Child.run(words)
        return try report(result.status, result.output, result.errors)
    }

    private func report(_ status: Int32, _ output: String, _ errors: String) throws -> Report {
        guard status == 0 || status == 3 else { throw LabError("doctor: \(status) \(errors)") }
        let report = try JSONDecoder().decode(Report.self, from: Data(output.utf8))
        guard (status == 3) == (report.summary["fail"] != 0) else {
            throw LabError("exit code \(status) with \(report.summary)")
        }
        return report
    }

    private var program: [String] {
        ["env", "POLYCAST_DOCTOR_ROOT=\(root.path)"] + LabTools.environment(clock)
            + [Self.polycast]
    }

    /// The program under test: `POLYCAST`, else the one built beside this test bundle.
    private static let polycast: String = {
        if let chosen = ProcessInfo.processInfo.environment["POLYCAST"] { return chosen }
        let bundle = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(filePath: bundle ?? ".").deletingLastPathComponent()
            .appending(path: "polycast").path
    }()

    // MARK: - Others

    /// Starts the program inside `host`; it ends with the lab at the latest.
    func start(_ host: String, _ words: String) throws -> Child {
        let child = try Child(
            inside(host) + program + words.split(separator: " ").map(String.init))
        programs.append(child)
        return child
    }

    /// Starts a script of bash inside `host`.
    func begin(_ host: String, _ script: String) throws -> Child {
        let child = try Child(inside(host) + ["bash", "-c", script])
        programs.append(child)
        return child
    }

    /// Starts a rendezvous inside `host`, and waits until it listens.
    func rendezvous(
        _ host: String, _ address: String, _ options: String = ""
    ) throws -> Child {
        let child = try start(host, "rendezvous --listen \(address):7400 \(options)")
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
}
