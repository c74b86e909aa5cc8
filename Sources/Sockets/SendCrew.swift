import NetBasics

/// Datagrams on their way out, sent by several threads.
///
/// Used by one owner as a ``SendBatch`` is. Lanes are pinned to workers, of which the owner is one, and
/// each has batches of its own, so a lane keeps its order. Others are woken where enough waits for
/// them and it pays, see ``SharingChoice``; else the owner sends all. Bodies must stay in place
/// until ``flush(on:)`` returned. With one worker there is one batch and no thread.
package struct SendCrew: ~Copyable {
    package static let workerLimit = 16
    /// What one must have to send at a flush, and leave to others, to be woken for it.
    ///
    /// In ``SendBatch/load``: some 20 µs of work.
    package static let leastShare = 128
    /// What one must have to send to be woken before a flush: earlier, messages would be shorter.
    private static let earlyShare = 1024
    /// What the owner's other work, to receive and to write headers, takes of what sending takes;
    /// thousandths, measured with 16 lanes.
    private static let ownersWork = 200
    /// Lanes that others get before the owner does: where lanes are few, its other work is more.
    private static let firstLanes = 4

    private var own: SendBatch
    private let others: [SendWorker]
    /// Those that the others' next datagrams go to; no reference is counted to reach them.
    private var batches: [UnsafeMutablePointer<SendBatch>]
    /// Whose a lane is, the owner being zero; empty if all are.
    private let workers: [UInt8]
    private var isOtherFull = false
    private var choice = SharingChoice()
    /// When the first datagram since the last flush was added, and the load that has left since.
    private var roundStart: Instant?
    private var roundLoad = 0

    /// `workers`: threads that send, the owner's included; `joinsDatagrams`: see ``SendBatch``.
    package init(workers count: Int = 1, joinsDatagrams: Bool = false) throws(SystemError) {
        let count = max(1, min(count, Self.workerLimit))
        var others: [SendWorker] = []
        for number in 1..<count {
            others.append(try SendWorker(number: number, joinsDatagrams: joinsDatagrams))
        }
        self.others = others
        batches = others.map(\.desks.batch)
        workers = count > 1 ? Self.shares(of: count) : []
        own = SendBatch(joinsDatagrams: joinsDatagrams)
    }

    /// Deals the lanes out, to the owner so many fewer as its other work takes.
    private static func shares(of count: Int) -> [UInt8] {
        let owners = max(0, (1000 + ownersWork) / count - ownersWork)
        var weights = [Int](repeating: (1000 - owners) / (count - 1), count: count)
        weights[0] = owners
        let round = weights.reduce(0, +)
        var credits = [Int](repeating: 0, count: count)
        credits[0] = -firstLanes * owners
        return (0..<SendBatch.laneLimit).map { _ in
            var next = count - 1
            for worker in credits.indices {
                credits[worker] += weights[worker]
                if credits[worker] > credits[next] { next = worker }
            }
            credits[next] -= round
            return UInt8(next)
        }
    }

    /// Whether nothing may be added before a flush.
    package var isFull: Bool { own.isFull || isOtherFull }

    /// What the kernel took, and what it refused, since the crew was made.
    package var sentCount: UInt64 {
        others.reduce(own.sentCount) { $1.desks.sum($0) { $0 &+ $1.sentCount } }
    }

    package var refusals: SendRefusals {
        others.reduce(own.refusals) {
            $1.desks.sum($0) { sum, batch in
                var sum = sum
                sum.add(batch.refusals)
                return sum
            }
        }
    }

    /// What has gone out on a lane since the crew was made.
    package func count(ofLane lane: Int) -> SendBatch.LaneCount {
        let worker = worker(of: lane)
        guard worker > 0 else { return own.count(ofLane: lane) }
        return others[worker - 1].desks.sum(own.count(ofLane: lane)) {
            $0 + $1.count(ofLane: lane)
        }
    }

    /// Whose a lane is when all send.
    private func worker(of lane: Int) -> Int {
        lane >= 0 && lane < workers.count ? Int(workers[lane]) : 0
    }

    /// See ``SendBatch/append(headerBytes:body:to:lane:)``.
    package mutating func append(
        headerBytes: Int, body: UnsafeRawBufferPointer, to address: borrowing SocketAddress,
        lane: Int = -1
    ) -> UnsafeMutableRawPointer {
        let room = reserve(
            1, headerBytes: headerBytes, bodyBytes: body.count, to: address, lane: lane)
        return room.add(0, body.baseAddress)
    }

    /// See ``SendBatch/reserve(_:headerBytes:bodyBytes:to:lane:)``.
    package mutating func reserve(
        _ wanted: Int, headerBytes: Int, bodyBytes: Int, to address: borrowing SocketAddress,
        lane: Int
    ) -> SendRoom {
        if roundStart == nil, !others.isEmpty { roundStart = Clocks.now }
        let worker = choice.isShared ? worker(of: lane) : 0
        guard worker > 0 else {
            return own.reserve(
                wanted, headerBytes: headerBytes, bodyBytes: bodyBytes, to: address, lane: lane)
        }
        let batch = batches[worker - 1]
        defer { if batch.pointee.isFull { isOtherFull = true } }
        return batch.pointee.reserve(
            wanted, headerBytes: headerBytes, bodyBytes: bodyBytes, to: address, lane: lane)
    }

    /// Lets the others begin to send, if enough waits; all of it must be complete.
    package mutating func begin(on socket: borrowing UDPSocket) {
        for index in batches.indices
        where batches[index].pointee.load >= Self.earlyShare && others[index].desks.isIdle {
            handOver(index, for: socket.number)
        }
    }

    /// Sends as much as lets more be added; all that waits must be complete.
    package mutating func makeRoom(on socket: borrowing UDPSocket) {
        if own.isFull {
            roundLoad += own.load
            _ = own.flush(on: socket)
        }
        for index in batches.indices where batches[index].pointee.isFull {
            others[index].desks.finish()
            handOver(index, for: socket.number)
        }
    }

    private mutating func handOver(_ index: Int, for descriptor: Int32) {
        roundLoad += batches[index].pointee.load
        others[index].desks.handOver(for: descriptor)
        batches[index] = others[index].desks.batch
        isOtherFull = batches.contains { $0.pointee.isFull }
    }

    /// Sends everything, and returns when it is sent.
    ///
    /// A full send buffer refuses the rest, see ``SendBatch/flush(on:)``.
    package mutating func flush(on socket: borrowing UDPSocket) {
        let load = batches.reduce(own.load) { $0 + $1.pointee.load }
        let whole = roundLoad + load
        var left = load
        for index in batches.indices {
            let share = batches[index].pointee.load
            guard share >= Self.leastShare, left - share >= Self.leastShare else { continue }
            left -= share
            handOver(index, for: socket.number)
        }
        _ = own.flush(on: socket)
        for (index, other) in others.enumerated() {
            other.desks.finish()
            // Empty, if it was handed over.
            _ = batches[index].pointee.flush(on: socket)
        }
        isOtherFull = false
        endRound(load: whole)
    }

    /// Learns from a round that is large enough to be shared.
    private mutating func endRound(load: Int) {
        guard let start = roundStart else { return }
        if load >= 2 * Self.leastShare {
            choice.note(
                load: load, from: start, to: Clocks.now,
                processorTime: others.reduce(.nanoseconds(Clocks.threadNanoseconds)) {
                    $0 + $1.processorTime
                })
        }
        (roundStart, roundLoad) = (nil, 0)
    }
}
