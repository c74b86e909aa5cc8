import CLinux

/// Two batches of datagrams, turn by turn filled by their owner and sent by a worker.
///
/// Each is in one hand at a time, with all that its datagrams refer to. They are numbered as they are
/// handed over, and the worker takes them in that order. What it has not begun with the owner
/// takes back, rather than wait: the worker may have no processor.
final class SendDesks: @unchecked Sendable {
    /// What becomes of a batch: the lowest bits of its word, below its number.
    private enum Phase {
        /// The owner's.
        static let free: UInt32 = 0
        /// Handed over, for who takes it first.
        static let ready: UInt32 = 1
        /// The worker sends it.
        static let busy: UInt32 = 2
        /// The same, and the owner sleeps until it is sent.
        static let awaited: UInt32 = 3
    }

    /// Numbers begin again after that; it is odd, so that batches still take turns.
    static let lastNumber: UInt32 = 1 << 28 - 1
    /// Instead of the number of batches handed over: no more will be.
    private static let over: UInt32 = 1 << 31

    private let batches: UnsafeMutablePointer<SendBatch>
    private let descriptors: UnsafeMutablePointer<Int32>
    /// Number and phase of each batch.
    private let words: UnsafeMutablePointer<UInt32>
    /// The number that is handed over next; the worker sleeps on it.
    private let handed: UnsafeMutablePointer<UInt32>
    /// The same, as the owner knows it: that of the batch that it fills.
    private var filled: UInt32
    private let first: UInt32

    /// `first`: the first number.
    init(joinsDatagrams: Bool, first: UInt32 = 0) {
        self.first = first & Self.lastNumber
        filled = self.first
        batches = .allocate(capacity: 2)
        for index in 0..<2 {
            (batches + index).initialize(to: SendBatch(joinsDatagrams: joinsDatagrams))
        }
        descriptors = .allocate(capacity: 2)
        descriptors.initialize(repeating: -1, count: 2)
        words = .allocate(capacity: 2)
        words.initialize(repeating: Phase.free, count: 2)
        handed = .allocate(capacity: 1)
        handed.initialize(to: filled)
    }

    deinit {
        batches.deinitialize(count: 2)
        batches.deallocate()
        descriptors.deallocate()
        words.deallocate()
        handed.deallocate()
    }

    private static func following(_ number: UInt32) -> UInt32 { (number &+ 1) & lastNumber }

    private func word(of number: UInt32) -> UnsafeMutablePointer<UInt32> {
        words + Int(number & 1)
    }

    /// Moves a batch on, if it is where it is thought to be.
    private func change(_ number: UInt32, from old: UInt32, to new: UInt32) -> Bool {
        let expected = number << 2 | old
        return cl_replace_word(word(of: number), expected, number << 2 | new) == expected
    }

    private func send(_ number: UInt32) {
        let index = Int(number & 1)
        _ = batches[index].flush(through: descriptors[index])
    }

    // MARK: - The owner's side

    /// The batch to be filled; another one once it is handed over.
    var batch: UnsafeMutablePointer<SendBatch> { batches + Int(filled & 1) }

    /// Whether nothing is left to be sent of what was handed over.
    var isIdle: Bool { cl_load_word(words + Int(1 - filled & 1)) & 3 == Phase.free }

    /// Lets the worker send what was filled, after what it has still to send.
    ///
    /// Once more than that only after ``finish()``.
    func handOver(for descriptor: Int32) {
        descriptors[Int(filled & 1)] = descriptor
        _ = cl_exchange_word(word(of: filled), filled << 2 | Phase.ready)
        filled = Self.following(filled)
        _ = cl_exchange_word(handed, filled)
        cl_wake_on_word(handed)
    }

    /// Returns when all is sent that was handed over, by whomever.
    func finish() {
        let last = (filled &- 1) & Self.lastNumber
        let former = (filled &- 2) & Self.lastNumber
        // The last one first: the worker must not begin with it while the former is the owner's.
        let isLastBack = change(last, from: Phase.ready, to: Phase.free)
        if change(former, from: Phase.ready, to: Phase.free) {
            send(former)
        } else {
            waitFor(former)
        }
        if isLastBack { send(last) } else { waitFor(last) }
    }

    private func waitFor(_ number: UInt32) {
        guard change(number, from: Phase.busy, to: Phase.awaited) else { return }
        let value = number << 2 | Phase.awaited
        while cl_load_word(word(of: number)) == value { cl_sleep_on_word(word(of: number), value) }
    }

    /// Lets the worker end; nothing is left.
    func close() {
        _ = cl_exchange_word(handed, Self.over)
        cl_wake_on_word(handed)
    }

    // MARK: - The worker's side

    /// Sends what is handed over, until the end.
    func work() {
        var next = first
        while true {
            let known = cl_load_word(handed)
            if known == Self.over { return }
            guard known != next else {
                cl_sleep_on_word(handed, next)
                continue
            }
            if change(next, from: Phase.ready, to: Phase.busy) {
                send(next)
                let before = cl_exchange_word(word(of: next), next << 2 | Phase.free)
                if before & 3 == Phase.awaited { cl_wake_on_word(word(of: next)) }
            }
            next = Self.following(next)
        }
    }

    /// A sum over both batches, once all is sent that was handed over.
    func sum<Sum>(_ first: Sum, _ add: (Sum, borrowing SendBatch) -> Sum) -> Sum {
        finish()
        return add(add(first, batches[0]), batches[1])
    }
}
