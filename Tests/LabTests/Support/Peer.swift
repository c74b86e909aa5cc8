import Foundation
import Management
import Testing

/// A running `polycast join`.
final class Peer {
    let host: NetworkLab.Host
    let name: String
    let program: Program
    /// Session descriptions of the remote members.
    let sessions: URL
    private let socket: String

    fileprivate init(
        host: NetworkLab.Host, name: String, program: Program, sessions: URL, socket: String
    ) {
        self.host = host
        self.name = name
        self.program = program
        self.sessions = sessions
        self.socket = socket
    }

    /// `nil` while the peer does not answer, as before it is up.
    var status: PeerStatus? {
        guard case .status(let status) = answer(to: .status) else { return nil }
        return status
    }

    var tree: TreeView? {
        guard case .tree(let tree) = answer(to: .tree) else { return nil }
        return tree
    }

    private func answer(to request: ManagementRequest) -> ManagementResponse? {
        do {
            return try ManagementSocket.ask(socket, request)
        } catch let error as JSONError {
            Issue.record("\(name) answered \(request) with something else: \(error)")
            return nil
        } catch {
            // Not up yet, or dead.
            return nil
        }
    }

    /// Its place in the tree of `member`.
    func place(inTreeOf member: String) -> TreeView.Source? {
        tree?.sources.first { $0.member == member }
    }

    /// Packets received so far from `member`, over all its streams.
    func received(from member: String) -> Int {
        (status?.streams ?? []).filter { $0.member == member }.reduce(0) { $0 + $1.received }
    }

    /// Leaves the group in order and returns the summary.
    func leave() async throws -> JoinSummary {
        try await program.interrupt()
        return try summary()
    }

    /// The summary of a peer that has ended.
    func summary() throws -> JoinSummary {
        let text = program.output.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !text.isEmpty else {
            throw LabError(
                "\(name) printed no summary (\(String(describing: program.termination))): "
                    + program.errors)
        }
        return try JoinSummary(json: JSONValue(parsing: text))
    }
}

/// A rendezvous and the peers that found each other there.
final class Conference {
    let lab: NetworkLab
    let family: NetworkLab.Family
    private(set) var rendezvous: Program?
    private(set) var peers: [Peer] = []
    private var starts = 0

    init(_ family: NetworkLab.Family, lab: NetworkLab) throws {
        guard FileManager.default.isExecutableFile(atPath: Files.polycast) else {
            throw LabError("\(Files.polycast) is missing; swift build makes it")
        }
        self.lab = lab
        self.family = family
    }

    /// What members join with; of a public group at first.
    lazy var invite = "polycast://\(server)/standup"

    /// Where the rendezvous listens.
    private var server: String { "\(lab.bracketed(.rendezvous, family)):7400" }

    /// Makes the group one whose secret members have.
    func makePrivate() throws {
        invite = try Program.run(Files.polycast, "invite", "standup", "--rendezvous", server)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Starts the rendezvous, again after its death.
    func startRendezvous(lease: String = "30s") throws {
        starts += 1
        rendezvous = try lab.start(
            [Files.polycast, "rendezvous", "--listen", "[::]:7400", "--lease", lease],
            in: .rendezvous, name: "rendezvous-\(starts)")
    }

    /// Joins from `host`; the member is called as the host is.
    @discardableResult
    func join(_ host: NetworkLab.Host, _ options: String...) throws -> Peer {
        starts += 1
        let tag = "\(host.rawValue)-\(starts)"
        let sessions = lab.directory.appending(path: "\(tag).sessions")
        try FileManager.default.createDirectory(at: sessions, withIntermediateDirectories: true)
        let socket = lab.directory.appending(path: "\(tag).sock").path
        let command = [
            Files.polycast, "join", invite, "--name", host.rawValue, "--socket", socket,
            "--sdp-dir", sessions.path, "--json",
        ]
        let program = try lab.start(command + options, in: host, name: tag)
        let peer = Peer(
            host: host, name: host.rawValue, program: program, sessions: sessions, socket: socket)
        peers.append(peer)
        return peer
    }

    /// The group as the rendezvous knows it, asked from `host` with the command line.
    func members(askedFrom host: NetworkLab.Host = .a1) async throws -> MemberList {
        starts += 1
        let program = try lab.start(
            [Files.polycast, "members", invite, "--json"], in: host, name: "members-\(starts)")
        guard try await program.ends(within: .seconds(10)), program.termination == .exit(0) else {
            throw LabError("polycast members: \(program.output)\(program.errors)")
        }
        return try MemberList(json: JSONValue(parsing: program.output))
    }

    /// Waits until every one of `receivers` is attached to the tree of `source`.
    func attached(
        _ receivers: [Peer], to source: String, within limit: Duration = .seconds(10)
    ) async throws -> Bool {
        try await eventually(within: limit) {
            receivers.allSatisfy { $0.place(inTreeOf: source)?.state == .attached }
        }
    }

    /// Everybody leaves; summaries by member name.
    func end() async throws -> [String: JoinSummary] {
        var summaries: [String: JoinSummary] = [:]
        for peer in peers where peer.program.isRunning {
            summaries[peer.name] = try await peer.leave()
        }
        return summaries
    }
}

// MARK: - Trees

extension Conference {
    /// The living peers other than the source that feed somebody.
    func interiorPeers(of source: String) -> [Peer] {
        peers.filter { peer in
            guard peer.program.isRunning, peer.name != source else { return false }
            return peer.place(inTreeOf: source)?.children.isEmpty == false
        }
    }

    /// The tree in one line, for messages.
    func picture(of source: String) -> String {
        peers.filter(\.program.isRunning).map { peer in
            guard let place = peer.place(inTreeOf: source) else { return "\(peer.name): ?" }
            let parent = place.parent?.name ?? "-"
            return "\(peer.name): \(place.state) under \(parent), \(place.children.map(\.name))"
        }.joined(separator: "; ")
    }
}
