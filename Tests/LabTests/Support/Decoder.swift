import Foundation

/// Something that plays a session description and can say what it got.
protocol Player {
    init(session: URL, in host: NetworkLab.Host, of lab: NetworkLab, name: String) throws
    var program: Program { get }
    func finish() async throws -> Reception
}

extension Player {
    /// Waits until all `ports` are open in the player's namespace: what comes before is lost.
    func listens(on ports: [Int], within limit: Duration = .seconds(20)) async throws -> Bool {
        try await eventually(within: limit) {
            let open = program.openUDPPorts
            return ports.allSatisfy(open.contains)
        }
    }
}

/// The RTP ports of a session description, in the order of its media.
func mediaPorts(in session: URL) throws -> [Int] {
    try String(contentsOf: session, encoding: .utf8)
        .matches(of: #/(?m)^m=\w+ (\d+) /#).compactMap { Int($0.1) }
}

/// A player that opens a session description and writes down what it decoded.
///
/// The pictures are decoded and the audio packets taken as they are; both are compared with the
/// clip digest by digest, so one lost, repeated or changed packet shows.
final class Decoder: Player {
    let program: Program
    private let video: URL
    private let audio: URL

    /// Opens `session` inside `host`.
    init(session: URL, in host: NetworkLab.Host, of lab: NetworkLab, name: String) throws {
        video = lab.directory.appending(path: "\(name).video")
        audio = lab.directory.appending(path: "\(name).audio")
        program = try lab.start(
            [
                "ffmpeg", "-nostdin", "-v", "warning", "-y",
                "-protocol_whitelist", "file,rtp,udp", "-listen_timeout", "30",
                "-i", session.path,
                "-map", "0:v", "-fps_mode", "passthrough", "-flush_packets", "1",
                "-f", "framemd5", video.path,
                "-map", "0:a", "-c", "copy", "-flush_packets", "1", "-f", "framemd5", audio.path,
            ], in: host, name: name)
    }

    /// Ends by itself at RTCP's goodbye; when that did not come, by SIGINT after 4 s.
    func finish() async throws -> Reception {
        if try await !program.ends(within: .seconds(4)) { try await program.interrupt() }
        return Reception(
            frames: Digests.read(video.path), audio: Digests.read(audio.path),
            errors: program.errors)
    }
}

/// GStreamer's VP8 decoder on the port of the session's video.
final class GStreamerPlayer: Player {
    let program: Program
    private let pictures: URL

    init(session: URL, in host: NetworkLab.Host, of lab: NetworkLab, name: String) throws {
        let text = try String(contentsOf: session, encoding: .utf8)
        guard let media = text.firstMatch(of: /m=video (\d+) RTP\/AVP (\d+)/) else {
            throw LabError("no video in \(text)")
        }
        pictures = lab.directory.appending(path: "\(name).i420")
        let caps =
            "application/x-rtp,media=video,clock-rate=90000,encoding-name=VP8,payload=\(media.2)"
        program = try lab.start(
            [
                "gst-launch-1.0", "-q", "-e", "udpsrc", "port=\(media.1)", "caps=\(caps)", "!",
                "rtpjitterbuffer", "latency=100", "!", "rtpvp8depay", "!", "vp8dec", "!",
                "filesink", "location=\(pictures.path)",
            ], in: host, name: name)
    }

    /// GStreamer keeps waiting for more, so it is told when to stop.
    func finish() async throws -> Reception {
        try await Task.sleep(for: .milliseconds(500))
        try await program.interrupt()
        let digests = pictures.appendingPathExtension("video").path
        _ = try Program.run(
            "ffmpeg", "-nostdin", "-v", "error", "-f", "rawvideo", "-pix_fmt", "yuv420p",
            "-s", "640x360", "-i", pictures.path, "-f", "framemd5", digests)
        return Reception(frames: Digests.read(digests), audio: [], errors: program.errors)
    }
}

/// What a decoder got, against what was sent.
struct Reception {
    var frames: [String]
    var audio: [String]
    var errors: String

    /// Share of the frames of `clip` that were decoded, in order and unchanged.
    func share(of clip: Clip) -> Double {
        Self.matched(frames, clip.frames[...]) / Double(clip.frames.count)
    }

    /// The same for the audio packets.
    func audioShare(of clip: Clip) -> Double {
        Self.matched(audio, clip.audio[...]) / Double(clip.audio.count)
    }

    /// Frames that are not in the clip at all: damaged, or repeated.
    func strangers(to clip: Clip) -> Int {
        frames.count - Int(Self.matched(frames, clip.frames[...]))
    }

    /// Index of the first decoded frame, and the share decoded from there to the end.
    func shareSinceFirst(of clip: Clip) -> (first: Int, share: Double)? {
        guard let frame = frames.first, let first = clip.frames.firstIndex(of: frame) else {
            return nil
        }
        let rest = clip.frames[first...]
        return (first, Self.matched(frames, rest) / Double(rest.count))
    }

    /// Length of the longest common run in order, found greedily: sent frames are all different.
    private static func matched(_ received: [String], _ sent: ArraySlice<String>) -> Double {
        let places = Dictionary(zip(sent, sent.indices)) { first, _ in first }
        var last = -1
        var count = 0
        for digest in received {
            guard let place = places[digest], place > last else { continue }
            last = place
            count += 1
        }
        return Double(count)
    }
}
