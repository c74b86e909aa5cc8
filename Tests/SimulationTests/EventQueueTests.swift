import NetBasics
import Simulation
import Testing

@Suite struct EventQueueTests {
    @Test func eventsComeInOrderOfTimeAndThenOfInsertion() {
        var generator = SeededGenerator(seed: 7)
        var queue = EventQueue<Int>()
        var expected: [(at: Int64, number: Int)] = []
        for number in 0..<2000 {
            let at = Int64(generator.uniform(below: 100))
            queue.insert(number, at: Instant(nanoseconds: at))
            expected.append((at, number))
        }
        expected.sort { ($0.at, $0.number) < ($1.at, $1.number) }

        var taken: [Int] = []
        while let next = queue.popFirst() { taken.append(next.event) }

        #expect(taken == expected.map(\.number))
        #expect(queue.nextInstant == nil)
    }

    @Test func insertionsBetweenRemovalsKeepTheOrder() {
        var generator = SeededGenerator(seed: 8)
        var queue = EventQueue<Int>()
        var now: Int64 = 0
        for round in 0..<5000 {
            queue.insert(round, at: Instant(nanoseconds: now + Int64(generator.uniform(below: 50))))
            if generator.uniform(below: 3) > 0, let next = queue.popFirst() {
                #expect(next.at.nanoseconds >= now)
                now = next.at.nanoseconds
            }
        }
    }
}
