import Sealing
import Sockets

/// What one thread sends copies of ``SharedRuns`` with.
final class RunSender: @unchecked Sendable {
    let number: Int
    private let batch: UnsafeMutablePointer<SendBatch>
    /// The headers of the run that it last sent, near its processor.
    private let headers = TaggedHeaders(capacity: FanOutRun.limit)
    private var headersNumber: UInt32 = .max
    /// What has left, see ``SendBatch/load``.
    private var load = 0

    /// `number`: of the thread, the owner's being zero.
    init(number: Int, joinsDatagrams: Bool) {
        self.number = number
        batch = .allocate(capacity: 1)
        batch.initialize(to: SendBatch(joinsDatagrams: joinsDatagrams))
    }

    deinit {
        batch.deinitialize(count: 1)
        batch.deallocate()
    }

    /// Sends the copies of a run that go to every `count`-th lane from `group` on.
    func send(
        _ run: UnsafeMutablePointer<FanOutRun>, number: UInt32, group: Int, of count: Int,
        _ targets: UnsafeMutablePointer<SharedRuns.Target>
    ) {
        if headersNumber != number {
            headers.copy(run.pointee.count, of: run.pointee.headers)
            headersNumber = number
        }
        for index in 0..<run.pointee.targetCount {
            let lane = Int(run.pointee.targets[index])
            if lane % count == group { queue(run, targets + lane, lane) }
        }
        flush(run.pointee.descriptor)
    }

    private func queue(
        _ run: UnsafeMutablePointer<FanOutRun>,
        _ target: UnsafeMutablePointer<SharedRuns.Target>, _ lane: Int
    ) {
        guard let key = target.pointee.key else { return }
        headers.tag(run.pointee.count, link: target.pointee.link, by: key)
        var next = 0
        while next < run.pointee.count {
            if batch.pointee.isFull { flush(run.pointee.descriptor) }
            next += run.pointee.append(
                from: next, to: target.pointee, lane: lane, headers, batch)
        }
    }

    private func flush(_ descriptor: Int32) {
        load &+= batch.pointee.load
        _ = batch.pointee.flush(through: descriptor)
    }

    // MARK: - While nothing is in others' hands

    /// What has left since this was last asked.
    func takeLoad() -> Int {
        // Numbers come again: what is kept of one is of no use in the next round.
        headersNumber = .max
        defer { load = 0 }
        return load
    }

    func read<Value>(_ value: (borrowing SendBatch) -> Value) -> Value { value(batch.pointee) }
}
