import CLinux
import Glibc
import NetBasics
import Sealing
import Sockets
import Wire

/// What a feeder sends, and how.
struct FeederPlan: ~Copyable {
    var source: UDPSocket
    /// The sockets under test; only one is fed at a time.
    var targets: [Endpoint]
    /// One header per stream, with the first sequence number.
    var streams: [MediaHeader]
    /// What the packets are tagged with.
    var key: MediaTagKey
    var packetBytes: Int
    var sinks: SinkSockets
    /// Packets that leave together when the forwarder decides the pace.
    var burst: Int
    var processor: Int32
}

/// What a forwarder is measured between: a source of packets, and a sink per child that reads all;
/// both on a thread of their own.
///
/// Unless it is given a pace it never has more than a window of packets on the way, so that nothing
/// is lost and the forwarder decides how fast it goes.
final class Feeder: @unchecked Sendable {
    /// Packets that may be on the way.
    private static let window = 128
    /// After so long without progress what is on the way is taken to be lost.
    private static let patience: Duration = .milliseconds(20)
    /// Delays that are kept, 16 s of 64,000 packets a second.
    private static let delayLimit = 1 << 20

    private enum Word {
        static let isStopped = 0
        static let target = 1
        /// Nanoseconds between packets; zero: as fast as the forwarder goes.
        static let interval = 2
        static let lost = 3
        static let delayCount = 4
        static let sent = 5
        static let count = 6
    }

    private let plan: FeederPlan
    private let words: UnsafeMutablePointer<UInt>
    /// Nanoseconds from the feeder's hand to the sink's.
    private let delays: UnsafeMutablePointer<UInt32>
    private var thread = pthread_t()

    /// Starts to feed the first target.
    init(_ plan: consuming FeederPlan) throws(SystemError) {
        words = .allocate(capacity: Word.count)
        words.initialize(repeating: 0, count: Word.count)
        delays = .allocate(capacity: Self.delayLimit)
        self.plan = plan
        let context = Unmanaged.passUnretained(self).toOpaque()
        guard pthread_create(&thread, nil, runFeeder, context) == 0 else {
            throw SystemError(call: "pthread_create", subject: "feeder")
        }
    }

    deinit {
        words.deallocate()
        delays.deallocate()
    }

    /// Packets that some sink never got.
    var lost: UInt { cl_load(words + Word.lost) }

    /// Processor time of its thread, in nanoseconds.
    var processorNanoseconds: Int64 {
        var clock = clockid_t()
        pthread_getcpuclockid(thread, &clock)
        return Clocks.nanoseconds(of: clock)
    }

    /// Packets sent so far, to whatever target.
    var sent: UInt { cl_load(words + Word.sent) }

    /// From now on only the target with this index is fed, with so long between packets.
    func feed(_ target: Int, every interval: Duration = .zero) {
        cl_store(words + Word.interval, UInt(clamping: interval.nanoseconds))
        cl_store(words + Word.target, UInt(target))
    }

    /// How many delays were taken so far.
    var delayCount: Int { Int(cl_load(words + Word.delayCount)) }

    /// Delays from the `first` one on, in nanoseconds.
    func delays(from first: Int) -> [UInt32] {
        (first..<max(first, delayCount)).map { delays[$0 % Self.delayLimit] }
    }

    func stop() {
        cl_store(words + Word.isStopped, 1)
        pthread_join(thread, nil)
    }

    // MARK: - The feeder's thread

    /// What the thread alone knows.
    private struct Progress {
        /// Of each target.
        var sources: [PacketSource]
        var sent: UInt = 0
        /// What each sink has read; the slowest decides when more is sent.
        var seen: [UInt]
        var slowest: UInt = 0
        var progressAt: Instant
        var due: Instant
    }

    fileprivate func run() {
        cl_pin_thread(plan.processor)
        var out = SendBatch(joinsDatagrams: plan.source.canSegment)
        var batch = PacketBatch()
        let source = PacketSource(plan.streams, plan.key, packetBytes: plan.packetBytes)
        var progress = Progress(
            sources: plan.targets.map { _ in source },
            seen: plan.sinks.endpoints.map { _ in 0 },
            progressAt: Clocks.now, due: Clocks.now)
        while cl_load(words + Word.isStopped) == 0 {
            let count = dueCount(&progress)
            if count > 0 {
                send(count, to: Int(cl_load(words + Word.target)), by: &out, &progress)
            }
            for index in progress.seen.indices where progress.seen[index] != progress.sent {
                progress.seen[index] &+= read(index, into: &batch)
                // What was taken to be lost may come late.
                if Int(bitPattern: progress.sent &- progress.seen[index]) < 0 {
                    progress.seen[index] = progress.sent
                }
            }
            note(&progress)
        }
    }

