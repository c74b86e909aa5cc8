import NetBasics

/// Rate, loss and jitter of a stream over time, in so many steps whatever its length.
///
/// Steps begin at 100 ms and double whenever they would become too many.
package struct Timeline: Sendable {
    package static let stepLimit = 512

    package struct Step: Equatable, Sendable {
        package var bytes: UInt64 = 0
        package var packets: UInt64 = 0
        /// Numbers found missing, less those that came late.
        package var lost: Int64 = 0
        /// The greatest running jitter; milliseconds.
        package var jitter: Double = 0
    }

    package private(set) var start = Instant.zero
    package private(set) var stepDuration = Duration.milliseconds(100)
    package private(set) var steps: [Step] = []

    mutating func record(bytes: Int, at now: Instant) {
        change(at: now) {
            $0.bytes &+= UInt64(bytes)
            $0.packets &+= 1
        }
    }

    mutating func lose(_ count: UInt64, at now: Instant) {
        change(at: now) { $0.lost &+= Int64(count) }
    }

    mutating func regain(at now: Instant) { change(at: now) { $0.lost &-= 1 } }

    mutating func noteJitter(_ milliseconds: Double?, at now: Instant) {
        guard let milliseconds else { return }
        change(at: now) { $0.jitter = max($0.jitter, milliseconds) }
    }

    private mutating func change(at now: Instant, _ change: (inout Step) -> Void) {
        if steps.isEmpty { start = now }
        var index = index(of: now)
        while index >= Self.stepLimit {
            fold()
            index = self.index(of: now)
        }
        while steps.count <= index { steps.append(Step()) }
        change(&steps[index])
    }

    private func index(of now: Instant) -> Int {
        max(0, Int((now - start).nanoseconds / stepDuration.nanoseconds))
    }

    private mutating func fold() {
        stepDuration *= 2
        steps = stride(from: 0, to: steps.count, by: 2).map { index in
            var step = steps[index]
            guard index + 1 < steps.count else { return step }
            let next = steps[index + 1]
            step.bytes &+= next.bytes
            step.packets &+= next.packets
            step.lost &+= next.lost
            step.jitter = max(step.jitter, next.jitter)
            return step
        }
    }
}
