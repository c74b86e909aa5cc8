import Diagnosis
import Glibc
import NetBasics
import Sealing
import Sockets

/// The asking doctor: one test after the other against the one that listens.
struct PairClient: ~Copyable {
    private let question: Question
    private let interface: Int
    private let groupPort: UInt16
    private let token = randomUInt64()
    private var control: ProbeSocket
    private var findings: PairFindings
    private var sequence: UInt32 = 0
    /// Where the other end sees this one, which is what it joins as a source.
    private var observed: Endpoint?

    private static let patience: Duration = .milliseconds(300)
    private static let probeCount = 10
    private static let groupPackets = 5
    /// A router's protocol may need some seconds to hear of a member.
    private static let groupRounds = 4
    private static let attempts = 4

    /// Tests the path to `remote`, and judges it.
    static func examine(
        _ remote: Endpoint, _ configuration: DoctorConfiguration, interface: Int, here: [Check]
    ) -> [Check] {
        var findings = PairFindings(remote: remote)
        do throws(SystemError) {
            var client = try PairClient(remote, configuration, interface)
            client.run()
            findings = client.findings
        } catch {
            findings.contact = .failed(error.reason)
        }
        return PairChecks.judge(findings, configuration.question, here: here)
    }

    private init(
        _ remote: Endpoint, _ configuration: DoctorConfiguration, _ interface: Int
    ) throws(SystemError) {
        let question = configuration.question
        let any: IPAddress =
            question.isIPv6
            ? .v6(IPv6Address(high: 0, low: 0)) : .v4(IPv4Address(rawValue: 0))
        let control = try ProbeSocket(binding: Endpoint(address: any, port: 0))
        try control.connect(to: remote)
        try control.setHops(unicast: PairListener.unicastHops)
        try control.forbidFragments()
        self.question = question
        self.interface = interface
        groupPort = question.port ?? DoctorConfiguration.defaultGroupPort
        self.control = control
        findings = PairFindings(remote: remote)
    }

    private mutating func run() {
        guard greet() else { return }
        let group = joinGroup()
        probe()
        findings.sizesOut = largest(isOutward: true)
        findings.sizesIn = largest(isOutward: false)
        if var group {
            sendGroup(by: group)
            receiveGroup(by: &group)
        }
    }

    // MARK: - Greeting

    private mutating func greet() -> Bool {
        var cookie = PairCookie.none
        for _ in 0..<Self.attempts {
            let hello = PairMessage(
                token: token, cookie: cookie,
                .hello(
                    group: question.group, port: groupPort,
                    isSourceSpecific: question.source != nil))
            do throws(SystemError) {
                guard let answer = try ask(hello, { $0.isGreeting }) else { continue }
                switch answer.body {
                case .challenge:
                    cookie = answer.cookie
                case .ready(let observed, let failed):
                    self.observed = observed
                    findings.failedThere = failed
                    findings.contact = .ready
                    return true
                case .refusal(let reason):
                    findings.contact = .refused(reason)
                    return false
                default: break
                }
            } catch {
                findings.contact = .failed(error.reason)
                return false
            }
        }
        return false
    }

    /// Sends, and waits for an answer that `fits`; `nil`: none came.
    private mutating func ask(
        _ message: PairMessage, size: Int = PairMessage.leastBytes,
        _ fits: (PairMessage.Body) -> Bool
    ) throws(SystemError) -> PairMessage? {
        try control.send(message.encoded(size: size), to: nil)
        let deadline = Clocks.now + Self.patience
        while let arrival = try control.receive(by: deadline) {
            guard let answer = decode(arrival), fits(answer.body) else { continue }
            if case .echo(_, _, let hops, _, _) = answer.body { note(hops, arrival.hops) }
            return answer
        }
        return nil
    }

    private func decode(_ arrival: ProbeSocket.Arrival) -> PairMessage? {
        do throws(DecodeError) {
            let message = try PairMessage(decoding: arrival.bytes.span.bytes)
            return message.token == token ? message : nil
        } catch {
            return nil
        }
    }