    /// How many packets are to be sent now.
    private func dueCount(_ progress: inout Progress) -> Int {
        let interval = cl_load(words + Word.interval)
        guard interval > 0 else {
            let onTheWay = progress.sent &- progress.slowest
            return onTheWay &+ UInt(plan.burst) <= UInt(Self.window) ? plan.burst : 0
        }
        let now = Clocks.now
        guard progress.due <= now else { return 0 }
        // What was missed is not made up for: it would be a burst.
        let next = progress.due + .nanoseconds(Int64(interval))
        progress.due = max(next, now)
        return 1
    }

    private func send(
        _ count: Int, to target: Int, by out: inout SendBatch, _ progress: inout Progress
    ) {
        let address = SocketAddress(plan.targets[target], family: .v4)
        progress.sources[target].send(count, to: address, by: &out, on: plan.source)
        progress.sent &+= UInt(count)
        cl_store(words + Word.sent, progress.sent)
    }

    private func read(_ sink: Int, into batch: inout PacketBatch) -> UInt {
        let count = plan.sinks.read(sink, into: &batch)
        guard cl_load(words + Word.interval) > 0 else { return UInt(count) }
        let now = Clocks.now.nanoseconds
        var taken = cl_load(words + Word.delayCount)
        for index in 0..<count {
            let datagram = batch.datagram(at: index)
            guard datagram.count >= MediaHeader.bodyOffset + 8 else { continue }
            let sentAt = datagram.loadUnaligned(
                fromByteOffset: MediaHeader.bodyOffset, as: Int64.self)
            delays[Int(taken) % Self.delayLimit] = UInt32(clamping: now &- sentAt)
            taken &+= 1
        }
        cl_store(words + Word.delayCount, taken)
        return UInt(count)
    }

    private func note(_ progress: inout Progress) {
        let least = progress.seen.min() ?? 0
        let now = Clocks.now
        if least != progress.slowest || least == progress.sent { progress.progressAt = now }
        progress.slowest = least
        guard now - progress.progressAt > Self.patience else { return }
        cl_store(words + Word.lost, lost &+ progress.sent &- least)
        for index in progress.seen.indices { progress.seen[index] = progress.sent }
        progress.slowest = progress.sent
    }
}

/// One socket per child.
final class SinkSockets {
    private final class Box {
        let socket: UDPSocket
        init(_ socket: consuming UDPSocket) { self.socket = socket }
    }

    private let boxes: [Box]
    private var drained = PacketBatch()

    /// `firstPort`: zero lets the kernel choose all.
    init(count: Int, firstPort: UInt16, joinsDatagrams: Bool) throws(SystemError) {
        var boxes: [Box] = []
        for number in 0..<count {
            let port = firstPort > 0 ? firstPort &+ UInt16(number) : 0
            let socket = try UDPSocket(
                binding: loopback(port: port), joinsDatagrams: joinsDatagrams)
            boxes.append(Box(socket))
        }
        self.boxes = boxes
    }

    var endpoints: [Endpoint] { boxes.map { $0.socket.local } }

    /// Reads all that has come; returns how many datagrams it was.
    @discardableResult
    func drain() -> Int {
        var total = 0
        for index in boxes.indices {
            var count = 0
            repeat {
                count = read(index, into: &drained)
                total += count
            } while count > 0
        }
        return total
    }

    /// Reads what has come; returns how many datagrams it was.
    func read(_ index: Int, into batch: inout PacketBatch) -> Int {
        do throws(SystemError) {
            try boxes[index].socket.receive(into: &batch)
            return batch.count
        } catch {
            return 0
        }
    }
}

func loopback(port: UInt16) -> Endpoint {
    Endpoint(address: .v4(IPv4Address(rawValue: 0x7F00_0001)), port: port)
}

private func runFeeder(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    Unmanaged<Feeder>.fromOpaque(context).takeUnretainedValue().run()
    return nil
}
