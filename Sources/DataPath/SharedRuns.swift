import CLinux
import Sealing
import Sockets

/// Runs that the owner fills one after the other, and hands to those who send copies of them.
///
/// A ring: numbers grow, and a run's place is used again only when all its copies have left. What is
/// handed over is read by all and changed by none. Lanes are dealt into groups, each of which has its
/// turn: one thread at a time sends what goes to a group's lanes, run by run, whoever comes
/// first. So each lane keeps its order, and nobody waits while there is something to send.
final class SharedRuns: @unchecked Sendable {
    /// Where the copies on one lane go.
    struct Target {
        var address = SocketAddress()
        var link: UInt64 = 0
        var key: MediaTagKey?
    }

    /// What becomes of a group's next run: the lowest bits of its turn, below the run's number.
    private enum Phase {
        static let free: UInt32 = 0
        /// Somebody sends it.
        static let busy: UInt32 = 1
        /// The same, and the owner sleeps until it is sent.
        static let awaited: UInt32 = 2
    }

    /// Runs that are in others' hands at most; a power of two.
    static let count = 8
    /// Numbers begin again after that; a multiple of ``count`` less one.
    static let lastNumber: UInt32 = 1 << 28 - 1
    /// Instead of the number of runs handed over: no more will be.
    private static let over: UInt32 = 1 << 31
    /// Groups for each thread at most, and lanes of a group at least: fewer make more calls.
    private static let groupsEach = 4
    private static let lanesEach = 4
    /// Looks at a word, some 30 µs of them, before a thread goes to sleep on it.
    private static let looks: UInt32 = 1000

    private let runs: UnsafeMutablePointer<FanOutRun>
    /// By lane; changes only while nothing is in others' hands.
    private(set) var targets: UnsafeMutablePointer<Target>
    private var targetCapacity = 1
    private let groupLimit: Int
    private let turns: SharedWords
    /// First the number of the run that is filled, for others; then what wakes who sleeps, how many do, and
    /// how many groups there are.
    private let words = SharedWords(4)
    private var handed: UnsafeMutablePointer<UInt32> { words[0] }
    private var bell: UnsafeMutablePointer<UInt32> { words[1] }
    private var sleepers: UnsafeMutablePointer<UInt32> { words[2] }
    var groupCount: Int { Int(cl_load_word(words[3])) }
    /// The number of the run that is filled, as the owner knows it.
    private var filled: UInt32
    /// For each of the last parts the number that followed its runs, and how many parts there were.
    private var partEnds: [UInt32]
    private var partCount = 0

    /// `threads`: that send, the owner's included; `first`: the first number.
    init(threads: Int, first: UInt32 = 0) {
        filled = first & Self.lastNumber
        partEnds = [UInt32](repeating: filled, count: PacketBatch.parts - 1)
        runs = .allocate(capacity: Self.count)
        for index in 0..<Self.count { (runs + index).initialize(to: FanOutRun()) }
        targets = .allocate(capacity: targetCapacity)
        groupLimit = Self.groupsEach * threads
        turns = SharedWords(groupLimit)
        (words[0].pointee, words[3].pointee) = (filled, 1)
        for group in 0..<groupLimit { turns[group].pointee = filled << 2 }
    }

    deinit {
        runs.deinitialize(count: Self.count)
        runs.deallocate()
        targets.deallocate()
    }

    private static func following(_ number: UInt32) -> UInt32 { (number &+ 1) & lastNumber }

    private func run(_ number: UInt32) -> UnsafeMutablePointer<FanOutRun> {
        runs + Int(number) & (Self.count - 1)
    }

    // MARK: - Everybody's side

    /// Sends a run's copies to one group of lanes, if there are some that nobody sends: to one of its own
    /// first, and of those the oldest run's.
    func sendSome(by sender: RunSender) -> Bool {
        // First, so that how many groups there are, and where they lead, is as new.
        let known = cl_load_word(handed)
        guard known != Self.over else { return false }
        let (count, threads) = (groupCount, groupLimit / Self.groupsEach)
        let own = sender.number * count / threads..<(sender.number + 1) * count / threads
        return sendOldest(of: own, known, by: sender)
            || sendOldest(of: own.upperBound..<count, known, by: sender)
            || sendOldest(of: 0..<own.lowerBound, known, by: sender)
    }

    private func sendOldest(of groups: Range<Int>, _ known: UInt32, by sender: RunSender) -> Bool {
        var (oldest, oldestWord, most) = (-1, 0 as UInt32, 0)
        for group in groups {
            let word = cl_load_word(turns[group])
            let left = Int((known &- word >> 2) & Self.lastNumber)
            // More than all: others have gone on since `known` was read.
            if left > most, left <= Self.count, word & 3 == Phase.free {
                (oldest, oldestWord, most) = (group, word, left)
            }
        }
        return oldest >= 0 && take(oldest, oldestWord, sender)
    }

