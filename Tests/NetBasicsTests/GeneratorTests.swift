import NetBasics
import Testing

@Suite struct GeneratorTests {
    /// From the authors' C code for xoshiro256**, its state filled by their splitmix64.
    static let reference: [(seed: UInt64, draws: [UInt64])] = [
        (
            0,
            [
                0x99EC_5F36_CB75_F2B4, 0xBF6E_1F78_4956_452A, 0x1A5F_849D_4933_E6E0,
                0x6AA5_94F1_262D_2D2C,
            ]
        ),
        (
            1_234_567,
            [
                3_504_822_795_582_309_479, 1_819_558_768_956_484_042, 1_250_851_346_055_027_673,
                16_940_231_675_099_994_102,
            ]
        ),
    ]

    @Test(arguments: reference)
    func drawsAreThoseOfTheReference(seed: UInt64, expected: [UInt64]) {
        var generator = SeededGenerator(seed: seed)

        #expect((0..<4).map { _ in generator.next() } == expected)
    }

    @Test func aChildDoesNotRepeatItsParent() {
        var parent = SeededGenerator(seed: 5)
        var child = parent.child()

        let draws = (0..<100).map { _ in parent.next() } + (0..<100).map { _ in child.next() }

        #expect(Set(draws).count == 200)
    }

    @Test(arguments: [1, 2, 3, 7, 10, 1000])
    func boundedDrawsAreUniform(bound: Int) {
        var generator = SeededGenerator(seed: 6)
        var counts = [Int](repeating: 0, count: bound)
        let drawCount = bound * 1000

        for _ in 0..<drawCount { counts[generator.uniform(below: bound)] += 1 }

        let chiSquare = counts.reduce(0.0) { $0 + Double(($1 - 1000) * ($1 - 1000)) / 1000 }
        let freedom = Double(bound - 1)
        #expect(abs(chiSquare - freedom) <= 5 * (2 * freedom).squareRoot())
    }

    @Test func theLargestBoundWorks() {
        var generator = SeededGenerator(seed: 7)

        #expect((0..<100).allSatisfy { _ in generator.uniform(below: .max) >= 0 })
    }

    @Test func noBoundBelowOneIsAccepted() async {
        await #expect(processExitsWith: .failure) {
            var generator = SeededGenerator(seed: 0)
            _ = generator.uniform(below: 0)
        }
    }

    @Test func fractionsLieBetweenZeroAndOne() {
        var generator = SeededGenerator(seed: 8)
        let fractions = (0..<10_000).map { _ in generator.uniformFraction() }

        #expect(fractions.allSatisfy { (0..<1).contains($0) })
        #expect(abs(fractions.reduce(0, +) / 10_000 - 0.5) < 0.02)
    }

    @Test func jitterStaysInItsRange() throws {
        var generator = SeededGenerator(seed: 9)
        let draws = (0..<10_000).map { _ in generator.jittered(.seconds(10), by: 0.2) }

        let (least, most) = (try #require(draws.min()), try #require(draws.max()))
        #expect(least >= .seconds(8) && least < .milliseconds(8100))
        #expect(most <= .seconds(12) && most > .milliseconds(11_900))
    }

    @Test func jitterOfTheLongestDurationSaturates() {
        var generator = SeededGenerator(seed: 10)

        for duration in [Duration.nanoseconds(Int64.max), .nanoseconds(Int64.min), .zero] {
            for _ in 0..<100 {
                let length = generator.jittered(duration, by: 0.5)
                #expect((length < .zero) == (duration < .zero))
                #expect((length > .zero) == (duration > .zero))
            }
        }
    }

    @Test func samplesHaveNoRepetition() {
        var generator = SeededGenerator(seed: 11)

        for count in -1...12 {
            let sample = generator.sample(count, of: Array(0..<10))
            #expect(sample.count == min(max(count, 0), 10))
            #expect(Set(sample).count == sample.count)
        }
    }
}