    private mutating func note(_ there: UInt8, _ here: UInt8?) {
        let full = PairListener.unicastHops
        if there > 0, there <= full { findings.routersOut = full - Int(there) }
        if let here, here > 0, here <= full { findings.routersBack = full - Int(here) }
    }

    // MARK: - Unicast

    /// Short probes: round trips, losses by direction, hop limits and the clock.
    private mutating func probe() {
        for _ in 0..<Self.probeCount {
            findings.probesSent += 1
            let started = Clocks.now
            let wall = Clocks.wallNanoseconds
            guard let answer = echo(size: 0, replyBytes: 0),
                case .echo(_, _, _, let probes, let remoteWall) = answer
            else { continue }
            let roundTrip = Clocks.now - started
            findings.echoesArrived += 1
            findings.probesArrived = min(Int(probes), findings.probesSent)
            if roundTrip < findings.roundTrips.min() ?? .seconds(3600) {
                noteClock(remoteWall, wall, roundTrip)
            }
            findings.roundTrips.append(roundTrip)
        }
    }

    /// The other clock at the middle of the round trip, less ours.
    private mutating func noteClock(_ remote: UInt64, _ wall: UInt64, _ roundTrip: Duration) {
        let middle = Int64(clamping: wall) &+ roundTrip.nanoseconds / 2
        let (offset, overflow) = Int64(clamping: remote).subtractingReportingOverflow(middle)
        // A year apart is as good as no clock, and no more need be said.
        let limit: Int64 = 31_536_000_000_000_000
        findings.clockOffset = .nanoseconds(overflow ? limit : min(max(offset, -limit), limit))
    }

    private mutating func echo(size: Int, replyBytes: Int) -> PairMessage.Body? {
        sequence &+= 1
        let number = sequence
        let request = PairMessage(
            token: token,
            .probe(sequence: number, replyBytes: UInt16(clamping: replyBytes), sentAt: 0))
        do throws(SystemError) {
            return try ask(request, size: size) { $0.answers(number) }?.body
        } catch {
            return error.code == EMSGSIZE ? .tooLong(sequence: number) : nil
        }
    }

    // MARK: - Sizes

    /// The longest packet that passes in one direction: the whole at first, then by halves.
    private mutating func largest(isOutward: Bool) -> PairFindings.Sizes {
        let overhead = question.isIPv6 ? 48 : 28
        let least = PairMessage.leastBytes + overhead
        let longest = min(linkMTU, PairMessage.byteLimit + overhead)
        guard longest > least else { return PairFindings.Sizes() }
        var sizes = PairFindings.Sizes(tried: longest)
        func payload(_ bytes: Int) -> Int { bytes - overhead }
        var (low, high) = (least, longest + 1)
        var next = longest
        while low + 4 < high || next == longest {
            switch passes(payload(next), isOutward: isOutward) {
            case .arrived: low = next
            case .told:
                sizes.wasTold = true
                high = next
            case .lost: high = next
            }
            if low == longest { break }
            next = (low + high) / 2
            if next == low { break }
        }
        sizes.passed = low
        return sizes
    }

    private enum Passing { case arrived, told, lost }

    private mutating func passes(_ payload: Int, isOutward: Bool) -> Passing {
        var wasTold = false
        // Twice: one may be lost for other reasons, and what a router says comes after the loss.
        for _ in 0..<2 {
            switch echo(size: isOutward ? payload : 0, replyBytes: isOutward ? 0 : payload) {
            case .echo: return .arrived
            case .tooLong: wasTold = true
            default: break
            }
        }
        return wasTold ? .told : .lost
    }

    /// Of the interface that leads there, as far as it is a network's.
    private var linkMTU: Int {
        guard let own = control.local?.address else { return 1500 }
        do throws(SystemError) {
            var tables = try NetworkTables()
            let interfaces = tables.interfaces().value ?? []
            let mtu = interfaces.first { $0.addresses.contains { $0.address == own } }?.mtu
            return min(mtu ?? 1500, 9_200)
        } catch {
            return 1500
        }
    }

    // MARK: - The group

