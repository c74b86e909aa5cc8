/// One JSON line to a peer's UNIX socket: `{"command":"status"}`.
package enum ManagementRequest: String, Equatable, Sendable, CaseIterable {
    case status
    case members
    case tree
    /// Leaves the group and ends the peer.
    case leave

    /// Bytes of a request line at most, without its line feed.
    package static let lineByteLimit = 4096

    package var json: JSONValue { ["command": .string(rawValue)] }

    /// The line for the socket, with its line feed.
    package var line: String { json.description + "\n" }

    /// Reads a line without its line feed; the ``Failure`` is what to answer.
    package init(line: [UInt8]) throws(Failure) {
        let command: String
        do {
            command = try JSONValue(
                parsing: line, depthLimit: 4, byteLimit: Self.lineByteLimit
            ).text("command")
        } catch {
            throw Failure(
                .usage, "malformed management request: \(error)",
                advice: "send one line such as {\"command\":\"status\"}")
        }
        guard let request = Self(rawValue: command) else {
            let known = Self.allCases.map(\.rawValue).joined(separator: ", ")
            throw Failure(
                .usage, "unknown management command \(quoted(command))", advice: "send \(known)")
        }
        self = request
    }
}

/// The answer: one JSON line, a report or an error.
package enum ManagementResponse: Equatable, Sendable {
    case status(PeerStatus)
    case members(MemberList)
    case tree(TreeView)
    /// The peer leaves.
    case leaving
    case error(message: String, advice: String?)

    package init(_ failure: Failure) {
        self = .error(message: failure.message, advice: failure.advice)
    }

    package var json: JSONValue {
        switch self {
        case .status(let status): status.json
        case .members(let members): members.json
        case .tree(let tree): tree.json
        case .leaving: ["schema": "polycast.leave/1", "left": true]
        case .error(let message, let advice):
            ["error": .string(message), "advice": JSONValue(advice)]
        }
    }

    /// The line for the socket, with its line feed.
    package var line: String { json.description + "\n" }

    /// What people read; empty for errors, which are thrown instead.
    package var table: String {
        switch self {
        case .status(let status): status.table
        case .members(let members): members.table
        case .tree(let tree): tree.table
        case .leaving: "left\n"
        case .error: ""
        }
    }

    /// Reads the answer to `request` from a line without its line feed.
    package init(line: [UInt8], to request: ManagementRequest) throws(JSONError) {
        let json = try JSONValue(parsing: line)
        if json["error"] != nil {
            let advice: String? = try json.optional("advice", JSONValue.text)
            self = .error(message: try json.text("error"), advice: advice)
            return
        }
        switch request {
        case .status: self = .status(try PeerStatus(json: json))
        case .members: self = .members(try MemberList(json: json))
        case .tree: self = .tree(try TreeView(json: json))
        case .leave:
            try expectSchema("polycast.leave/1", of: json)
            self = .leaving
        }
    }
}
