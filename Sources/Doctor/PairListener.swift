import Diagnosis
import Glibc
import Management
import NetBasics
import Sealing
import Sockets

/// The answering doctor: its sockets, and one loop around ``PairResponder``.
struct PairListener: ~Copyable {
    private let question: Question
    private let interface: Int
    private let groupPort: UInt16
    private var control: ProbeSocket
    private var group: ProbeSocket
    private var responder: PairResponder
    /// Sources that the group is joined with, the latest last.
    private var sources: [IPAddress] = []
    private let signals: Signals
    private var loop: EventLoop

    private static let controlKey = 0
    private static let groupKey = 1
    private static let signalsKey = 2
    /// Datagrams that are taken in a row before the loop looks at everything again.
    private static let rowLimit = 256
    /// Hop limit of unicast; both doctors count routers from it.
    static let unicastHops = 64

    /// Answers until the duration is over or a signal comes; returns the exit code.
    static func serve(
        _ endpoint: Endpoint, _ configuration: DoctorConfiguration, report: DoctorReport
    ) throws(Failure) -> Int32 {
        var listener = try open(endpoint, configuration, report)
        if !configuration.isJSON { writeText(report.text, to: STDOUT_FILENO) }
        let port = listener.control.local?.port ?? endpoint.port
        writeText(
            "polycast: the doctor listens on \(Endpoint(address: endpoint.address, port: port)) "
                + "for \(configuration.question.groupText), group port \(listener.groupPort)\n",
            to: STDERR_FILENO)
        let end = configuration.duration.map { Clocks.now + $0 }
        let signal = listener.run(until: end)
        writeText(listener.summary(report, configuration.isJSON), to: STDOUT_FILENO)
        return signal.map { 128 + $0 } ?? report.exitCode
    }

    private static func open(
        _ endpoint: Endpoint, _ configuration: DoctorConfiguration, _ report: DoctorReport
    ) throws(Failure) -> PairListener {
        do throws(SystemError) {
            return try PairListener(endpoint, configuration, report)
        } catch {
            throw Failure(
                error.code == EACCES ? .permission : .runtimeFailure,
                "cannot listen on \(endpoint) for \(configuration.question.groupText): \(error)",
                advice: error.code == EADDRINUSE
                    ? "choose another port with --listen"
                    : "look at 'polycast doctor \(configuration.question.groupText)' here")
        }
    }

    private init(
        _ endpoint: Endpoint, _ configuration: DoctorConfiguration, _ report: DoctorReport
    ) throws(SystemError) {
        let question = configuration.question
        let groupPort = question.port ?? DoctorConfiguration.defaultGroupPort
        let interface = interfaceIndex(report)
        let control = try ProbeSocket(binding: endpoint)
        try control.setHops(unicast: Self.unicastHops)
        try control.forbidFragments()
        let group = try ProbeSocket(
            binding: Endpoint(address: question.group, port: groupPort), isShared: true)
        try group.chooseInterface(interface)
        if question.source == nil {
            try group.join(question.group, source: nil, interface: interface)
        }
        let signals = try Signals()
        let loop = try EventLoop()
        try loop.watch(control.number, key: Self.controlKey)
        try loop.watch(group.number, key: Self.groupKey)
        try loop.watch(signals.number, key: Self.signalsKey)
        responder = PairResponder(
            question, groupPort: groupPort, failed: CheckNames(failedIn: report.checks),
            cookieSecret: randomBytes(AddressCookie.secretByteCount))
        self.question = question
        self.groupPort = groupPort
        self.interface = interface
        self.control = control
        self.group = group
        self.signals = signals
        self.loop = loop
    }

    // MARK: - The loop

    private mutating func run(until end: Instant?) -> Int32? {
        var ready: [Int] = []
        while true {
            loop.wait(until: end, ready: &ready)
            if ready.contains(Self.signalsKey), let number = signals.next() { return number }
            if ready.contains(Self.controlKey) { answer() }
            if ready.contains(Self.groupKey) { count() }
            if let end, end <= Clocks.now { return nil }
        }
    }

    private mutating func answer() {
        for _ in 0..<Self.rowLimit {
            // Errors that earlier answers left on the socket are nobody's any more.
            guard let found = try? control.receiveNow() else { return }
            let actions = responder.receive(
                found.bytes, from: found.sender, hops: found.hops ?? 0,
                wall: Clocks.wallNanoseconds, at: Clocks.now)
            for action in actions { perform(action, found) }
        }
    }

    private mutating func perform(_ action: PairResponder.Action, _ request: ProbeSocket.Arrival) {
        switch action {
        case .reply(let message, let size):
            reply(message, size: size, to: request)
        case .sendGroup(let count, let ttl, let token):
            sendGroup(count, ttl: ttl, token: token)
        case .join(let source):
            join(source)
        }
    }

    /// Of more than there can be sessions, the one that was joined first is left.
    private mutating func join(_ source: IPAddress) {
        guard !sources.contains(source) else { return }
        if sources.count == PairResponder.sessionLimit {
            try? group.leave(question.group, source: sources.removeFirst(), interface: interface)
        }
        do throws(SystemError) {
            try group.join(question.group, source: source, interface: interface)
            sources.append(source)
        } catch {
            writeText("polycast: \(error)\n", to: STDERR_FILENO)
        }
    }

    private func reply(_ message: PairMessage, size: Int, to request: ProbeSocket.Arrival) {
        do throws(SystemError) {
            try send(message.encoded(size: size), to: request)
        } catch {
            guard error.code == EMSGSIZE, case .echo(let sequence, _, _, _, _) = message.body else {
                return
            }
            let refusal = PairMessage(token: message.token, .tooLong(sequence: sequence))
            try? send(refusal.encoded(), to: request)
        }
    }

    /// From the address that was asked: hosts have several.
    private func send(
        _ bytes: [UInt8], to request: ProbeSocket.Arrival
    ) throws(SystemError) {
        guard let own = request.destination, own.isUnicast else {
            return try control.send(bytes, to: request.sender)
        }
        try control.send(bytes, to: request.sender, from: own)
    }

    private func sendGroup(_ count: Int, ttl: Int, token: UInt64) {
        try? group.setHops(multicast: ttl)
        for index in 0..<count {
            let packet = PairMessage(
                token: token,
                .groupPacket(
                    sequence: PairMessage.answerBit | UInt32(index),
                    ttl: UInt8(clamping: ttl)))
            let place = Endpoint(address: question.group, port: groupPort)
            try? group.send(packet.encoded(), to: place, scope: interface)
        }
    }

    private mutating func count() {
        for _ in 0..<Self.rowLimit {
            guard let found = try? group.receiveNow() else { return }
            responder.receiveGroup(found.bytes, hops: found.hops ?? 0)
        }
    }

    // MARK: - Summary

    private func summary(_ report: DoctorReport, _ isJSON: Bool) -> String {
        let drops = responder.drops.sorted { $0.key < $1.key }
        guard isJSON else {
            let text = drops.map { ", \($0.value) \($0.key)" }.joined()
            return "answered \(responder.sessionCount) doctors, dropped "
                + "\(drops.reduce(0) { $0 + $1.value })\(text)\n"
        }
        guard case .object(var members) = report.json else { return "" }
        members.append(
            .init(
                "listener",
                [
                    "sessions": JSONValue(responder.sessionCount),
                    "drops": .object(drops.map { .init($0.key, JSONValue($0.value)) }),
                ]))
        return "\(JSONValue.object(members))\n"
    }
}
