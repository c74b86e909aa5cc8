import NetBasics

/// A protocol in a packet, or a field of it, as it is shown to people and to programs.
///
/// Made from a decoded value when somebody asks, never on the way of a packet that is only counted.
package struct PacketField: Equatable, Sendable {
    package enum Value: Equatable, Sendable {
        /// A heading, whose children say everything.
        case heading
        case flag(Bool)
        case number(UInt64)
        case signed(Int64)
        /// A number that people read in hexadecimal, in so many digits.
        case hexadecimal(UInt64, digits: Int)
        case address(IPAddress)
        case hardwareAddress(MACAddress)
        case duration(Duration)
        /// In the unit that the label names.
        case decimal(Double)
        case text(String)
        case bytes([UInt8])
    }

    /// Wireshark's name of the field, such as `igmp.type`, where it has one.
    package var name: String
    /// For people: `Type`.
    package var label: String
    package var value: Value
    /// What the value means, such as `Membership Query`; empty where it speaks for itself.
    package var meaning: String
    package var children: [PacketField]

    package init(
        _ name: String, _ label: String, _ value: Value, meaning: String = "",
        children: [PacketField] = []
    ) {
        self.name = name
        self.label = label
        self.value = value
        self.meaning = meaning
        self.children = children
    }

    /// All values of that name here and below, in the order of the packet.
    package func values(named wanted: String) -> [Value] {
        (name == wanted ? [value] : []) + children.flatMap { $0.values(named: wanted) }
    }
}

extension PacketField.Value: CustomStringConvertible {
    /// As one word of a table or a value of JSON; the meaning is not in it.
    package var description: String {
        switch self {
        case .heading: ""
        case .flag(let isSet): isSet ? "1" : "0"
        case .number(let number): String(number)
        case .signed(let number): String(number)
        case .hexadecimal(let number, let digits):
            "0x" + padded(number, digits: digits)
        case .address(let address): address.description
        case .hardwareAddress(let address): address.description
        case .duration(let duration): "\(duration.seconds)"
        case .decimal(let number): "\(number)"
        case .text(let text): text
        case .bytes(let bytes): bytes.map { padded(UInt64($0), digits: 2) }.joined()
        }
    }
}

private func padded(_ number: UInt64, digits: Int) -> String {
    let text = String(number, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
}

extension PacketField: CustomStringConvertible {
    /// The field and what is below it, a line each, indented by two spaces a level.
    package var description: String {
        var text = ""
        write(to: &text, indent: "")
        return text
    }

    /// Appends the same, behind `indent`; no line break follows the last line.
    package func write(to text: inout String, indent: String) {
        text += indent
        text += label
        if value != .heading {
            text += ": "
            text += value.description
        }
        if !meaning.isEmpty {
            text += value == .heading ? ", " : " ("
            text += meaning
            if value != .heading { text += ")" }
        }
        guard !children.isEmpty else { return }
        let deeper = indent + "  "
        for child in children {
            text += "\n"
            child.write(to: &text, indent: deeper)
        }
    }
}