    private func take(_ group: Int, _ word: UInt32, _ sender: RunSender) -> Bool {
        guard cl_replace_word(turns[group], word, word | Phase.busy) == word else { return false }
        let number = word >> 2
        sender.send(run(number), number: number, group: group, of: groupCount, targets)
        let before = cl_exchange_word(turns[group], Self.following(number) << 2)
        if before & 3 == Phase.awaited { cl_wake_on_word(turns[group]) }
        return true
    }

    // MARK: - The owner's side

    /// The run to be filled, or kept as it is after ``handOver()``.
    var current: UnsafeMutablePointer<FanOutRun> { run(filled) }

    /// Gives the run that is filled to all, and goes on to the next.
    func handOver() {
        filled = Self.following(filled)
        _ = cl_exchange_word(handed, filled)
        ring()
    }

    private func ring() {
        _ = cl_exchange_word(bell, bell.pointee &+ 1)
        if cl_load_word(sleepers) != 0 { cl_wake_all_on_word(bell) }
    }

    private func left(_ group: Int) -> Int {
        Int((filled &- cl_load_word(turns[group]) >> 2) & Self.lastNumber)
    }

    /// Groups of all runs that have not been sent.
    var left: Int { (0..<groupCount).reduce(0) { $0 + left($1) } }

    /// Helps until at most so many runs are left to any group.
    func finish(allBut most: Int, by sender: RunSender) {
        while let group = (0..<groupCount).first(where: { left($0) > most }) {
            if sendSome(by: sender) { continue }
            let turn = turns[group]
            let word = cl_load_word(turn)
            guard word & 3 != Phase.free else { continue }
            cl_spin_on_word(turn, word, Self.looks)
            let awaited = word & ~3 | Phase.awaited
            let before = cl_replace_word(turn, word, awaited)
            if before == word || before == awaited { cl_sleep_on_word(turn, awaited) }
        }
    }

    /// Ends a part: what was handed over since the last.
    ///
    /// Helps until the part has left that ``PacketBatch`` overwrites next.
    func endPart(by sender: RunSender) {
        let index = partCount % partEnds.count
        finish(allBut: Int((filled &- partEnds[index]) & Self.lastNumber), by: sender)
        partEnds[index] = filled
        partCount &+= 1
    }

    /// Lets the others end; nothing is left.
    func close() {
        _ = cl_exchange_word(handed, Self.over)
        ring()
    }

    /// Nothing is left.
    func setTargets(_ new: [Target]) {
        if new.count > targetCapacity {
            targets.deallocate()
            targetCapacity = new.count
            targets = .allocate(capacity: new.count)
        }
        for (index, target) in new.enumerated() { (targets + index).initialize(to: target) }
        let threads = groupLimit / Self.groupsEach
        let count = max(1, min(threads, new.count), min(groupLimit, new.count / Self.lanesEach))
        _ = cl_exchange_word(words[3], UInt32(count))
        for group in 0..<groupLimit { _ = cl_exchange_word(turns[group], filled << 2) }
    }

    // MARK: - The workers' side

    /// Sends what is handed over, until the end.
    func work(by sender: RunSender) {
        while true {
            let rung = cl_load_word(bell)
            if cl_load_word(handed) == Self.over { return }
            if sendSome(by: sender) || canSendSoon(rung, sender) { continue }
            _ = cl_add_to_word(sleepers, 1)
            if cl_load_word(bell) == rung { cl_sleep_on_word(bell, rung) }
            _ = cl_add_to_word(sleepers, UInt32.max)
        }
    }

    /// Looks out for work for a little; `rung`: the bell before.
    private func canSendSoon(_ rung: UInt32, _ sender: RunSender) -> Bool {
        for _ in 0..<16 {
            cl_spin_on_word(bell, rung, Self.looks / 8)
            if cl_load_word(bell) != rung || sendSome(by: sender) { return true }
        }
        return false
    }
}

/// Words that threads tell each other something by, each alone in its lines of the cache.
struct SharedWords: ~Copyable {
    private static let stride = 32
    private let first: UnsafeMutablePointer<UInt32>

    init(_ count: Int) {
        let words = count * Self.stride
        let bytes = UnsafeMutableRawPointer.allocate(byteCount: 4 * words, alignment: 128)
        first = bytes.initializeMemory(as: UInt32.self, repeating: 0, count: words)
    }

    deinit { first.deallocate() }

    subscript(index: Int) -> UnsafeMutablePointer<UInt32> { first + index * Self.stride }
}
