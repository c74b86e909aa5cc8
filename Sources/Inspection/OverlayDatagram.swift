import NetBasics
import PacketFormats
import Wire

/// A datagram of Polycast as far as it can be read without keys.
///
/// Names of fields are those of tools/wireshark/polycast.lua; docs/protocol.md draws the datagrams.
struct OverlayDatagram {
    let kind: DatagramHeader.Kind
    private(set) var children: [PacketField] = []
    /// In a few words.
    private(set) var summary = ""

    init(decoding bytes: RawSpan) throws(DecodeError) {
        var reader = ByteReader()
        kind = try DatagramHeader.kind(of: bytes)
        try reader.skip(2, in: bytes)
        children = [
            number("magic", "Marks Polycast", .word(DatagramHeader.magic)),
            number("version", "Version", .integer(DatagramHeader.version)),
            number("type", "Type", .word(kind.rawValue), meaning: kind.title),
        ]
        summary = kind.title
        switch kind {
        case .media: try readMedia(bytes)
        case .parity: try readParity(bytes)
        case .mediaPiece: try readPiece(bytes)
        case .control: try readControl(bytes, &reader)
        case .linkHello, .linkChallenge, .linkRequest, .linkAccept, .linkRefusal:
            try readLink(bytes, &reader)
        case .rendezvousRequest, .rendezvousChallenge, .rendezvousReply, .rendezvousRefusal:
            // All of it is in clear, so it is judged as a receiver does.
            _ = try Datagram(decoding: bytes)
            try readRendezvous(bytes, &reader)
        }
    }

    var field: PacketField {
        .heading("polycast", "Polycast", meaning: kind.title, children)
    }

    private func number(
        _ name: String, _ label: String, _ value: PacketField.Value, meaning: String = ""
    ) -> PacketField {
        PacketField(PacketField.ownPrefix + name, label, value, meaning: meaning)
    }

    // MARK: - Media

    private mutating func readMedia(_ bytes: RawSpan) throws(DecodeError) {
        let header = try MediaHeader(decoding: bytes)
        guard header.stream.index < 16 else { throw .invalidField("stream index") }
        children += [
            number("key_phase", "Phase of the key", .integer(header.keyPhase)),
            number("lacks", "Lacks", .word(header.lacks)),
            number("repair", "Repair", .flag(header.isRepair)),
            number("control_flow", "Control flow", .flag(header.isControlFlow)),
        ]
        children += streamFields(header.token, header.stream)
        children.append(number("sequence", "Sequence number", .integer(header.sequence)))
        var reader = ByteReader()
        try reader.skip(MediaHeader.byteCount, in: bytes)
        try readBytes("tag", "Tag", MediaHeader.tagByteCount, bytes, &reader)
        let bodyBytes = reader.remaining(in: bytes)
        try readSealedFrame(bytes, &reader)
        summary +=
            " \(header.stream.source) stream \(header.stream.index) number \(header.sequence), "
            + "\(bodyBytes) bytes" + (header.isControlFlow ? ", control flow" : "")
            + (header.isRepair ? ", repair" : "")
    }

    private func streamFields(_ token: LinkToken, _ stream: StreamID) -> [PacketField] {
        [
            number("stream_index", "Stream index", .integer(stream.index)),
            number("token", "Token", .word(token.rawValue)),
            number("source", "Source", .text("\(stream.source)")),
        ]
    }

    /// What a source sealed (RFC 9605, section 4.3): two numbers, each in the nibble or behind it.
    private mutating func readSealedFrame(
        _ bytes: RawSpan, _ reader: inout ByteReader
    ) throws(DecodeError) {
        let first = try reader.readUInt8(from: bytes)
        let epoch = try Self.number(first >> 4, limit: 2, "KID", bytes, &reader)
        let counter = try Self.number(first & 0x0F, limit: 3, "CTR", bytes, &reader)
        children += [
            number("sframe.kid", "Epoch (KID)", .number(epoch)),
            number("sframe.ctr", "Counter (CTR)", .number(counter)),
        ]
        try readSealed(behind: 16, bytes, &reader)
        try readBytes("sframe.tag", "Seal of the source", 16, bytes, &reader)
    }

    /// Below eight the number itself, else seven more than its bytes.
    private static func number(
        _ nibble: UInt8, limit: Int, _ name: String, _ bytes: RawSpan, _ reader: inout ByteReader
    ) throws(DecodeError) -> UInt64 {
        guard nibble >= 8 else { return UInt64(nibble) }
        let count = Int(nibble) - 7
        guard count <= limit else { throw .invalidField(name) }
        let number = try reader.readBytes(count, from: bytes).reduce(0) { $0 << 8 | UInt64($1) }
        guard number >= (count == 1 ? 8 : 1 << UInt64(8 * (count - 1))) else {
            throw .invalidField(name)
        }
        return number
    }

