import CLinux
import Glibc
import NetBasics
import Sockets
import Wire

/// What a forwarder is measured between: a feeder that keeps it busy, and a sink per child that
/// reads all; both on a thread of their own.
///
/// The feeder never has more than a window of packets on the way, so that nothing is lost and the
/// forwarder decides the pace.
final class Feeder: @unchecked Sendable {
    /// Packets that leave the feeder together, and that may be on the way.
    private static let burst = 32
    private static let window = 128
    /// After so long without progress what is on the way is taken to be lost.
    private static let patience: Duration = .milliseconds(20)

    let sinks: [Endpoint]
    private let plan: FeederPlan
    private let shared: UnsafeMutablePointer<UInt>
    private var thread = pthread_t()

    private enum Word {
        static let isStopped = 0
        static let received = 1
        static let lost = 2
        static let target = 3
        static let count = 4
    }

    private let sockets: SinkSockets

    /// Starts to feed the first target; every thread of the benchmark stays on its processor.
    init(_ plan: consuming FeederPlan) throws(SystemError) {
        shared = .allocate(capacity: Word.count)
        shared.initialize(repeating: 0, count: Word.count)
        sockets = try SinkSockets(count: plan.children, joinsDatagrams: plan.joinsDatagrams)
        sinks = sockets.endpoints
        self.plan = plan
        let context = Unmanaged.passUnretained(self).toOpaque()
        guard pthread_create(&thread, nil, runFeeder, context) == 0 else {
            throw SystemError(call: "pthread_create", subject: "feeder")
        }
    }

    deinit { shared.deallocate() }

    /// Datagrams that all sinks have read.
    var received: UInt { cl_load(shared + Word.received) }
    var lost: UInt { cl_load(shared + Word.lost) }

    /// From now on only the target with this index is fed.
    func feed(_ target: Int) { cl_store(shared + Word.target, UInt(target)) }

    func stop() {
        cl_store(shared + Word.isStopped, 1)
        pthread_join(thread, nil)
    }

    fileprivate func run() {
        cl_pin_thread(plan.processor)
        var out = SendBatch(joinsDatagrams: plan.joinsDatagrams && plan.source.canSegment)
        var batch = PacketBatch()
        let body = [UInt8](repeating: 0xA5, count: plan.packetBytes - MediaHeader.byteCount)
        let targets = plan.targets.map { SocketAddress($0, family: .v4) }
        var sequences = [UInt32](repeating: 0, count: targets.count)
        var sent: UInt = 0
        // What each sink has read; the slowest decides when more is sent.
        var seen = [UInt](repeating: 0, count: sinks.count)
        var slowest: UInt = 0
        var progressAt = Clocks.now
        while cl_load(shared + Word.isStopped) == 0 {
            if sent &- slowest &+ UInt(Self.burst) <= UInt(Self.window) {
                let target = Int(cl_load(shared + Word.target))
                send(body, from: &sequences[target], to: targets[target], by: &out)
                sent &+= UInt(Self.burst)
            }
            for index in sinks.indices where seen[index] != sent {
                let count = UInt(sockets.read(index, into: &batch))
                seen[index] &+= count
                cl_store(shared + Word.received, received &+ count)
            }
            let now = Clocks.now
            let least = seen.min() ?? 0
            if least != slowest { progressAt = now }
            slowest = least
            if now - progressAt > Self.patience {
                for index in seen.indices {
                    cl_store(shared + Word.lost, lost &+ sent &- seen[index])
                    seen[index] = sent
                }
                slowest = sent
                progressAt = now
            }
        }
    }

    private func send(
        _ body: [UInt8], from sequence: inout UInt32, to target: SocketAddress,
        by out: inout SendBatch
    ) {
        body.withUnsafeBytes { body in
            for _ in 0..<Self.burst {
                var header = plan.header
                header.sequence = sequence
                sequence &+= 1
                let place = out.append(
                    headerBytes: MediaHeader.byteCount, body: body, to: target, lane: 0)
                header.store(into: place)
            }
            _ = out.flush(on: plan.source)
        }
    }
}

/// What a feeder sends, and from where.
struct FeederPlan: ~Copyable {
    var source: UDPSocket
    var targets: [Endpoint]
    var header: MediaHeader
    var packetBytes: Int
    var children: Int
    var joinsDatagrams: Bool
    var processor: Int32
}

/// One socket per child.
final class SinkSockets {
    private let boxes: [SocketBox]

    private final class SocketBox {
        let socket: UDPSocket
        init(_ socket: consuming UDPSocket) { self.socket = socket }
    }

    init(count: Int, joinsDatagrams: Bool) throws(SystemError) {
        var boxes: [SocketBox] = []
        for _ in 0..<count {
            boxes.append(
                SocketBox(
                    try UDPSocket(binding: loopback(port: 0), joinsDatagrams: joinsDatagrams)))
        }
        self.boxes = boxes
    }

    var endpoints: [Endpoint] { boxes.map { $0.socket.local } }

    /// Reads what has come; returns how many datagrams it was.
    func read(_ index: Int, into batch: inout PacketBatch) -> Int {
        guard (try? boxes[index].socket.receive(into: &batch)) != nil else { return 0 }
        return batch.count
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
