import Foundation
import Testing

/// Multicast of a host's kernel, made by a Python script: datagrams, RTP and joins.
enum Traffic {
    static let isPossible = Files.has("python3")

    /// `send` and `join`, each with words of the form `name=value`.
    static let script = #"""
        import socket, struct, sys, time

        verb = sys.argv[1]
        words = dict(word.split("=", 1) for word in sys.argv[2:])
        group = words["group"]
        is6 = ":" in group
        family = socket.AF_INET6 if is6 else socket.AF_INET
        level = socket.IPPROTO_IPV6 if is6 else socket.IPPROTO_IP
        index = socket.if_nametoindex(words.get("interface", "eth0"))
        port = int(words.get("port", "5004"))

        def storage(address):
            raw = socket.inet_pton(family, address)
            head = struct.pack("=HH", family, 0) + (b"\0" * 4 + raw if is6 else raw)
            return head.ljust(128, b"\0")

        def join():
            MCAST_JOIN_GROUP, MCAST_BLOCK_SOURCE, MCAST_JOIN_SOURCE_GROUP = 42, 43, 46
            s = socket.socket(family, socket.SOCK_DGRAM)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(("", port))
            target = struct.pack("=I4x", index) + storage(group)
            sources = [a for a in words.get("sources", "").split(",") if a]
            if not sources:
                s.setsockopt(level, MCAST_JOIN_GROUP, target)
            for source in sources:
                s.setsockopt(level, MCAST_JOIN_SOURCE_GROUP, target + storage(source))
            for source in [a for a in words.get("blocked", "").split(",") if a]:
                s.setsockopt(level, MCAST_BLOCK_SOURCE, target + storage(source))
            print("joined", flush=True)
            while True:
                s.recv(65536)

        def send():
            s = socket.socket(family, socket.SOCK_DGRAM)
            ttl, tos = int(words.get("ttl", "8")), int(words.get("tos", "0"))
            if is6:
                s.setsockopt(level, socket.IPV6_MULTICAST_HOPS, ttl)
                s.setsockopt(level, socket.IPV6_MULTICAST_IF, index)
            else:
                s.setsockopt(level, socket.IP_MULTICAST_TTL, ttl)
                s.setsockopt(level, socket.IP_TOS, tos)
                request = struct.pack("=4s4sI", b"", b"", index)
                s.setsockopt(level, socket.IP_MULTICAST_IF, request)
            s.bind((words.get("source", ""), 0))
            count, size = int(words.get("count", "100")), int(words.get("size", "500"))
            interval = float(words.get("interval", "2")) / 1000
            skipped = {int(n) for n in words.get("skip", "").split(",") if n}
            bunch, together = int(words.get("bunch", "1")), []
            if bunch > 1:
                UDP_SEGMENT = 103
                s.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, size)
            start = time.monotonic()
            for n in range(count):
                time.sleep(max(0, start + n * interval - time.monotonic()))
                if n in skipped:
                    continue
                stamp = int(n * interval * 90000)
                head = struct.pack(">BBHII", 0x80, 33, (65500 + n) & 0xFFFF, stamp, 0x1234)
                if "plain" in words:
                    head = b"\x01"
                together.append(head.ljust(size, b"\x47"))
                if len(together) == bunch or n == count - 1:
                    s.sendto(b"".join(together), (group, port))
                    together = []

        {"join": join, "send": send}[verb]()
        """#
}

extension NetworkLab {
    private func traffic(_ verb: String, _ words: [String]) throws -> [String] {
        let file = directory.appending(path: "traffic.py")
        if !FileManager.default.fileExists(atPath: file.path) {
            try Traffic.script.write(to: file, atomically: true, encoding: .utf8)
        }
        return ["python3", file.path, verb] + words
    }

    /// Joins a group and stays in it: `group`, and perhaps `sources`, `blocked`, `port`.
    func joinGroup(_ host: Host, _ words: String...) async throws -> Program {
        let program = try start(
            try traffic("join", words), in: host, name: "join-\(host)-\(UUID().uuidString)")
        let isIn = try await eventually(within: .seconds(10)) { program.output.contains("joined") }
        guard isIn else { throw LabError("\(words): \(program.errors)") }
        return program
    }

    /// Begins to send to a group: RTP of type 33, or with `plain=1` bytes that are none; with
    /// `bunch=N` the kernel gets N datagrams at once and cuts them apart.
    func startSending(_ host: Host, _ words: String...) throws -> Program {
        try start(try traffic("send", words), in: host, name: "send-\(host)-\(UUID().uuidString)")
    }

    /// Sends to a group until all is sent.
    func sendGroup(_ host: Host, _ words: String...) async throws {
        let program = try start(
            try traffic("send", words), in: host, name: "send-\(host)-\(UUID().uuidString)")
        #expect(try await program.ends(within: .seconds(20)))
        #expect(program.termination == .exit(0), "\(program.errors)")
    }
}

// MARK: - The router, which holds the LANs' bridges

extension NetworkLab {
    /// What runs a command in the router.
    var routerRunner: [String] { [Files.netns, "run", prefix, "r"] }

    @discardableResult
    func onRouter(_ words: String...) throws -> String {
        try Program.run(list: routerRunner + words)
    }

    @discardableResult
    func on(_ host: Host, _ words: String...) throws -> String {
        try Program.run(list: runner(host) + words)
    }

    /// Lets a LAN's bridge snoop and ask: a query a second at first, then every three.
    func snoop(
        _ lan: String, igmp: Int = 3, mld: Int = 2, usesAddress: Bool = true,
        runner: [String]? = nil
    ) throws {
        let settings = [
            "mcast_query_interval", "300", "mcast_query_response_interval", "100",
            "mcast_startup_query_interval", "100", "mcast_igmp_version", "\(igmp)",
            "mcast_mld_version", "\(mld)", "mcast_query_use_ifaddr", usesAddress ? "1" : "0",
            "mcast_snooping", "1",
        ]
        let command = (runner ?? routerRunner) + ["ip", "link", "set", lan, "type", "bridge"]
        _ = try Program.run(list: command + settings)
        _ = try Program.run(list: command + ["mcast_querier", "1"])
    }
}
