import Management
import NetBasics

/// Topologies as JSON documents.
///
/// `{"routers": 3, "links": [{"a": 0, "b": 1, "delay_ms": 2.5, "rate_mbps": 1000, "loss": 0.0}],
/// "hosts": [{"name": "h0", "router": 0, "access_ms": 0.5, "uplink_mbps": 4}]}`, or
/// `{"hosts": […], "pairwise_ms": [[…]]}` with a row of one-way delays from each host. Rates, loss
/// and access delay may be missing; so may the hosts, where there are routers.
extension Topology {
    /// More hosts have no matrix of theirs written.
    package static let writtenMatrixLimit = 2500

    /// Reads a document; what it says is not yet validated.
    package init(json bytes: [UInt8]) throws(TopologyError) {
        let document: JSONValue
        do throws(JSONError) {
            document = try JSONValue(parsing: bytes, byteLimit: TopologyFile.byteLimit)
        } catch {
            throw TopologyError("no JSON: \(error)")
        }
        let reader = ObjectReader(value: document, subject: "the topology")
        try reader.allow(["routers", "links", "hosts", "pairwise_ms"])
        self.init(hosts: [])
        for (index, value) in try reader.list("hosts", orEmpty: true).enumerated() {
            hosts.append(try Host(ObjectReader(value: value, subject: "host \(index)")))
        }
        if document["pairwise_ms"] != nil {
            guard document["routers"] == nil, document["links"] == nil else {
                throw TopologyError("the topology has both routers and pairwise delays")
            }
            pairwise = .matrix(try Self.matrix(reader.list("pairwise_ms"), count: hosts.count))
            return
        }
        routerCount = try reader.count("routers", limit: Self.routerLimit)
        for (index, value) in try reader.list("links", orEmpty: true).enumerated() {
            links.append(try Link(ObjectReader(value: value, subject: "link \(index)")))
        }
    }

    private static func matrix(
        _ rows: [JSONValue], count: Int
    ) throws(TopologyError) -> DelayMatrix {
        guard rows.count == count, count <= DelayMatrix.hostLimit else {
            throw TopologyError("pairwise_ms has \(rows.count) rows, but there are \(count) hosts")
        }
        var matrix = DelayMatrix(count: count)
        for (from, row) in rows.enumerated() {
            guard case .array(let cells) = row, cells.count == count else {
                throw TopologyError("row \(from) of pairwise_ms is no list of \(count) delays")
            }
            for (to, cell) in cells.enumerated() {
                let subject = "pairwise_ms[\(from)][\(to)]"
                let delay = try duration(milliseconds: cell, of: subject)
                guard from != to || delay == .zero else {
                    throw TopologyError("\(subject) is not 0, the delay to itself")
                }
                try matrix.set(from: from, to: to, to: delay, subject: subject)
            }
        }
        return matrix
    }

    fileprivate static func duration(
        milliseconds value: JSONValue?, of subject: String
    ) throws(TopologyError) -> Duration {
        let ms: Double
        switch value {
        case .integer(let whole): ms = Double(whole)
        case .number(let number): ms = number
        default: throw TopologyError("\(subject) is no number of milliseconds")
        }
        guard ms >= 0, ms <= delayLimit.milliseconds else {
            throw TopologyError(
                "\(subject) is \(ms) ms, not 0 to \(Int(delayLimit.milliseconds))")
        }
        return .nanoseconds(Int64((ms * 1e6).rounded()))
    }

    // MARK: - Writing

    /// The document on one line; delays are rounded to microseconds, as generators make them.
    ///
    /// Computed pairwise delays are written out as a matrix, of at most ``writtenMatrixLimit`` hosts.
    package func json() throws(TopologyError) -> JSONValue {
        guard let pairwise else {
            return [
                "routers": JSONValue(routerCount),
                "links": .array(links.map(\.json)),
                "hosts": .array(hosts.map { $0.json(withRouter: true) }),
            ]
        }
        guard hosts.count <= Self.writtenMatrixLimit else {
            throw TopologyError(
                "the delays of \(hosts.count) hosts are too many to write, "
                    + "more than \(Self.writtenMatrixLimit)")
        }
        let rows = hosts.indices.map { from in
            JSONValue.array(
                hosts.indices.map { to in
                    JSONValue(Double(pairwise.nanoseconds(from: from, to: to)) / 1e6)
                })
        }
        return [
            "hosts": .array(hosts.map { $0.json(withRouter: false) }),
            "pairwise_ms": .array(rows),
        ]
    }
}