    private mutating func readParity(_ bytes: RawSpan) throws(DecodeError) {
        let header = try ParityHeader(decoding: bytes)
        guard header.stream.index < 16 else { throw .invalidField("stream index") }
        children += [
            number("key_phase", "Phase of the key", .integer(header.keyPhase)),
            number("parity.row", "Row", .integer(header.row)),
        ]
        children += streamFields(header.token, header.stream)
        children.append(number("parity.base", "Base", .integer(header.base)))
        var reader = ByteReader()
        try reader.skip(ParityHeader.byteCount, in: bytes)
        try readBytes("tag", "Tag", MediaHeader.tagByteCount, bytes, &reader)
        try skipShown("parity.shard_bytes", "Shard", behind: 16, bytes, &reader)
        try readBytes("parity.digest", "Digest of the shard", 16, bytes, &reader)
        summary +=
            " \(header.stream.source) stream \(header.stream.index) from \(header.base), "
            + "row \(header.row)"
    }

    private mutating func readPiece(_ bytes: RawSpan) throws(DecodeError) {
        let header = try MediaPieceHeader(decoding: bytes)
        children += [
            number("key_phase", "Phase of the key", .integer(header.keyPhase)),
            number("part.index", "Index", .integer(header.index)),
            number("part.last_index", "Last index", .integer(header.last)),
            number("token", "Token", .word(header.token.rawValue)),
            number("part.number", "Number of the datagram", .integer(header.number)),
        ]
        var reader = ByteReader()
        try reader.skip(MediaPieceHeader.byteCount, in: bytes)
        try readBytes("tag", "Tag", MediaHeader.tagByteCount, bytes, &reader)
        try skipShown("part.data_bytes", "Part of the datagram", behind: 0, bytes, &reader)
        summary += " \(Int(header.index) + 1) of \(Int(header.last) + 1), number \(header.number)"
    }

    // MARK: - Control and links

    /// Type, token and the low bits of the counter are in clear (docs/sealing.md).
    private mutating func readControl(
        _ bytes: RawSpan, _ reader: inout ByteReader
    ) throws(DecodeError) {
        try readToken(bytes, &reader)
        let word = try reader.readUInt16(from: bytes)
        children += [
            number("key_phase", "Phase of the key", .integer(word >> 15)),
            number("counter", "Counter", .integer(word & 0x7FFF)),
        ]
        summary += " number \(word & 0x7FFF)"
        try readSealed(behind: 16, bytes, &reader)
        try readBytes("control.tag", "Tag", 16, bytes, &reader)
    }

    private mutating func readLink(
        _ bytes: RawSpan, _ reader: inout ByteReader
    ) throws(DecodeError) {
        try readNoFlags(bytes, &reader)
        try readToken(bytes, &reader)
        switch kind {
        case .linkHello: try readBytes("hello.zero", "Zero", 48, bytes, &reader)
        case .linkChallenge:
            try readBytes("cookie", "Cookie", 16, bytes, &reader)
            try readBytes("challenge.key", "Responder's key", 32, bytes, &reader)
        case .linkRequest:
            try readBytes("cookie", "Cookie", 16, bytes, &reader)
            try readBytes("noise.ephemeral", "Ephemeral key", 32, bytes, &reader)
            try readSealed(behind: reader.remaining(in: bytes) - 48, bytes, &reader)
            try readSealed(behind: 16, bytes, &reader)
        default:
            try readBytes("noise.ephemeral", "Ephemeral key", 32, bytes, &reader)
            try readSealed(behind: 0, bytes, &reader)
            return
        }
        try readBytes("code", "Code of the group", 16, bytes, &reader)
        try reader.expectEnd(of: bytes)
    }

    // MARK: - Rendezvous

    private mutating func readRendezvous(
        _ bytes: RawSpan, _ reader: inout ByteReader
    ) throws(DecodeError) {
        try readNoFlags(bytes, &reader)
        try readBytes("transaction", "Transaction", 8, bytes, &reader)
        switch kind {
        case .rendezvousRequest: try readRequest(bytes, &reader)
        case .rendezvousChallenge:
            try readBytes("cookie", "Cookie", 16, bytes, &reader)
            try readEndpoint(bytes, &reader)
        case .rendezvousReply: try readReply(bytes, &reader)
        default:
            let code = try reader.readUInt8(from: bytes)
            let reason = RendezvousRefusalReason(rawValue: code)?.name ?? ""
            children.append(
                number("rendezvous.reason", "Reason", .integer(code), meaning: reason))
            summary += ", \(reason)"
        }
    }

