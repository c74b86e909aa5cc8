import Glibc
import Management
import NetBasics
import Sockets

/// One run of the demo, from the first process to the last.
///
/// The processes and the private directory are gone when it is.
final class DemoRun {
    private let configuration: DemoConfiguration
    private let program: String
    private let isVideo: Bool
    private var plan: DemoPlan
    private let children = Children()
    private let interruptions = Interruptions()
    private var progress = Progress()

    private static let rendezvousName = "rendezvous"
    private static let attachLimit = Duration.seconds(15)
    /// How long before the end of the media the picture is decoded.
    private static let decodeLead = Duration.seconds(4)
    private static let decodeLimit = Duration.seconds(15)

    init(
        _ configuration: DemoConfiguration, program: String, temporaryDirectory: String
    ) throws(Failure) {
        self.configuration = configuration
        self.program = program
        isVideo = !configuration.usesPattern && Files.isInPath("ffmpeg")
        try Files.makeDirectory(configuration.outputDirectory)
        let limits = [Self.attachLimit, Self.decodeLimit, configuration.duration, .seconds(60)]
        plan = DemoPlan(
            usesPattern: !isVideo,
            privateDirectory: try Files.makePrivateDirectory(in: temporaryDirectory),
            lifetimeSeconds: Int(limits.reduce(.zero, +).seconds))
    }

    deinit {
        children.stop()
        Files.removeTree(plan.privateDirectory)
    }

    func perform() throws(Stop) -> DemoReport {
        defer { progress.clear() }
        do throws(Failure) {
            removeOldResults()
            try choosePorts()
        } catch {
            throw .failure(error)
        }
        announceSources()
        try startRendezvous()
        try startEncoders()
        try startMembers()
        try waitUntilAttached()
        let (trees, frame) = try letMediaFlow()
        let summaries = try endAndCollect()
        return try report(trees, frame, summaries)
    }

    // MARK: - Start

    private func removeOldResults() {
        unlink(path("frame.png"))
        unlink(path("tree.svg"))
        for member in plan.members { unlink(path("\(member.name).json")) }
    }

    private func choosePorts() throws(Failure) {
        plan.rendezvousPort = try FreePorts.find(2, on: "127.0.0.1")
        guard isVideo else { return }
        for index in plan.members.indices {
            let member = plan.members[index]
            // A port pair for each stream that may come; and four more for what ffmpeg sends.
            let first = try FreePorts.find(12, on: member.address)
            plan.members[index].deliverPort = first
            if member.source != nil { plan.members[index].inputPort = first + 8 }
        }
    }

    private func announceSources() {
        if isVideo {
            progress.step("two sources: VP8 and Opus from ffmpeg")
        } else {
            let reason = configuration.usesPattern ? "as asked for" : "for video, install ffmpeg"
            progress.step("two sources: the built-in pattern, no picture (\(reason))")
        }
    }

    private func startRendezvous() throws(Stop) {
        try start(Self.rendezvousName, program, plan.rendezvousArguments)
        try wait(.seconds(5), for: "the rendezvous", log: log(of: Self.rendezvousName)) {
            // Its first line says that it listens.
            lastLine(ofFileAt: log(of: Self.rendezvousName)) != nil
        }
        progress.step("rendezvous on 127.0.0.1:\(plan.rendezvousPort)")
    }

    private func startEncoders() throws(Stop) {
        for member in plan.sources {
            guard let arguments = plan.encoderArguments(of: member) else { continue }
            let name = encoderName(of: member)
            try start(name, "ffmpeg", arguments)
            try wait(.seconds(10), for: "\(member.name)'s ffmpeg", log: log(of: name)) {
                // Bytes, because to Swift a carriage return and a line feed are one character.
                let bytes = Files.read(plan.inputDescription(of: member), limit: 65_536) ?? []
                let text = String(decoding: bytes, as: UTF8.self)
                return text.contains("m=audio") && bytes.last == UInt8(ascii: "\n")
            }
        }
    }

    private func startMembers() throws(Stop) {
        for member in plan.members {
            try start(
                member.name, program, plan.joinArguments(of: member),
                output: path("\(member.name).json"))
        }
        let names = plan.members.map { "\($0.name) (\($0.lan))" }.joined(separator: ", ")
        progress.step("five peers: \(names)")
    }

