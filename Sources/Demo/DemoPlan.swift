import Management
import NetBasics

/// Who plays in the demo, where, and with which arguments; pure, so that tests can read it.
package struct DemoPlan: Equatable, Sendable {
    /// A process that joins the group.
    package struct Member: Equatable, Sendable {
        package var name: String
        package var address: String
        package var lan: String
        /// The first of the ports for remote streams; `nil`: nothing is delivered.
        package var deliverPort: UInt16?
        /// The lower port of the two pairs that ffmpeg sends to; `nil`: not fed by ffmpeg.
        package var inputPort: UInt16?
        package var source: Source?
    }

    /// What a member publishes.
    package enum Source: Equatable, Sendable {
        /// VP8 and Opus from ffmpeg, described by the file at the path.
        case ffmpeg(Picture)
        case pattern

        package var streamCount: Int { self == .pattern ? 1 : 2 }
    }

    /// A test picture of ffmpeg's; neither needs a font.
    package struct Picture: Equatable, Sendable {
        package var filter: String
        package var width: UInt32
        package var height: UInt32
        package var framesPerSecond: Int
        package var videoRate: String
        package var toneHertz: Int
    }

    package var rendezvousPort: UInt16
    package var members: [Member]
    /// Private to the run: sockets and session descriptions.
    package var privateDirectory: String
    /// After which children end by themselves, if nobody is left to stop them.
    package var lifetimeSeconds: Int

    package static let group = "demo"
    package static let fanout = 2
    /// What the built-in pattern sends.
    package static let pattern = "test:rate=2M,size=1200"
    /// Carries both sources to two children each, with room for peaks.
    package static let uplink = "16M"

    package static let picture = Picture(
        filter: "testsrc2", width: 640, height: 360, framesPerSecond: 30, videoRate: "800k",
        toneHertz: 440)
    package static let secondPicture = Picture(
        filter: "smptebars", width: 320, height: 180, framesPerSecond: 15, videoRate: "200k",
        toneHertz: 660)
    /// Two LANs, as far as peers can tell: the /24 of their addresses.
    private static let places = [
        ("alice", "127.0.1.1"), ("bob", "127.0.1.2"), ("carol", "127.0.1.3"),
        ("dave", "127.0.2.1"), ("erin", "127.0.2.2"),
    ]
    /// The members that publish.
    package static let firstSource = "alice"
    package static let secondSource = "dave"

    /// The five members, still without ports.
    package init(usesPattern: Bool, privateDirectory: String, lifetimeSeconds: Int) {
        rendezvousPort = 0
        self.privateDirectory = privateDirectory
        self.lifetimeSeconds = lifetimeSeconds
        members = Self.places.map { name, address in
            let source: Source? =
                switch name {
                case Self.firstSource: usesPattern ? .pattern : .ffmpeg(Self.picture)
                case Self.secondSource: usesPattern ? .pattern : .ffmpeg(Self.secondPicture)
                default: nil
                }
            let lan = address.hasPrefix("127.0.1.") ? "LAN A" : "LAN B"
            return Member(name: name, address: address, lan: lan, source: source)
        }
    }

    /// LAN by member.
    package var lans: [String: String] {
        Dictionary(members.map { ($0.name, $0.lan) }) { first, _ in first }
    }

    package var sources: [Member] { members.filter { $0.source != nil } }

    package var usesPattern: Bool { members.contains { $0.source == .pattern } }

    // MARK: - Paths

    package func socketPath(of member: Member) -> String {
        "\(privateDirectory)/\(member.name).sock"
    }

    /// Where a member writes the session descriptions of the others.
    package func sessionDirectory(of member: Member) -> String {
        "\(privateDirectory)/\(member.name)"
    }

    /// The session description that ffmpeg writes for a source.
    package func inputDescription(of member: Member) -> String {
        "\(privateDirectory)/\(member.name)-input.sdp"
    }

    // MARK: - Arguments

    package var rendezvousArguments: [String] {
        [
            "rendezvous", "--listen", "127.0.0.1:\(rendezvousPort)", "--duration",
            "\(lifetimeSeconds)s",
        ]
    }

    package func joinArguments(of member: Member) -> [String] {
        var arguments = [
            "join", "polycast://127.0.0.1:\(rendezvousPort)/\(Self.group)",
            "--name", member.name, "--bind", "\(member.address):0",
            "--fanout", "\(Self.fanout)", "--uplink", Self.uplink,
            "--duration", "\(lifetimeSeconds)s", "--socket", socketPath(of: member), "--json",
        ]
        switch member.source {
        case .pattern: arguments += ["--publish", Self.pattern]
        case .ffmpeg: arguments += ["--publish", inputDescription(of: member)]
        case nil: break
        }
        if let port = member.deliverPort {
            arguments += [
                "--deliver", "rtp://\(member.address):\(port)",
                "--sdp-dir", sessionDirectory(of: member),
            ]
        }
        return arguments
    }

    /// Arguments of the ffmpeg that feeds a member; `nil` if none does.
    package func encoderArguments(of member: Member) -> [String]? {
        guard case .ffmpeg(let picture) = member.source, let port = member.inputPort else {
            return nil
        }
        let size = "\(picture.width)x\(picture.height)"
        let rate = picture.framesPerSecond
        func output(_ port: UInt16) -> [String] {
            ["-f", "rtp", "rtp://\(member.address):\(port)?pkt_size=1200"]
        }
        func input(_ filter: String) -> [String] {
            ["-re", "-t", "\(lifetimeSeconds)", "-f", "lavfi", "-i", filter]
        }
        // A key frame each second lets who joins late see a picture soon.
        let video = [
            "-map", "0:v", "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8",
            "-threads", "1", "-g", "\(rate)", "-b:v", picture.videoRate,
        ]
        let audio = ["-map", "1:a", "-c:a", "libopus", "-b:a", "48k"]
        return ["-hide_banner", "-nostdin", "-loglevel", "warning"]
            + input("\(picture.filter)=size=\(size):rate=\(rate)")
            + input("sine=frequency=\(picture.toneHertz):sample_rate=48000")
            + video + output(port) + audio + output(port &+ 2)
            + ["-sdp_file", inputDescription(of: member)]
    }

    /// Arguments of the ffmpeg that decodes one frame of `source` as delivered to `member`.
    package func decoderArguments(
        of member: Member, source: String, output: String
    ) -> [String] {
        [
            "-hide_banner", "-nostdin", "-loglevel", "error", "-protocol_whitelist",
            "file,udp,rtp", "-i", "\(sessionDirectory(of: member))/\(source).sdp",
            "-map", "0:v:0", "-frames:v", "1", "-update", "1", "-y", output,
        ]
    }
}
