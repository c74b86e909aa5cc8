import Foundation
import Management

/// One member's camera in a conference, and the players that watch it.
final class Broadcast {
    let clip: Clip
    let source: Peer
    private let lab: NetworkLab
    private let port: Int
    private var players: [(peer: Peer, player: any Player)] = []
    private(set) var camera: Program?

    /// The member at `host` joins and publishes what a camera at `port` will send.
    init(
        of clip: Clip, at host: NetworkLab.Host, in conference: Conference,
        declaresRates: Bool = true
    ) throws {
        self.clip = clip
        lab = conference.lab
        port = 5004
        let session = try clip.describe(
            port: port, declaresRates: declaresRates, in: lab.directory)
        source = try conference.join(
            host, "--publish", session.path, "--uplink", Clip.uplinkOfTwo, "--deliver",
            "rtp://127.0.0.1:6000")
    }

    /// Opens a player on each peer once the peer has described the broadcast.
    func watch(
        from peers: [Peer],
        with open: (URL, NetworkLab.Host, NetworkLab, String) throws -> any Player = Decoder.init
    ) async throws {
        for peer in peers {
            let session = peer.sessions.appending(path: "\(source.name).sdp")
            let isThere = try await eventually(within: .seconds(10)) {
                let text = (try? String(contentsOf: session, encoding: .utf8)) ?? ""
                return text.contains("m=video") && text.contains("m=audio")
            }
            guard isThere else {
                throw LabError("\(peer.name) wrote no \(session.lastPathComponent) in 10 s")
            }
            let name = "\(peer.name)-watches-\(source.name)"
            let player = try open(session, peer.host, lab, name)
            players.append((peer, player))
            // GStreamer plays only the video, which comes first.
            let ports = try mediaPorts(in: session).prefix(player is Decoder ? 2 : 1)
            guard try await player.listens(on: Array(ports)) else {
                throw LabError("\(name) does not listen: \(player.program.errors)")
            }
        }
    }

    /// Starts to send the clip, once.
    func play() throws {
        camera = try lab.start(
            clip.sender(to: "127.0.0.1", port: port), in: source.host, name: "camera-\(source.name)"
        )
    }

    /// Waits for the end of the clip; what each peer's player got.
    func finish() async throws -> [(peer: Peer, reception: Reception)] {
        guard let camera, try await camera.ends(within: .seconds(clip.seconds + 10)) else {
            throw LabError("the camera of \(source.name) did not end")
        }
        var receptions: [(Peer, Reception)] = []
        for (peer, player) in players {
            receptions.append((peer, try await player.finish()))
        }
        return receptions
    }
}

/// Datagrams counted over an interval, while nothing else changes.
struct CopyCount {
    let published: Int
    let crossing: Int
    /// By how much they may be apart only because one was read after the other.
    let uncertainty: Int

    /// Copies of each packet that crossed the router.
    var copies: Double { Double(crossing) / Double(max(published, 1)) }

    /// Within two percent.
    var isOneCopy: Bool { 50 * max(abs(crossing - published) - uncertainty, 0) <= published }
}

extension Broadcast {
    typealias Direction = KeyPath<NetworkLab.RouterCounters, Int>

    /// Counts what each camera hands to its source and what the router forwards meanwhile.
    static func copiesCrossing(
        _ flows: [(broadcast: Broadcast, direction: Direction)], during interval: Duration
    ) async throws -> [CopyCount] {
        let before = try flows.map { try $0.broadcast.sample($0.direction) }
        try await Task.sleep(for: interval)
        let after = try flows.map { try $0.broadcast.sample($0.direction) }
        return zip(before, after).map { before, after in
            CopyCount(
                published: after.fed - before.fed, crossing: after.forwarded - before.forwarded,
                uncertainty: after.uncertainty + before.uncertainty)
        }
    }

    /// Waits until one copy of each flow crosses the router for two seconds; whether it came to that.
    static func settles(
        _ flows: [(broadcast: Broadcast, direction: Direction)], within limit: Duration
    ) async throws -> Bool {
        let end = ContinuousClock.now + limit
        while ContinuousClock.now < end {
            let counts = try await copiesCrossing(flows, during: .seconds(2))
            if counts.allSatisfy(\.isOneCopy) { return true }
        }
        return false
    }

    private struct Sample {
        var fed: Int
        var forwarded: Int
        /// What was fed while the router's counter was read.
        var uncertainty: Int
    }

    /// Both counts at one moment, as far as that can be had.
    ///
    /// A key frame between the two readings would look like twenty copies too many.
    private func sample(_ direction: Direction) throws -> Sample {
        var best: Sample?
        for _ in 0..<10 {
            let before = try lab.counters(of: source.host).fed
            let forwarded = try lab.routerCounters()[keyPath: direction]
            let passed = try lab.counters(of: source.host).fed - before
            if let known = best, known.uncertainty <= passed { continue }
            best = Sample(fed: before, forwarded: forwarded, uncertainty: passed)
            if passed <= 2 { break }
        }
        guard let best else { throw LabError("nothing counted at \(source.name)") }
        return best
    }
}
