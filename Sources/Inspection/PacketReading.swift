import NetBasics
import PacketFormats

/// What is found in one packet, layer by layer.
package struct PacketReading: Sendable {
    /// Protocols in the order of the packet, with their fields; empty if nobody wants them.
    package private(set) var fields: [PacketField] = []
    package internal(set) var summary: PacketSummary
    let wantsFields: Bool
    /// When and where it was captured.
    let packet: CapturedPacket
    /// Packets around the one that is being read: one inside a PIM register.
    var depth = 0

    init(_ packet: CapturedPacket, _ summary: PacketSummary, wantsFields: Bool) {
        self.packet = packet
        self.summary = summary
        self.wantsFields = wantsFields
    }

    /// Adds a layer, which is made only if it is wanted.
    mutating func show(_ field: @autoclosure () -> PacketField) {
        if wantsFields { fields.append(field()) }
    }

    mutating func show(_ more: [PacketField]) { fields += more }

    /// Names the uppermost protocol so far; that of a packet inside another is not the packet's.
    mutating func say(_ name: String, _ info: @autoclosure () -> String) {
        guard depth == 0 else { return }
        summary.protocolName = name
        summary.info = info()
    }

    /// Says from where to where it goes.
    mutating func note(
        _ source: some CustomStringConvertible, _ target: some CustomStringConvertible
    ) {
        guard depth == 0 else { return }
        summary.source = source.description
        summary.destination = target.description
    }

    /// Bytes that nobody here reads.
    mutating func showPayload(_ byteCount: Int) {
        guard byteCount > 0 else { return }
        show(
            PacketField(
                PacketField.ownPrefix + "payload_bytes", "Payload", .integer(byteCount),
                meaning: "bytes"))
    }

    /// What was captured ends before what the packet had.
    mutating func showCut(_ name: String, _ byteCount: Int) {
        say(name, "not captured whole, \(byteCount) bytes")
        show(
            PacketField(
                PacketField.ownPrefix + "cut", "Not captured whole", .integer(byteCount),
                meaning: "bytes of \(name)"))
    }

    /// Bytes that contradict themselves, or that end early though all of them were captured.
    mutating func refuse(_ name: String, _ byteCount: Int, _ error: DecodeError) {
        if packet.isCut, case .truncated = error {
            showCut(name, byteCount)
            return
        }
        say(name, "malformed: \(error.details)")
        show(
            PacketField(
                "malformed", "Malformed", .text(error.reason), meaning: error.details,
                children: [
                    PacketField("malformed.protocol", "Protocol", .text(name)),
                    PacketField("malformed.bytes", "Bytes", .integer(byteCount)),
                ]))
    }
}

extension DecodeError {
    /// The reason for people.
    fileprivate var details: String {
        switch self {
        case .truncated(let needed, let available):
            "\(needed) bytes are needed, \(available) are there"
        case .oversized(let limit, let actual): "\(actual), more than \(limit)"
        case .unknownMagic: "an unknown first byte"
        case .unsupportedVersion(let version): "version \(version)"
        case .unknownType(let type): "type \(type)"
        case .invalidField(let name): "field \(name)"
        case .trailingBytes(let count): "\(count) bytes behind the end"
        }
    }
}
