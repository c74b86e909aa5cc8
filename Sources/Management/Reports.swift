/// A peer as people and programs know it.
package struct Party: Hashable, Sendable {
    /// Sixteen hexadecimal digits.
    package var peer: String
    package var name: String

    package init(peer: String, name: String) {
        self.peer = peer
        self.name = name
    }

    var json: JSONValue { ["peer": .string(peer), "name": .string(name)] }

    init(json: JSONValue) throws(JSONError) {
        peer = try json.text("peer")
        name = try json.text("name")
    }

    static func optional(_ name: String, in json: JSONValue) throws(JSONError) -> Party? {
        switch json[name] {
        case nil, .null: nil
        case .some(let value): try Party(json: value)
        }
    }
}

/// Packets that one stream's publisher handed to its children.
package struct SentStream: Hashable, Sendable {
    /// The stream's index within its source.
    package var stream: Int
    /// Packets published.
    package var packets: Int
    /// Datagrams sent for them, over all children.
    package var copies: Int

    package init(stream: Int, packets: Int, copies: Int) {
        self.stream = stream
        self.packets = packets
        self.copies = copies
    }

    var json: JSONValue {
        ["stream": JSONValue(stream), "packets": JSONValue(packets), "copies": JSONValue(copies)]
    }

    init(json: JSONValue) throws(JSONError) {
        stream = try json.count("stream")
        packets = try json.count("packets")
        copies = try json.count("copies")
    }

    static func table(_ sent: [SentStream]) -> String {
        var table = TextTable([
            ("SENT STREAM", .left), ("PACKETS", .right), ("COPIES", .right),
        ])
        for stream in sent {
            table.append([
                "\(stream.stream)", Readable.count(stream.packets), Readable.count(stream.copies),
            ])
        }
        return table.isEmpty ? "" : table.text
    }
}

/// Dropped datagrams of one reason.
package struct DropCount: Hashable, Sendable {
    /// A short stable name, such as `truncated`.
    package var reason: String
    package var count: Int

    package init(reason: String, count: Int) {
        self.reason = reason
        self.count = count
    }

    /// One object: reason to count, in the order given.
    static func json(_ drops: [DropCount]) -> JSONValue {
        .object(drops.map { JSONValue.Member($0.reason, JSONValue($0.count)) })
    }

    static func list(_ name: String, in json: JSONValue) throws(JSONError) -> [DropCount] {
        let object = JSONValue.object(try json.members(name))
        var drops: [DropCount] = []
        for member in try json.members(name) {
            drops.append(DropCount(reason: member.name, count: try object.count(member.name)))
        }
        return drops
    }

    /// `dropped: 3 truncated, 1 unknown_type`, or nothing.
    static func line(_ drops: [DropCount]) -> String {
        let counted = drops.filter { $0.count > 0 }
        guard !counted.isEmpty else { return "" }
        let parts = counted.map { "\(Readable.count($0.count)) \($0.reason)" }
        return "dropped: \(parts.joined(separator: ", "))\n"
    }
}

/// Refuses a document of another kind or version.
func expectSchema(_ schema: String, of json: JSONValue) throws(JSONError) {
    guard try json.text("schema") == schema else {
        throw .unexpected(member: "schema", expected: "\"\(schema)\"")
    }
}
