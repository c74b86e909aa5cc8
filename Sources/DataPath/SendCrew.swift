import NetBasics
import Sockets

/// Copies on their way out, sent by several threads.
///
/// What the owner queues itself goes as through a ``SendBatch``; a whole run (``FanOutRun``) can be shared:
/// all write and send its copies then, each to other lanes. Others are woken where enough waits for
/// them and it pays, see ``SharingChoice``. Bodies must stay in place until ``flush(on:)`` returned.
/// With one worker there is one batch and no thread.
package struct SendCrew: ~Copyable {
    /// Copies of a run that are worth sharing: some 25 µs of work, where datagrams are joined.
    static let leastShare = 128
    /// Copies that each of the others is left while the owner receives a part: some 80 µs of work.
    private static let copiesLeft = 512
    /// What a copy takes that is a message, of what one takes that is joined to others; at least.
    private static let messageCost = 8

    /// Whether a message holds many datagrams.
    let joinsDatagrams: Bool
    private var own: SendBatch
    private let others: [SendWorker]
    private let runs: SharedRuns
    /// The owner's, where there are others.
    private let sender: RunSender?
    /// The run to be filled; no reference is counted to reach it.
    private(set) var run: UnsafeMutablePointer<FanOutRun>
    /// Whether something was shared since the last flush.
    private var hasShared = false
    private var choice: SharingChoice
    /// When the first copy since the last flush was added, and the load that has left since.
    private var roundStart: Instant?
    private var roundLoad = 0

    /// `workers`: threads that send, the owner's included; `joinsDatagrams`: see ``SendBatch``.
    package init(workers count: Int = 1, joinsDatagrams: Bool = false) throws(SystemError) {
        let count = max(1, min(count, SendBatch.threadLimit))
        runs = SharedRuns(threads: count)
        var others: [SendWorker] = []
        for number in 1..<count {
            others.append(try SendWorker(number: number, runs, joinsDatagrams: joinsDatagrams))
        }
        self.others = others
        choice = SharingChoice(others: others.count)
        self.joinsDatagrams = joinsDatagrams
        own = SendBatch(joinsDatagrams: joinsDatagrams)
        sender = count > 1 ? RunSender(number: 0, joinsDatagrams: joinsDatagrams) : nil
        run = runs.current
    }

    deinit { settle() }

    /// Whether nothing may be queued before ``makeRoom(on:)``.
    package var isFull: Bool { own.isFull }

    /// What the kernel took, and what it refused, since the crew was made.
    package var sentCount: UInt64 {
        sum(own.sentCount) { $0 &+= $1.sentCount }
    }

    package var refusals: SendRefusals {
        sum(own.refusals) { $0.add($1.refusals) }
    }

    /// What has gone out on a lane since the crew was made.
    package func count(ofLane lane: Int) -> SendBatch.LaneCount {
        sum(own.count(ofLane: lane)) { $0 = $0 + $1.count(ofLane: lane) }
    }

    /// A sum over all batches, once all is sent that was shared.
    private func sum<Sum>(_ first: Sum, _ add: (inout Sum, borrowing SendBatch) -> Void) -> Sum {
        guard let sender else { return first }
        settle()
        var sum = first
        sender.read { add(&sum, $0) }
        for other in others { other.sender.read { add(&sum, $0) } }
        return sum
    }

    /// Returns when all is sent that was shared.
    private func settle() {
        if let sender { runs.finish(allBut: 0, by: sender) }
    }

    /// Sends shared runs to these from now on, by lane.
    mutating func install(_ targets: [SharedRuns.Target]) {
        guard !others.isEmpty else { return }
        settle()
        runs.setTargets(targets)
    }

    // MARK: - The owner's own

    /// See ``SendBatch/append(headerBytes:body:to:lane:)``.
    package mutating func append(
        headerBytes: Int, body: UnsafeRawBufferPointer, to address: borrowing SocketAddress,
        lane: Int = -1
    ) -> UnsafeMutableRawPointer {
        own.append(headerBytes: headerBytes, body: body, to: address, lane: lane)
    }

    /// See ``SendBatch/reserve(_:headerBytes:bodyBytes:to:lane:)``.
    package mutating func reserve(
        _ wanted: Int, headerBytes: Int, bodyBytes: Int, to address: borrowing SocketAddress,
        lane: Int
    ) -> SendRoom {
        own.reserve(
            wanted, headerBytes: headerBytes, bodyBytes: bodyBytes, to: address, lane: lane)
    }

    /// Sends what the owner has queued, so that more can be.
    package mutating func makeRoom(on socket: borrowing UDPSocket) {
        roundLoad += own.load
        _ = own.flush(on: socket)
    }

    // MARK: - Runs

    /// Whether runs are shared now, if they are large enough.
    var isSharing: Bool { choice.isShared && !others.isEmpty }

    /// Packets of a run at most, of so many bytes: of one that is shared as many as one message holds.
    func packetLimit(_ bytes: Int) -> Int {
        isSharing ? SendBatch.messageBytesLimit / bytes : FanOutRun.limit
    }

    /// Whether the run is to be shared, of which there are so many copies.
    ///
    /// If not, all that was shared has been sent: lanes keep their order.
    mutating func shares(copies: Int) -> Bool {
        guard !others.isEmpty else { return false }
        if roundStart == nil { roundStart = Clocks.now }
        if choice.isShared, hasShared || work(copies) >= Self.leastShare { return true }
        if hasShared { settle() }
        return false
    }

    /// So many copies that are joined take what these take.
    private func work(_ copies: Int) -> Int { joinsDatagrams ? copies : Self.messageCost * copies }

    /// Lets all send the run, whose targets are set, and goes on to an empty one.
    mutating func share(on socket: borrowing UDPSocket) {
        guard let sender else { return }
        makeRoom(on: socket)
        // A pointer of its own, as in ``PacketBatch``: for the thread sanitizer, the compiler cannot change
        // what one leads to that `self` holds, where `self` is changed.
        var run = run
        run.pointee.descriptor = socket.number
        hasShared = true
        let copies = run.pointee.count * run.pointee.targetCount
        runs.handOver()
        let enough = runs.groupCount * runsLeft(copies: copies)
        while runs.left > enough, runs.sendSome(by: sender) {}
        runs.finish(allBut: SharedRuns.count - 1, by: sender)
        run = runs.current
        run.pointee.removeAll()
        self.run = run
    }

    /// Runs of so many copies that are left to the others, who need them while the owner receives.
    private func runsLeft(copies: Int) -> Int {
        let needed = others.count * Self.copiesLeft / max(1, work(copies))
        return min(max(others.count, needed), SharedRuns.count - 2)
    }

    /// Ends a part, see ``SharedRuns/endPart(by:)``.
    mutating func endPart(on socket: borrowing UDPSocket) {
        makeRoom(on: socket)
        if let sender { runs.endPart(by: sender) }
    }

    /// Sends everything, and returns when it is sent.
    ///
    /// A full send buffer refuses the rest, see ``SendBatch/flush(on:)``.
    package mutating func flush(on socket: borrowing UDPSocket) {
        makeRoom(on: socket)
        if hasShared { settle() }
        hasShared = false
        endRound()
    }

    /// What the others have had so far.
    package var othersProcessorTime: Duration { Self.processorTime(of: others) }

    private static func processorTime(of others: [SendWorker]) -> Duration {
        others.reduce(.zero) { $0 + $1.processorTime }
    }

    /// Learns from a round that is large enough to be shared.
    private mutating func endRound() {
        guard let start = roundStart else { return }
        let load = others.reduce(roundLoad + (sender?.takeLoad() ?? 0)) {
            $0 + $1.sender.takeLoad()
        }
        (roundStart, roundLoad) = (nil, 0)
        guard load >= Self.leastShare else { return }
        let others = others
        choice.note(
            load: load, from: start, to: Clocks.now,
            othersTime: Self.processorTime(of: others))
    }
}
