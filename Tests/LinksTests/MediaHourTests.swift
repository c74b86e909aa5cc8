import CLinux
import Forwarding
import NetBasics
import Testing
import Wire

/// An hour in which a source begins every ten seconds and its numbers wrap in the middle, while
/// something else happens.
private struct Hour {
    /// What happens while numbers wrap.
    enum Incident: Int, CaseIterable {
        case nothing, outage, parentChange, roam, outageAndParentChange
    }

    private let diamond: MediaDiamond
    private var generator: SeededGenerator
    /// Packets of a source that were not delivered once to a peer.
    private(set) var wrong: [String] = []
    private(set) var wraps: [Incident: Int] = [:]
    /// Wraps within a second of which a link changed its keys.
    private(set) var wrapsAtKeyChanges = 0
    private var ended: PeerID?

    init(seed: UInt64) throws {
        diamond = try MediaDiamond(seed: seed)
        generator = SeededGenerator(seed: seed)
    }

    private static let ticksOfSource = 1000
    private static let interval = ticksOfSource / MediaDiamond.packetsOfSource

    /// One source's ten seconds.
    mutating func run(source number: Int) throws {
        let source = PeerID(rawValue: 1000 + UInt64(number))
        let incident = Incident.allCases[number % Incident.allCases.count]
        let half = UInt32(MediaDiamond.packetsOfSource / 2)
        // The wrap is a few packets before or after the incident.
        let before = half &- 8 &+ UInt32(generator.uniform(below: 16))
        ended = diamond.sources.last
        diamond.publish(source, from: 0 &- before)
        var published = 0
        var keysBefore = 0
        for tick in 0..<Self.ticksOfSource {
            // A stream begins for a peer with the first packet that it gets: be it the first of all.
            diamond.loss = tick < 2 * Self.interval ? 0 : 0.05
            // Two at a time, so that they overtake each other.
            if tick % (2 * Self.interval) == 0 {
                for _ in 0..<2 where published < MediaDiamond.packetsOfSource {
                    diamond.originate(published)
                    published += 1
                }
            }
            if tick == Self.ticksOfSource / 2 { cause(incident) }
            if tick == Self.ticksOfSource / 2 - 100 { keysBefore = keyChanges }
            if tick == Self.ticksOfSource / 2 + 100, keyChanges != keysBefore {
                wrapsAtKeyChanges += 1
            }
            try diamond.step()
            // The last packets of the former source may still be on their way.
            if tick == 150, let ended { check(ended) }
        }
        wraps[incident, default: 0] += 1
    }

    private var keyChanges: Int { diamond.links.reduce(0) { $0 + $1.keyChanges } }

    private mutating func cause(_ incident: Incident) {
        switch incident {
        case .nothing: break
        case .outage: diamond.links[generator.uniform(below: 5)].deafUntil = diamond.ticks + 15
        case .parentChange: diamond.changeParent()
        case .roam:
            diamond.roam(
                .init(link: generator.uniform(below: 5), end: generator.uniform(below: 2))
            )
        case .outageAndParentChange:
            diamond.links[diamond.parent + 1].deafUntil = diamond.ticks + 15
            diamond.changeParent()
        }
    }

    private mutating func check(_ source: PeerID) {
        for (index, node) in diamond.nodes.enumerated() {
            guard let counts = node.delivered[source] else { continue }
            for (number, count) in counts.enumerated() where count != 1 {
                wrong.append("\(source), packet \(number) at peer \(index): \(count) times")
            }
        }
    }

    func expectGoodEnd() {
        #expect(wrong.isEmpty, "\(wrong.prefix(10))")
        #expect(diamond.lost > diamond.sent / 30, "without losses nothing is shown")
        #expect(diamond.wrongTags == 0)
        #expect(diamond.unopened == 0)
        for node in diamond.nodes {
            #expect(node.forwarder.dropCount(.tooOld) == 0)
            #expect(node.forwarder.dropCount(.unknownLink) == 0)
            #expect(node.forwarder.repairCounts.gaveUp == 0)
        }
        let drops = diamond.links.flatMap(\.ends).map(\.links.drops)
        #expect(drops.allSatisfy { $0.keys.allSatisfy { $0 == .replayed } }, "\(drops)")
        #expect(wraps.values.allSatisfy { $0 == 72 } && wraps.count == 5, "\(wraps)")
        #expect(wrapsAtKeyChanges > 10, "\(wrapsAtKeyChanges)")
        // Both ends of five links, every two minutes, take up new keys and use them.
        #expect(keyChanges > 5 * 2 * 28, "\(keyChanges)")
    }
}

@Suite struct MediaHourTests {
    /// In a process of its own, whose memory is nobody else's.
    @Test(arguments: [1, 2] as [UInt64])
    func anHourOfWrapsNewKeysAndRoamsLosesNothing(seed: UInt64) async {
        await #expect(processExitsWith: .success) { [seed] in
            var hour = try Hour(seed: seed)
            for source in 0..<90 { try hour.run(source: source) }
            // Sources that have ended are remembered up to a limit, which is reached by now.
            let before = mallinfo2().uordblks
            for source in 90..<360 { try hour.run(source: source) }
            let grown = Int(mallinfo2().uordblks) - Int(before)
            hour.expectGoodEnd()
            #expect(grown < 64 * 1024, "seed \(seed): \(grown) bytes more than after 15 minutes")
        }
    }
}
