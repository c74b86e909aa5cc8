import Glibc
import Management
import NetBasics
import Rendezvous
import Sealing
import Sockets
import Wire

/// Runs a rendezvous server until its end, prints what it did, and returns the exit code.
package func runRendezvous(
    _ configuration: RendezvousServiceConfiguration
) throws(Failure) -> Int32 {
    var daemon = try RendezvousDaemon(configuration)
    let ending = try daemon.run()
    let summary = daemon.summary
    let text = configuration.isJSON ? "\(summary.json)\n" : summary.table
    writeText(text, to: STDOUT_FILENO)
    return ending.map { 128 + $0 } ?? ExitCode.success.rawValue
}

/// The rendezvous core with its socket and one loop around them.
private struct RendezvousDaemon: ~Copyable {
    private let configuration: RendezvousServiceConfiguration
    private let socket: UDPSocket
    private let signals: Signals
    private var loop: EventLoop
    private var server: RendezvousServer
    private var incoming = PacketBatch()
    private var console: Console
    private let startedAt = Clocks.now
    private var drops: [String: UInt64] = [:]

    private static let socketKey = 0
    private static let signalsKey = 1

    init(_ configuration: RendezvousServiceConfiguration) throws(Failure) {
        let socket = try Self.openSocket(configuration.listen)
        let signals = try attempt { () throws(SystemError) in try Signals() }
        let loop = try attempt { () throws(SystemError) in try EventLoop() }
        try attempt { () throws(SystemError) in
            try loop.watch(socket.number, key: Self.socketKey)
            try loop.watch(signals.number, key: Self.signalsKey)
        }
        self.configuration = configuration
        console = Console(verbosity: configuration.verbosity, showsStatus: false)
        server = RendezvousServer(
            configuration: Self.limits(configuration),
            cookieSecret: randomBytes(AddressCookie.secretByteCount),
            generator: SeededGenerator(seed: randomUInt64()))
        self.socket = socket
        self.signals = signals
        self.loop = loop
    }

    private static func limits(
        _ configuration: RendezvousServiceConfiguration
    ) -> RendezvousConfiguration {
        var limits = RendezvousConfiguration()
        limits.lease = configuration.lease
        limits.groupLimit = configuration.groupLimit
        limits.groupMemberLimit = configuration.memberLimit
        limits.addressMemberLimit = configuration.addressMemberLimit
        limits.requestRate = configuration.requestRate
        limits.requestBurst = max(limits.requestBurst, configuration.requestRate)
        return limits
    }

    private static func openSocket(_ listen: Endpoint) throws(Failure) -> UDPSocket {
        do {
            return try UDPSocket(binding: listen, knowsDestination: true)
        } catch {
            let advice =
                error.code == EADDRINUSE
                ? "stop the program that uses the port, or choose another one with --listen"
                : "choose an address of this host and a port above 1023 with --listen"
            throw Failure(
                error.code == EACCES ? .permission : .runtimeFailure,
                "cannot listen on \(listen): \(error.reason)", advice: advice)
        }
    }

    /// Serves until the duration is over or a signal comes, and returns the signal.
    mutating func run() throws(Failure) -> Int32? {
        console.log("rendezvous listens on \(socket.local), leases of \(configuration.lease)")
        var ready: [Int] = []
        let end = configuration.duration.map { startedAt + $0 }
        while true {
            let wakeup = min(server.nextWakeup ?? .distantFuture, end ?? .distantFuture)
            loop.wait(until: wakeup, ready: &ready)
            if ready.contains(Self.signalsKey), let number = signals.next() { return number }
            if ready.contains(Self.socketKey) { try serve() }
            let now = Clocks.now
            server.expire(at: now)
            if let end, end <= now { return nil }
        }
    }

    private mutating func serve() throws(Failure) {
        try attempt { () throws(SystemError) in try socket.receive(into: &incoming) }
        let now = Clocks.now
        for index in 0..<incoming.count {
            guard let sender = incoming.sender(at: index) else { continue }
            answer(index, from: sender, at: now)
        }
    }

    private mutating func answer(_ index: Int, from sender: Endpoint, at now: Instant) {
        do {
            let datagram = try Datagram(decoding: incoming.datagram(at: index).bytes)
            guard case .rendezvous(.request(let request)) = datagram else {
                drops["not_a_request", default: 0] &+= 1
                return
            }
            guard let reply = server.handle(request, from: sender, at: now) else { return }
            // Hosts with several addresses answer from the one that was asked.
            socket.send(reply.encoded, to: sender, from: incoming.destination(at: index))
        } catch {
            drops[error.reason, default: 0] &+= 1
        }
    }

    var summary: RendezvousSummary {
        let counters = server.counters
        let refusals = counters.refusals.filter { $0.count > 0 }.map {
            DropCount(reason: $0.reason.name, count: $0.count)
        }
        var drops = drops
        if counters.unverified > 0 { drops["verification_rate"] = UInt64(counters.unverified) }
        return RendezvousSummary(
            address: "\(socket.local)", seconds: (Clocks.now - startedAt).seconds,
            groups: counters.groups, members: counters.members,
            registered: counters.registered, refreshed: counters.refreshed, left: counters.left,
            expired: counters.expired, lookups: counters.lookups, challenges: counters.challenges,
            refusals: refusals,
            drops: drops.sorted { $0.key < $1.key }.map {
                DropCount(reason: $0.key, count: Int(clamping: $0.value))
            })
    }
}