    private mutating func readRequest(
        _ bytes: RawSpan, _ reader: inout ByteReader
    ) throws(DecodeError) {
        let code = try reader.readUInt8(from: bytes)
        let operation = RendezvousRequest.Operation(rawValue: code).map { "\($0)" } ?? ""
        children.append(number("operation", "Operation", .integer(code), meaning: operation))
        summary += ", \(operation)"
        for (name, label, count) in [
            ("public_key", "The group's key", 32), ("alias", "Alias", 8), ("peer", "Peer", 8),
            ("cookie", "Cookie", 16), ("entry_code", "Entry code", 16),
            ("signature", "Signature", 64),
        ] {
            try readBytes(name, label, count, bytes, &reader)
        }
    }

    private mutating func readReply(
        _ bytes: RawSpan, _ reader: inout ByteReader
    ) throws(DecodeError) {
        for (name, label) in [
            ("lease", "Lease"), ("members", "Members"), ("sources", "Sources"),
            ("namesakes", "Namesakes"),
        ] {
            let word = try reader.readUInt32(from: bytes)
            let unit = name == "lease" ? "ms" : ""
            children.append(number(name, label, .integer(word), meaning: unit))
        }
        try readEndpoint(bytes, &reader)
        let count = try reader.readUInt8(from: bytes)
        children.append(number("count", "Contacts", .integer(count)))
        for _ in 0..<count {
            try readBytes("peer", "Peer", 8, bytes, &reader)
            try readEndpoint(bytes, &reader)
            try readBytes("entry_code", "Entry code", 16, bytes, &reader)
        }
        summary += ", \(count) peers named"
    }

    private mutating func readEndpoint(
        _ bytes: RawSpan, _ reader: inout ByteReader
    ) throws(DecodeError) {
        let family = try reader.readUInt8(from: bytes)
        let address: IPAddress
        if family == 4 {
            address = .v4(IPv4Address(rawValue: try reader.readUInt32(from: bytes)))
        } else {
            let high = try reader.readUInt64(from: bytes)
            address = .v6(IPv6Address(high: high, low: try reader.readUInt64(from: bytes)))
        }
        let port = try reader.readUInt16(from: bytes)
        children += [
            number("endpoint.family", "Family", .integer(family)),
            number("endpoint.ipv\(family)", "Address", .address(address)),
            number("endpoint.port", "Port", .integer(port)),
        ]
    }

    // MARK: - Parts

    private mutating func readNoFlags(
        _ bytes: RawSpan, _ reader: inout ByteReader
    ) throws(DecodeError) {
        let word = try reader.readUInt16(from: bytes)
        guard word == 0 else { throw .invalidField("flags") }
        children += [
            number("flags", "Flags", .word(UInt8(0))),
            number("stream_index", "Stream index", .integer(UInt8(0))),
        ]
    }

    private mutating func readToken(
        _ bytes: RawSpan, _ reader: inout ByteReader
    ) throws(DecodeError) {
        children.append(number("token", "Token", .word(try reader.readUInt32(from: bytes))))
    }

    private mutating func readBytes(
        _ name: String, _ label: String, _ count: Int, _ bytes: RawSpan,
        _ reader: inout ByteReader
    ) throws(DecodeError) {
        children.append(number(name, label, .bytes(try reader.readBytes(count, from: bytes))))
    }

    /// Steps over what nobody without keys can read, up to `behind` bytes from the end.
    private mutating func readSealed(
        behind: Int, _ bytes: RawSpan, _ reader: inout ByteReader
    ) throws(DecodeError) {
        let count = reader.remaining(in: bytes) - behind
        try reader.skip(count, in: bytes)
        guard count > 0 else { return }
        children.append(number("sealed_length", "Sealed", .integer(count), meaning: "bytes"))
    }

    /// Steps over bytes that only their number is shown of; at least one.
    private mutating func skipShown(
        _ name: String, _ label: String, behind: Int, _ bytes: RawSpan,
        _ reader: inout ByteReader
    ) throws(DecodeError) {
        let count = max(1, reader.remaining(in: bytes) - behind)
        try reader.skip(count, in: bytes)
        children.append(number(name, label, .integer(count), meaning: "bytes"))
    }
}

extension DatagramHeader.Kind {
    /// As tools/wireshark/polycast.lua calls it.
    fileprivate var title: String {
        switch self {
        case .media: "media"
        case .control: "control"
        case .parity: "parity"
        case .mediaPiece: "part of media"
        case .linkHello: "link hello"
        case .linkChallenge: "link challenge"
        case .linkRequest: "link request"
        case .linkAccept: "link accept"
        case .linkRefusal: "link refusal"
        case .rendezvousRequest: "rendezvous request"
        case .rendezvousChallenge: "rendezvous challenge"
        case .rendezvousReply: "rendezvous reply"
        case .rendezvousRefusal: "rendezvous refusal"
        }
    }
}
