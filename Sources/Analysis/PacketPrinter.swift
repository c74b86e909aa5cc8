import Inspection
import Management
import NetBasics
import PacketFormats

/// Turns packets into text, one after the other, for somebody who writes it out.
///
/// What ``begin()``, each ``line(_:_:linkType:number:interfaceName:)`` and ``end()`` give is whole at any
/// time: a capture that a signal ends is well-formed if ``end()`` is still called.
package struct PacketPrinter: Sendable {
    private let output: PacketOutput
    private var tree = PacketTree()
    private var isFirst = true
    /// Columns of ``PacketOutput/fields(_:)`` by name; one name may be asked for twice.
    private let columns: [String: [Int]]
    private let columnCount: Int

    /// Those of the capture; more may come while a file is read.
    package var interfaces: [CaptureInterface]

    package init(_ output: PacketOutput, interfaces: [CaptureInterface] = []) {
        self.output = output
        self.interfaces = interfaces
        var names: [String] = []
        if case .fields(let wanted) = output { names = wanted }
        columns = Dictionary(grouping: names.indices) { names[$0] }
        columnCount = names.count
    }

    /// What stands in front of the first packet.
    package func begin() -> String {
        switch output {
        case .text, .tree, .fields: ""
        case .json: "["
        case .ndjson: "{\"schema\":\"polycast.packets/1\"}\n"
        case .csv: "number,time,source,destination,protocol,length,info\r\n"
        }
    }

    /// What stands behind the last packet.
    package func end() -> String {
        switch output {
        case .text, .tree, .fields, .ndjson, .csv: ""
        case .json: "\n]\n"
        }
    }

    /// The next packet of the capture, whose interface is one of ``interfaces``.
    package mutating func line(
        _ bytes: RawSpan, _ packet: CapturedPacket, number: UInt64
    ) -> String {
        let isKnown = interfaces.indices.contains(packet.interface)
        let interface = isKnown ? interfaces[packet.interface] : nil
        return line(
            bytes, packet, linkType: interface.flatMap { LinkType(rawValue: $0.linkType) },
            number: number, interfaceName: interface?.name ?? "")
    }

    /// The next packet of the capture; each is to be given once, in order.
    ///
    /// It ends with a line break, but for ``PacketOutput/json``, where one stands in front.
    package mutating func line(
        _ bytes: RawSpan, _ packet: CapturedPacket, linkType: LinkType?, number: UInt64,
        interfaceName: String
    ) -> String {
        let reading = tree.read(
            bytes, packet, linkType: linkType, number: number, interfaceName: interfaceName,
            wantsFields: wantsFields)
        defer { isFirst = false }
        switch output {
        case .text: return "\(reading.summary)\n"
        case .tree: return treeText(reading)
        case .json:
            return (isFirst ? "\n" : ",\n") + Self.json(reading).description
        case .ndjson: return "\(Self.flatJSON(reading))\n"
        case .csv: return Self.csv(reading.summary)
        case .fields: return columnText(reading)
        }
    }

    private var wantsFields: Bool {
        switch output {
        case .text, .csv: false
        case .tree, .json, .ndjson, .fields: true
        }
    }

    // MARK: - Text

    private func treeText(_ reading: PacketReading) -> String {
        var text = (isFirst ? "" : "\n") + "\(reading.summary)\n"
        for field in reading.fields {
            field.write(to: &text, indent: "  ")
            text += "\n"
        }
        return text
    }

    private static func csv(_ summary: PacketSummary) -> String {
        [
            "\(summary.number)", summary.timeText, summary.source, summary.destination,
            summary.protocolName, "\(summary.byteCount)", summary.info,
        ].map(csvField).joined(separator: ",") + "\r\n"
    }

    private func columnText(_ reading: PacketReading) -> String {
        var values = [[String]](repeating: [], count: columnCount)
        for field in reading.fields { collect(field, into: &values) }
        return values.map { $0.joined(separator: ",") }.joined(separator: "\t") + "\n"
    }

    /// A heading, which has no value, shows its label: it says that the protocol is there.
    private func collect(_ field: PacketField, into values: inout [[String]]) {
        for place in columns[field.name] ?? [] {
            values[place].append(
                field.value == .heading ? field.label : field.value.description)
        }
        for child in field.children { collect(child, into: &values) }
    }

    // MARK: - JSON

    private static func json(_ reading: PacketReading) -> JSONValue {
        [
            "number": JSONValue(reading.summary.number),
            "layers": .array(reading.fields.map(json)),
        ]
    }

    private static func json(_ field: PacketField) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("name", .string(field.name)), .init("label", .string(field.label)),
        ]
        if field.value != .heading { members.append(.init("value", json(field.value))) }
        if !field.meaning.isEmpty { members.append(.init("meaning", .string(field.meaning))) }
        if !field.children.isEmpty {
            members.append(.init("fields", .array(field.children.map(json))))
        }
        return .object(members)
    }

    private static func json(_ value: PacketField.Value) -> JSONValue {
        switch value {
        case .heading: .null
        case .flag(let isSet): .bool(isSet)
        case .number(let number):
            Int64(exactly: number).map { .integer($0) } ?? .string("\(number)")
        case .signed(let number): .integer(number)
        case .duration(let duration): .number(duration.seconds)
        case .decimal(let number): .number(number)
        case .hexadecimal, .address, .hardwareAddress, .text, .bytes:
            .string(value.description)
        }
    }

    /// Names with their values; an array where there are several.
    private static func flatJSON(_ reading: PacketReading) -> JSONValue {
        var flat = FlatFields()
        for field in reading.fields { flat.collect(field) }
        return .object(
            flat.names.enumerated().map { place, name in
                let values = flat.values[place].map(json)
                return .init(name, values.count == 1 ? values[0] : .array(values))
            })
    }

    /// The fields of a packet that have a value, in the order of their first.
    private struct FlatFields {
        var names: [String] = []
        var values: [[PacketField.Value]] = []
        private var places: [String: Int] = [:]

        mutating func collect(_ field: PacketField) {
            if field.value != .heading { add(field.name, field.value) }
            for child in field.children { collect(child) }
        }

        private mutating func add(_ name: String, _ value: PacketField.Value) {
            if let place = places[name] {
                values[place].append(value)
                return
            }
            places[name] = names.count
            names.append(name)
            values.append([value])
        }
    }
}