    private func start(
        _ name: String, _ program: String, _ arguments: [String], output: String? = nil
    ) throws(Stop) {
        do throws(Failure) {
            try children.start(
                ChildProcess.Command(
                    name: name, program: program, arguments: arguments, outputPath: output,
                    logPath: log(of: name)))
        } catch {
            throw .failure(error)
        }
    }

    // MARK: - Middle

    private func waitUntilAttached() throws(Stop) {
        let start = Clocks.now
        var missing = plan.members.map(\.name)
        while true {
            let trees = joinedTrees()
            missing = namesNotAttached(in: trees)
            if missing.isEmpty, trees.allSatisfy(\.isWhole) { break }
            let names = missing.joined(separator: ", ")
            progress.wait("waiting for \(names.isEmpty ? "the trees to settle" : names)")
            guard Clocks.now < start + Self.attachLimit else { break }
            try pause(.milliseconds(100))
        }
        guard missing.isEmpty else {
            let seconds = Int(Self.attachLimit.seconds)
            throw .failure(
                Failure(
                    .runtimeFailure,
                    "not attached to both sources within \(seconds) s: "
                        + missing.joined(separator: ", "),
                    advice: "see \(log(of: missing[0]))"))
        }
        let time = Readable.milliseconds((Clocks.now - start).milliseconds)
        progress.step("every peer is attached to both sources, after \(time)")
    }

    /// The members that are not in the trees of both sources.
    private func namesNotAttached(in trees: [SourceTree]) -> [String] {
        plan.members.map(\.name).filter { name in
            let places = trees.flatMap(\.nodes).count { node in
                node.party.name == name && (node.place == .source || node.place == .fed)
            }
            return places < plan.sources.count
        }
    }

    private func joinedTrees() -> [SourceTree] {
        SourceTree.join(plan.members.compactMap(view), lans: plan.lans)
    }

    /// What the member says about its place in the trees; `nil` without an answer.
    private func view(of member: DemoPlan.Member) -> TreeView? {
        do {
            let line = try UnixClient.ask(
                ManagementRequest.tree.json.description, at: plan.socketPath(of: member),
                timeout: .seconds(1))
            guard case .tree(let view) = try ManagementResponse(line: Array(line.utf8), to: .tree)
            else { return nil }
            return view
        } catch {
            // The peer is not there yet, or gone; whoever needs its view sees that it is missing.
            return nil
        }
    }

    /// Lets the sources send for the duration, and takes the trees and a picture near the end.
    private func letMediaFlow() throws(Stop) -> ([SourceTree], DemoReport.Frame?) {
        let start = Clocks.now
        let end = start + configuration.duration
        let lead = isVideo ? min(Self.decodeLead, configuration.duration / 2) : .zero
        try watch(from: start, until: end + (.zero - lead))
        let trees = joinedTrees()
        let frame = isVideo ? try decodeFrame(trees) : nil
        try watch(from: start, until: end)
        progress.step(
            "media flowed for \(Readable.duration(seconds: (Clocks.now - start).seconds))")
        return (trees, frame)
    }

    private func watch(from start: Instant, until end: Instant) throws(Stop) {
        while Clocks.now < end {
            let passed = Readable.decimals((Clocks.now - start).seconds, 0)
            let whole = Readable.decimals(configuration.duration.seconds, 0)
            progress.wait("media flows: \(passed) s of \(whole) s")
            try pause(min(.milliseconds(200), end - Clocks.now))
        }
    }

