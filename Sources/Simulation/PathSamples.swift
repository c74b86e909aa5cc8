import NetBasics

/// The links that the copies of some packets crossed: what stress and resource usage are made of.
struct PathSamples: Sendable {
    struct Sample: Sendable {
        var links: ContiguousArray<Int32> = []
        /// Who got the packet first over which delay; in order of arrival.
        var receivers: [(host: Int32, delay: Duration)] = []
    }

    /// Packets whose copies are followed: every so many of a source.
    var stride: Int32 = 0
    /// Samples at most; beyond it no new packet is followed.
    var limit = 64
    private(set) var samples: [(packet: MediaPacket, sample: Sample)] = []

    func follows(_ packet: MediaPacket) -> Int? {
        guard stride > 0, packet.number % stride == 0 else { return nil }
        return samples.firstIndex { $0.packet == packet }
    }

    mutating func publish(_ packet: MediaPacket) {
        guard stride > 0, packet.number % stride == 0, samples.count < limit else { return }
        samples.append((packet, Sample()))
    }

    mutating func copy(_ sample: Int, over network: inout Network, from: Int, to: Int) {
        var links = ContiguousArray<Int32>()
        swap(&links, &samples[sample].sample.links)
        network.forEachLink(from: from, to: to) { links.append($0) }
        swap(&links, &samples[sample].sample.links)
    }

    mutating func deliver(_ sample: Int, to host: Int, delay: Duration) {
        samples[sample].sample.receivers.append((Int32(host), delay))
    }
}

/// How well trees fit the network under them, over all followed packets.
package struct TreeQuality: Sendable {
    /// Overlay delay to a receiver, as a ratio to the direct path's.
    package var stretch = Histogram()
    package var stressSum = 0.0
    package var stressLinks = 0
    package var stressMaximum = 0
    /// Delay of all links times copies, and the same of the shortest-path source tree.
    package var usage = 0.0
    package var shortestPathUsage = 0.0

    package init() {}

    package var stressMean: Double { stressLinks == 0 ? 0 : stressSum / Double(stressLinks) }
    package var nru: Double { shortestPathUsage == 0 ? 0 : usage / shortestPathUsage }

    /// Stretches are kept in thousandths, as a distribution has no fractions below one.
    package static let stretchScale = 1000.0

    mutating func add(
        _ sample: PathSamples.Sample, of source: Int, over network: inout Network
    ) {
        for (link, copies) in Self.counted(sample.links) {
            stressSum += Double(copies)
            stressLinks += 1
            stressMaximum = max(stressMaximum, copies)
            usage += Double(copies) * network.delayOfLink(link).milliseconds
        }
        var direct = ContiguousArray<Int32>()
        for (host, delay) in sample.receivers {
            let least = network.delay(from: source, to: Int(host))
            if least > .zero {
                let ratio = delay.milliseconds / least.milliseconds
                stretch.add(ratio * Self.stretchScale)
            }
            network.forEachLink(from: source, to: Int(host)) { direct.append($0) }
        }
        for (link, _) in Self.counted(direct) {
            shortestPathUsage += network.delayOfLink(link).milliseconds
        }
    }

    private static func counted(
        _ links: ContiguousArray<Int32>
    ) -> [(link: Int32, copies: Int)] {
        var counts: [(link: Int32, copies: Int)] = []
        for link in links.sorted() {
            if counts.last?.link == link {
                counts[counts.count - 1].copies += 1
            } else {
                counts.append((link, 1))
            }
        }
        return counts
    }
}