extension Topology.Link {
    fileprivate init(_ reader: ObjectReader) throws(TopologyError) {
        try reader.allow(["a", "b", "delay_ms", "rate_mbps", "loss"])
        self.init(
            a: try reader.router("a"), b: try reader.router("b"),
            delay: try Topology.duration(
                milliseconds: reader.value["delay_ms"], of: "delay_ms of \(reader.subject)"),
            rateMbps: try reader.number("rate_mbps"),
            loss: try reader.number("loss") ?? 0)
    }

    fileprivate var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("a", JSONValue(a)), .init("b", JSONValue(b)),
            .init("delay_ms", JSONValue(delay.milliseconds)),
        ]
        if let rateMbps { members.append(.init("rate_mbps", JSONValue(rateMbps))) }
        if loss > 0 { members.append(.init("loss", JSONValue(loss))) }
        return .object(members)
    }
}

extension Topology.Host {
    fileprivate init(_ reader: ObjectReader) throws(TopologyError) {
        try reader.allow(["name", "router", "access_ms", "uplink_mbps"])
        guard case .string(let name) = reader.value["name"] else {
            throw TopologyError("\(reader.subject) has no name")
        }
        self.init(name: name, uplinkMbps: try reader.number("uplink_mbps"))
        if reader.value["router"] != nil { router = try reader.router("router") }
        if let delay = reader.value["access_ms"] {
            access = try Topology.duration(
                milliseconds: delay, of: "access_ms of \(reader.subject)")
        }
    }

    fileprivate func json(withRouter: Bool) -> JSONValue {
        var members: [JSONValue.Member] = [.init("name", .string(name))]
        if withRouter { members.append(.init("router", JSONValue(router))) }
        if access > .zero { members.append(.init("access_ms", JSONValue(access.milliseconds))) }
        if let uplinkMbps { members.append(.init("uplink_mbps", JSONValue(uplinkMbps))) }
        return .object(members)
    }
}

/// Typed access to the members of one object, with errors that name it.
private struct ObjectReader {
    var value: JSONValue
    var subject: String

    /// Refuses what is misspelt, and what is no object at all.
    func allow(_ names: [String]) throws(TopologyError) {
        guard case .object(let members) = value else {
            throw TopologyError("\(subject) is no JSON object")
        }
        for member in members where !names.contains(member.name) {
            throw TopologyError(
                "\(subject) has an unknown member \"\(shownName(member.name))\"",
                advice: "known are \(names.joined(separator: ", "))")
        }
    }

    func list(_ name: String, orEmpty: Bool = false) throws(TopologyError) -> [JSONValue] {
        switch value[name] {
        case .array(let elements): return elements
        case nil where orEmpty: return []
        default: throw TopologyError("\(name) of \(subject) is no list")
        }
    }

    func count(_ name: String, limit: Int) throws(TopologyError) -> Int {
        guard case .integer(let count) = value[name] else {
            throw TopologyError("\(name) of \(subject) is no whole number")
        }
        guard count >= 0, count <= limit else {
            throw TopologyError("\(name) of \(subject) is \(count), not 0 to \(limit)")
        }
        return Int(count)
    }

    /// A router's number; whether there is such a router is for the validation to say.
    func router(_ name: String) throws(TopologyError) -> Int32 {
        guard case .integer(let number) = value[name] else {
            throw TopologyError("\(name) of \(subject) is no whole number")
        }
        return Int32(clamping: number)
    }

    func number(_ name: String) throws(TopologyError) -> Double? {
        switch value[name] {
        case nil, .null: return nil
        case .integer(let whole): return Double(whole)
        case .number(let number): return number
        default: throw TopologyError("\(name) of \(subject) is no number")
        }
    }
}
