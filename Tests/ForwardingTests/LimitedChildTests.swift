import Forwarding
import NetBasics
import Testing
import Wire

/// A child whose link carries a quarter of what is published, beside one whose link carries all.
@Suite struct LimitedChildTests {
    struct Case: CustomTestStringConvertible {
        var name: String
        /// What the video has, and the link carries; kbit/s.
        var video: Double
        var link: Bottleneck.Link
        /// When the first seconds are over.
        var settled = Duration.seconds(3)
        /// Of the video, what must arrive in time at least.
        var least = 0.15
        var testDescription: String { name }

        static func queue(
            _ milliseconds: Double, video: Double = 2000, loss: Double = 0
        ) -> Case {
            let rate = (video + 90) / 4
            return Case(
                name: "\(milliseconds) ms at \(rate) kbit/s, loss \(loss)", video: video,
                link: .queue(kilobits: rate, milliseconds: milliseconds, loss: loss),
                least: loss > 0 ? 0.12 : 0.15)
        }
    }

    static let cases: [Case] =
        [5.0, 20, 100, 500].map { .queue($0) } + [
            .queue(20, loss: 0.05), .queue(100, loss: 0.05), .queue(500, loss: 0.05),
            .queue(100, video: 700), .queue(100, video: 20_000),
            Case(name: "policer", video: 2000, link: .policer(kilobits: 522)),
            Case(
                name: "policer, loss", video: 2000, link: .policer(kilobits: 522, loss: 0.05),
                least: 0.12),
            // Nothing can be known before the queue has been passed.
            Case(
                name: "two seconds of queue", video: 2000,
                link: .queue(kilobits: 522, milliseconds: 2000), settled: .seconds(10)),
        ]

    @Test(arguments: cases)
    func itsAudioStaysWholeAndItsSiblingIsNotTouched(_ test: Case) {
        var world = Bottleneck([test.link, .init()])

        world.run([.audio, .video(kilobits: test.video)], for: .seconds(25))

        let end = Duration.seconds(25)
        let audio = world.share(of: Bottleneck.audio, at: 0, from: test.settled, until: end)
        let video = world.share(of: Bottleneck.video, at: 0, from: test.settled, until: end)
        #expect(audio.share >= 0.999, "\(audio)")
        #expect(video.share >= test.least, "\(video)")
        #expect(video.share < 0.3, "\(video)")
        for stream in [Bottleneck.audio, Bottleneck.video] {
            let all = world.share(of: stream, at: 1, from: .zero, until: end)
            #expect(all.inTime == all.published)
        }
        #expect(world.flow(1).phase == .calm)
        #expect(world.words(1) == 0)
        // Every packet that did not go out is counted, and not asked for five times each.
        let counts = world.flow(0).shedCounts
        #expect(counts.late > 500)
        #expect(world.repairs(0).leftOut > counts.late / 2)
        #expect(world.asked(0) < 2 * Int(counts.late))
    }

    @Test(arguments: [0.01, 0.05], 1...3)
    func lossThatIsTheLinksOwnDoesNotLimit(loss: Double, seed: Int) {
        var world = Bottleneck([.init(loss: loss)], seed: UInt64(seed))

        world.run([.audio, .video(kilobits: 2000)], for: .seconds(30))

        #expect(world.flow(0).shedCounts == .init())
        #expect(world.flow(0).phase != .limited)
        let video = world.share(of: Bottleneck.video, at: 0, from: .zero, until: .seconds(30))
        #expect(video.share >= 0.999)
        // What looking costs: ten questions a second, but less and less often.
        #expect(world.words(0) > 0)
        #expect(world.words(0) < 90)
    }

    @Test(arguments: [0.2, 0.3], 1...3)
    func lossThatIsTheLinksOwnIsTriedOnceAndBelieved(loss: Double, seed: Int) {
        var world = Bottleneck([.init(loss: loss)], seed: UInt64(seed))

        world.run([.audio, .video(kilobits: 2000)], for: .seconds(30))

        let shed = world.flow(0).shedCounts
        let video = world.share(of: Bottleneck.video, at: 0, from: .zero, until: .seconds(30))
        #expect(shed.late + shed.full < UInt64(video.published) / 10, "\(shed)")
        #expect(video.share > 0.88, "\(video)")
    }

    @Test func aLinkThatCarriesEverythingAgainGetsEverythingSoon() {
        let narrow = Bottleneck.Link.queue(kilobits: 522, milliseconds: 100)
        var world = Bottleneck([narrow])
        let flows: [Bottleneck.Flow] = [.audio, .video(kilobits: 2000)]

        world.run(flows, for: .seconds(10))
        #expect(world.flow(0).isLimited)
        world.setLink(.init(), of: 0)
        world.run(flows, for: .seconds(40))

        let video = world.share(
            of: Bottleneck.video, at: 0, from: .seconds(35), until: .seconds(52))
        #expect(video.share > 0.99, "\(video), \(world.flow(0).rate ?? 0)")
    }

    @Test func aDetourIsNoQueue() {
        var world = Bottleneck([.init(), .queue(kilobits: 522, milliseconds: 100)])
        let flows: [Bottleneck.Flow] = [.audio, .video(kilobits: 2000)]

        world.run(flows, for: .seconds(6))
        var longer = Bottleneck.Link.queue(kilobits: 522, milliseconds: 100)
        longer.delay = .milliseconds(140)
        world.setLink(longer, of: 1)
        world.run(flows, for: .seconds(30))

        let audio = world.share(
            of: Bottleneck.audio, at: 1, from: .seconds(12), until: .seconds(38))
        let video = world.share(
            of: Bottleneck.video, at: 1, from: .seconds(20), until: .seconds(38))
        #expect(audio.share >= 0.999)
        #expect(video.share > 0.13, "\(video), \(world.flow(1).rate ?? 0)")
    }

    @Test func theSameSeedGivesTheSameRun() {
        let link = Bottleneck.Link.queue(kilobits: 522, milliseconds: 100, loss: 0.05)
        let shed = (0..<2).map { _ in
            var world = Bottleneck([link], seed: 7)
            world.run([.audio, .video(kilobits: 2000)], for: .seconds(5))
            return world.flow(0).shedCounts
        }

        #expect(shed[0] == shed[1])
    }
}