    /// Joins with the other end as the source where one was asked for.
    private mutating func joinGroup() -> ProbeSocket? {
        do throws(SystemError) {
            let socket = try ProbeSocket(
                binding: Endpoint(address: question.group, port: groupPort), isShared: true)
            try socket.chooseInterface(interface)
            try socket.setHops(multicast: question.ttl)
            let source = question.source == nil ? nil : findings.remote.address
            try socket.join(question.group, source: source, interface: interface)
            return socket
        } catch {
            findings.groupFailure = "\(error)"
            return nil
        }
    }

    /// Rounds until something arrives, which may be what lets a router set up its route, and then one
    /// that counts.
    private mutating func sendGroup(by socket: borrowing ProbeSocket) {
        for round in 0..<Self.groupRounds {
            if round > 0 { pause(.seconds(1)) }
            guard sendRound(by: socket) else { return }
            guard findings.multicastOut.received > 0 else { continue }
            _ = sendRound(by: socket)
            return
        }
    }

    private mutating func sendRound(by socket: borrowing ProbeSocket) -> Bool {
        let place = Endpoint(address: question.group, port: groupPort)
        findings.multicastOut = PairFindings.GroupCount(sent: Self.groupPackets)
        for index in 0..<Self.groupPackets {
            let packet = PairMessage(
                token: token,
                .groupPacket(sequence: UInt32(index), ttl: UInt8(clamping: question.ttl)))
            do throws(SystemError) {
                try socket.send(packet.encoded(), to: place, scope: interface)
            } catch {
                findings.groupFailure = "\(error)"
                return false
            }
            pause(.milliseconds(10))
        }
        pause(.milliseconds(100))
        askForReport()
        return true
    }

    private mutating func askForReport() {
        for _ in 0..<Self.attempts {
            do throws(SystemError) {
                let request = PairMessage(token: token, .askGroup)
                guard let answer = try ask(request, { $0.isGroupReport }),
                    case .groupReport(let received, let hops) = answer.body
                else { continue }
                findings.multicastOut.received = min(Int(received), Self.groupPackets)
                findings.multicastOut.hopsLeft = Int(hops)
                return
            } catch {
                continue
            }
        }
    }

    private mutating func receiveGroup(by socket: inout ProbeSocket) {
        for round in 0..<Self.groupRounds {
            if round > 0 { pause(.seconds(1)) }
            receiveRound(by: &socket)
            guard findings.multicastIn.received > 0 else { continue }
            receiveRound(by: &socket)
            // The request may have been lost, which is no loss of the group's.
            if findings.multicastIn.received == 0 { receiveRound(by: &socket) }
            return
        }
    }

    private mutating func receiveRound(by socket: inout ProbeSocket) {
        findings.multicastIn = PairFindings.GroupCount(sent: Self.groupPackets)
        let request = PairMessage(
            token: token,
            .sendGroup(count: UInt8(Self.groupPackets), ttl: UInt8(clamping: question.ttl)))
        try? control.send(request.encoded(), to: nil)
        let deadline = Clocks.now + .milliseconds(500)
        while findings.multicastIn.received < Self.groupPackets,
            let arrival = try? socket.receive(by: deadline)
        {
            guard let message = decode(arrival),
                case .groupPacket(let sequence, _) = message.body,
                sequence & PairMessage.answerBit != 0
            else { continue }
            findings.multicastIn.received += 1
            findings.multicastIn.hopsLeft = Int(arrival.hops ?? 0)
        }
    }

    private func pause(_ duration: Duration) {
        poll(nil, 0, Int32(clamping: duration.nanoseconds / 1_000_000))
    }
}

extension PairMessage.Body {
    fileprivate var isGreeting: Bool {
        switch self {
        case .challenge, .ready, .refusal: true
        default: false
        }
    }

    fileprivate var isGroupReport: Bool { if case .groupReport = self { true } else { false } }

    fileprivate func answers(_ number: UInt32) -> Bool {
        switch self {
        case .echo(let sequence, _, _, _, _), .tooLong(let sequence): sequence == number
        default: false
        }
    }
}