    /// Lets the member that is farthest from the first source decode a frame of its picture.
    private func decodeFrame(_ trees: [SourceTree]) throws(Stop) -> DemoReport.Frame {
        let source = DemoPlan.firstSource
        guard let node = trees.first(where: { $0.source.name == source })?.farthest,
            let member = plan.members.first(where: { $0.name == node.party.name })
        else {
            throw .failure(
                Failure(
                    .checkFailed, "nobody is fed by \(source) any more",
                    advice: "see \(log(of: source))"))
        }
        let name = "ffmpeg-decoder"
        let picture = path("frame.png")
        try start(
            name, "ffmpeg", plan.decoderArguments(of: member, source: source, output: picture))
        let deadline = Clocks.now + Self.decodeLimit
        while children.ending(of: name) == nil, Clocks.now < deadline {
            progress.wait("waiting for \(member.name) to decode a frame of \(source)'s picture")
            try interruptions.pause(.milliseconds(50))
        }
        children.stop(patience: .milliseconds(200)) { $0 == name }
        let header = Files.read(picture, limit: PNGHeader.byteCount).flatMap(PNGHeader.init)
        guard header == PNGHeader(DemoPlan.picture) else {
            throw .failure(
                Failure(
                    .checkFailed, "\(member.name) decoded no frame of \(source)'s picture",
                    advice: "see \(log(of: name))"))
        }
        progress.step("\(member.name) decoded a frame of \(source)'s picture")
        return DemoReport.Frame(
            path: picture, member: member.name, hops: node.hops, source: source)
    }

    // MARK: - End

    /// Stops the media, then the peers, then the rendezvous; reads what the peers received.
    private func endAndCollect() throws(Stop) -> [JoinSummary] {
        progress.wait("waiting for the peers to leave")
        // First, so that no packet is under way when the peers that forward it leave.
        let encoders = Set(plan.sources.map(encoderName))
        children.stop { encoders.contains($0) }
        if isVideo { try interruptions.pause(.milliseconds(300)) }
        let forced = children.stop { $0 != Self.rendezvousName }
        children.stop()
        do throws(Failure) {
            if let name = forced.first {
                throw Failure(
                    .runtimeFailure, "\(name) did not leave when asked to",
                    advice: "see \(log(of: name))")
            }
            var summaries: [JoinSummary] = []
            for member in plan.members { summaries.append(try summary(of: member)) }
            return summaries
        } catch {
            throw .failure(error)
        }
    }

    private func summary(of member: DemoPlan.Member) throws(Failure) -> JoinSummary {
        do {
            let bytes = Files.read(path("\(member.name).json"), limit: 1 << 20) ?? []
            return try JoinSummary(json: JSONValue(parsing: bytes))
        } catch {
            throw Failure(
                .runtimeFailure, "\(member.name) left no summary: \(error)",
                advice: "see \(log(of: member.name))")
        }
    }

    private func report(
        _ trees: [SourceTree], _ frame: DemoReport.Frame?, _ summaries: [JoinSummary]
    ) throws(Stop) -> DemoReport {
        let picture = path("tree.svg")
        do throws(Failure) {
            try Files.write(TreePicture.svg(trees), to: picture)
        } catch {
            throw .failure(error)
        }
        let expectations = plan.sources.map { member in
            DemoReport.Expectation(
                source: member.name, streamCount: member.source?.streamCount ?? 0)
        }
        return DemoReport(
            trees: trees, peers: summaries, expectations: expectations, picturePath: picture,
            frame: frame, logDirectory: path("*.log"))
    }

    // MARK: - Helpers

    private func path(_ name: String) -> String { "\(configuration.outputDirectory)/\(name)" }
    private func log(of process: String) -> String { path("\(process).log") }
    private func encoderName(of member: DemoPlan.Member) -> String { "ffmpeg-\(member.name)" }

    /// Sleeps, unless a signal comes or a process has ended.
    private func pause(_ duration: Duration) throws(Stop) {
        try interruptions.pause(duration)
        do throws(Failure) {
            try children.checkAllRun()
        } catch {
            throw .failure(error)
        }
    }

    private func wait(
        _ limit: Duration, for what: String, log: String, until isDone: () -> Bool
    ) throws(Stop) {
        let deadline = Clocks.now + limit
        while !isDone() {
            progress.wait("waiting for \(what)")
            guard Clocks.now < deadline else {
                throw .failure(
                    Failure(
                        .runtimeFailure, "\(what) is not ready after \(Int(limit.seconds)) s",
                        advice: "see \(log)"))
            }
            try pause(.milliseconds(20))
        }
    }
}

extension PNGHeader {
    fileprivate init(_ picture: DemoPlan.Picture) {
        width = picture.width
        height = picture.height
    }
}
