import Foundation
import Media
import NetBasics
import PacketFormats
import Sockets
import Testing
import Wire

/// ffmpeg sends into a published stream, and players open what is delivered: the whole way
/// through both edges, on loopback, without the network between.
@Suite(.serialized) struct PlayerTests {
    private static let hasFFmpeg = Tool.path("ffmpeg") != nil && Tool.path("ffprobe") != nil
    /// Debian has `sdpdemux` in gstreamer1.0-plugins-bad.
    private static let hasGStreamer =
        hasFFmpeg && (try? Tool.run("gst-inspect-1.0", "sdpdemux"))?.contains("Factory") == true

    @Test(.enabled(if: hasFFmpeg, "ffmpeg and ffprobe are not installed"))
    func ffprobeAndFFmpegOpenTheFile() throws {
        let conference = try Conference()
        defer { conference.end() }

        let probe = try Tool.run(
            "ffprobe", "-v", "error", "-protocol_whitelist", "file,udp,rtp", "-show_entries",
            "stream=codec_name,codec_type,width,height", "-of", "csv=p=0", conference.file)
        let decode = try Tool.run(
            "ffmpeg", "-v", "error", "-protocol_whitelist", "file,udp,rtp", "-i",
            conference.file, "-map", "0:v", "-frames:v", "10", "-f", "framemd5", "-")

        let lines = probe.split(separator: "\n")
        #expect(lines.contains { $0.hasPrefix("vp8,video,320,180") }, "\(probe)")
        #expect(lines.contains { $0.hasPrefix("opus,audio") }, "\(probe)")
        let frames = decode.split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(frames.count == 10, "\(decode)")
    }

    @Test(.enabled(if: hasGStreamer, "ffmpeg or GStreamer's sdpdemux is not installed"))
    func gstreamerOpensTheFile() throws {
        let conference = try Conference()
        defer { conference.end() }

        let video = try Tool.run(
            "gst-launch-1.0", "filesrc", "location=\(conference.file)", "!", "sdpdemux",
            "name=d", "d.stream_0", "!", "rtpvp8depay", "!", "fakesink", "num-buffers=10")

        #expect(video.contains("Got EOS"), "\(video)")
    }
}

/// ffmpeg's test picture and tone, published from ffmpeg's own SDP file and delivered.
private final class Conference: @unchecked Sendable {
    let directory = TemporaryDirectory()
    let file: String
    private let sender: Process
    private let thread: Thread

    init() throws {
        let ports = try freePorts()
        let published = directory.path + "/cam.sdp"
        sender = try Tool.start(
            "ffmpeg", "-v", "error", "-re", "-f", "lavfi", "-i", "testsrc=size=320x180:rate=15",
            "-f", "lavfi", "-i", "sine", "-map", "0", "-t", "60", "-c:v", "libvpx", "-b:v",
            "300k", "-g", "15", "-deadline", "realtime", "-f", "rtp",
            "rtp://127.0.0.1:\(ports[0])?pkt_size=1200", "-map", "1", "-t", "60", "-c:a", "libopus",
            "-b:a",
            "32k", "-f", "rtp", "rtp://127.0.0.1:\(ports[1])", "-sdp_file", published)
        try waitForFile(published)
        let streams = try PublishedStream.streams(of: [PublishSpec(parsing: published)])
        let spec = try DeliverSpec(parsing: "rtp://127.0.0.1:\(ports[2])")
        let relay = try Relay(streams, to: spec)
        file = try relay.describe(in: directory.path + "/members", streams)
        thread = Thread { relay.run() }
        thread.start()
    }

    /// Stops the sender and the relay.
    func end() {
        // Not SIGTERM, which a process that a worker thread starts may have blocked.
        kill(sender.processIdentifier, SIGKILL)
        sender.waitUntilExit()
        thread.cancel()
        while !thread.isFinished { usleep(1000) }
    }
}

/// Both edges back to back, as the daemon wires them.
private final class Relay: @unchecked Sendable {
    private let source = PeerID(rawValue: 0xABCD)
    private let edges: [PublishEdge]
    private var delivery: DeliveryEdge
    private var batch = PacketBatch()

    init(_ streams: [PublishedStream], to spec: DeliverSpec) throws {
        edges = try streams.map { try PublishEdge($0) }
        delivery = try DeliveryEdge([spec])
        for (index, stream) in streams.enumerated() {
            _ = delivery.add(StreamID(source: source, index: UInt8(index)), format: stream.format)
        }
    }

    func describe(in path: String, _ streams: [PublishedStream]) throws -> String {
        let name = try #require(MemberName("alice"))
        let address = try endpoint("127.0.0.1:1").address
        var session = MemberSession(source: source, member: name, address: address)
        for (index, stream) in streams.enumerated() {
            let id = StreamID(source: source, index: UInt8(index))
            let description = StreamDescription(
                stream: id, version: 1, streamCount: UInt8(streams.count), kind: stream.kind,
                priority: stream.priority, format: stream.format,
                rate: stream.rate?.kilobitsPerSecond ?? 0, member: name,
                mediaText: stream.mediaText)
            let endpoints = delivery.endpoints(of: id)
            try session.update(description, port: try #require(endpoints.first).port)
        }
        var directory = try SessionDirectory(path: path)
        try directory.update(session)
        return path + "/alice.sdp"
    }

    func run() {
        do {
            var loop = try EventLoop()
            for (index, edge) in edges.enumerated() {
                for (port, number) in edge.descriptors {
                    try loop.watch(number, key: 2 * index + (port == .control ? 1 : 0))
                }
            }
            var ready: [Int] = []
            while !Thread.current.isCancelled {
                loop.wait(until: Clocks.now + .milliseconds(50), ready: &ready)
                for key in ready { try relay(key) }
            }
        } catch {
            Issue.record(error)
        }
    }

    private func relay(_ key: Int) throws {
        let stream = StreamID(source: source, index: UInt8(key / 2))
        try edges[key / 2].receive(on: key % 2 == 0 ? .data : .control, into: &batch) {
            delivery.deliver($0, of: stream, isControlFlow: $1)
        }
        delivery.flush()
    }
}

private enum Tool {
    static func path(_ name: String) -> String? {
        let folders = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return folders.split(separator: ":").map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    static func start(_ name: String, _ arguments: String...) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(path(name)))
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
    }

    /// What the tool printed; it is stopped after 30 s.
    static func run(_ name: String, _ arguments: String...) throws -> String {
        guard let tool = path(name) else { return "" }
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: try #require(path("timeout")))
        process.arguments = ["-s", "KILL", "30", tool] + arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: output, as: UTF8.self)
    }
}

/// Even ports with their odd neighbors free at this moment, room above the last.
private func freePorts() throws -> [UInt16] {
    var ports: [UInt16] = []
    for _ in 0..<1000 where ports.count < 3 {
        let port = UInt16.random(in: 10_000...29_000) & ~7
        let pairs = try (0..<4).map { try endpoint("127.0.0.1:\(Int(port) + $0)") }
        guard !ports.contains(port),
            pairs.allSatisfy({ (try? UDPSocket(binding: $0)) != nil })
        else { continue }
        ports.append(port)
    }
    return ports
}

private func waitForFile(_ path: String) throws {
    for _ in 0..<1000 {
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        if text.contains("opus") { return }
        usleep(10_000)
    }
    Issue.record("ffmpeg wrote no \(path)")
}
