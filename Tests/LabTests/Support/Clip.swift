import Foundation

/// A test picture encoded once, so that every frame and every audio packet sent is known.
///
/// VP8 640x360 at 30 frames a second with a key frame each second, about 800 kbit/s, and Opus at
/// 64 kbit/s. Sending it again and again copies packets at their live pace and costs no encoding.
struct Clip {
    static let framesPerSecond = 30
    /// What one copy of it takes on the wire, a little above its mean.
    static let bitsPerSecond = 1_000_000
    /// An uplink that holds two copies and not three.
    static let uplinkOfTwo = "2400K"

    let seconds: Int
    let file: URL
    /// Digests of the frames a decoder sees, and of the audio packets, in order.
    let frames: [String]
    let audio: [String]

    /// Encodes `seconds` of picture and sound; `tone` in Hz sets one clip apart from another.
    ///
    /// The tone glides, because a steady one can repeat itself packet by packet.
    init(seconds: Int, tone: Int = 440, in directory: URL) throws {
        self.seconds = seconds
        file = directory.appending(path: "clip-\(tone).mkv")
        let (status, output) = try Program.outcome(
            [
                "ffmpeg", "-nostdin", "-v", "error", "-y", "-t", "\(seconds)", "-f", "lavfi",
                "-i", "testsrc2=size=640x360:rate=30,hue=h=\(tone % 360)",
                "-t", "\(seconds)", "-f", "lavfi",
                "-i", "aevalsrc=0.4*sin(2*PI*(\(tone)+9*t)*t):sample_rate=48000",
                "-c:v",
            ] + Self.videoCodec + ["-c:a"] + Self.audioCodec + [file.path])
        guard status == 0 else { throw LabError("ffmpeg encoded no clip: \(output)") }
        let digests = file.deletingPathExtension()
        _ = try Program.run(
            "ffmpeg", "-nostdin", "-v", "error", "-y", "-i", file.path,
            "-map", "0:v", "-fps_mode", "passthrough", "-f", "framemd5", "\(digests.path).video",
            "-map", "0:a", "-c", "copy", "-f", "framemd5", "\(digests.path).audio")
        frames = Digests.read("\(digests.path).video")
        audio = Digests.read("\(digests.path).audio")
    }

    /// Writes the session description of a camera that sends to `port` and `port + 2`.
    ///
    /// ffmpeg writes it while it encodes, so that it declares the bit rates as a live one does;
    /// `declaresRates` false leaves them out, as senders that copy do.
    func describe(port: Int, declaresRates: Bool = true, in directory: URL) throws -> URL {
        let session = directory.appending(path: "camera-\(port).sdp")
        let arguments =
            ["ffmpeg", "-nostdin", "-v", "error", "-y", "-t", "0.1", "-i", file.path]
            + outputs(to: "127.0.0.1", port: port, video: Self.videoCodec, audio: Self.audioCodec)
            + ["-sdp_file", session.path]
        let (status, output) = try Program.outcome(arguments)
        guard status == 0 else { throw LabError("ffmpeg wrote no session description: \(output)") }
        if !declaresRates {
            let text = try String(contentsOf: session, encoding: .utf8)
            let lines = text.components(separatedBy: "\n").filter { !$0.hasPrefix("b=") }
            try lines.joined(separator: "\n").write(to: session, atomically: true, encoding: .utf8)
        }
        return session
    }

    /// The command that sends the clip once, at its live pace, and says goodbye in RTCP.
    func sender(to host: String, port: Int) -> [String] {
        ["ffmpeg", "-nostdin", "-v", "error", "-re", "-i", file.path]
            + outputs(to: host, port: port, video: ["copy"], audio: ["copy"])
    }

    private func outputs(
        to host: String, port: Int, video: [String], audio: [String]
    ) -> [String] {
        func output(_ map: String, _ codec: [String], _ payload: Int, _ port: Int) -> [String] {
            ["-map", map, "-c"] + codec + [
                "-f", "rtp", "-payload_type", "\(payload)", "-rtpflags", "send_bye",
                "rtp://\(host):\(port)?pkt_size=1200",
            ]
        }
        return output("0:v", video, 96, port) + output("0:a", audio, 97, port + 2)
    }

    private static let videoCodec = [
        "libvpx", "-b:v", "800k", "-maxrate", "1000k", "-bufsize", "400k", "-deadline",
        "realtime", "-cpu-used", "12", "-lag-in-frames", "0", "-g", "30",
    ]
    private static let audioCodec = ["libopus", "-b:a", "64k"]
}

/// Reader of the files that ffmpeg's `framemd5` writes.
enum Digests {
    /// The sixth column of each line; what follows it hashes side data, such as RTCP's clock.
    static func read(_ path: String) -> [String] {
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: ",")
            guard !line.hasPrefix("#"), fields.count >= 6 else { return nil }
            let digest = fields[5].drop { $0 == " " }
            return digest.count == 32 ? String(digest) : nil
        }
    }
}
