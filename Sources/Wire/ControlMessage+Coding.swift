import NetBasics

/// A datagram of control messages on one link.
///
///     header (4) | receiver's link token (4) | record, record, …
///     record: kind (1) | body, as long as its kind and its own counts say
///
package struct ControlDatagram: Equatable, Sendable {
    package var token: LinkToken
    package var messages: [ControlMessage]

    package init(token: LinkToken, messages: [ControlMessage]) {
        self.token = token
        self.messages = messages
    }

    /// Bytes of one datagram at most: with its seal it is then no longer than any other.
    package static let byteLimit = DatagramLimit.control - sealBytes
    /// Bytes that sealing adds to a datagram (docs/sealing.md).
    package static let sealBytes = 16

    /// As few datagrams as hold all messages, none above ``byteLimit``, in clear.
    package var encodedDatagrams: [[UInt8]] {
        var header = ByteWriter(capacity: Self.headerBytes)
        DatagramHeader(kind: .control).write(to: &header)
        header.write(token)
        return encodedRecords.map { header.bytes + $0 }
    }

    /// The records of each of ``encodedDatagrams``, to be sealed.
    package var encodedRecords: [[UInt8]] {
        var datagrams: [[UInt8]] = []
        var writer = ByteWriter(capacity: 256)
        for message in messages {
            let record = message.encodedRecord
            let count = Self.headerBytes + writer.bytes.count + record.count
            if count > Self.byteLimit, !writer.bytes.isEmpty {
                datagrams.append(writer.bytes)
                writer = ByteWriter(capacity: 256)
            }
            writer.write(record)
        }
        return datagrams + [writer.bytes]
    }

    private static let headerBytes = 8

    /// Reads what follows the header; refuses the whole datagram if any record is malformed.
    init(from bytes: RawSpan, reader: inout ByteReader) throws(DecodeError) {
        let token = try reader.readToken(from: bytes)
        try self.init(token: token, records: bytes, reader: &reader)
    }

    /// Reads records that came sealed; only a probe may be longer than ``byteLimit``.
    package init(token: LinkToken, decodingRecords bytes: RawSpan) throws(DecodeError) {
        var reader = ByteReader()
        try self.init(token: token, records: bytes, reader: &reader)
        if bytes.byteCount > Self.byteLimit, messages.count > 1 {
            throw .oversized(limit: Self.byteLimit, actual: bytes.byteCount)
        }
    }

    private init(
        token: LinkToken, records bytes: RawSpan, reader: inout ByteReader
    ) throws(DecodeError) {
        self.token = token
        messages = []
        while reader.remaining(in: bytes) > 0 {
            let code = try reader.readUInt8(from: bytes)
            guard let kind = RecordKind(rawValue: code) else { throw .unknownType(code) }
            messages.append(try ControlMessage(kind: kind, from: bytes, reader: &reader))
        }
    }
}

private enum RecordKind: UInt8 {
    case ping = 1
    case pong = 2
    case route = 3
    case seqnoRequest = 4
    case describe = 5
    case description = 6
    case attach = 7
    case attachAccepted = 8
    case attachRefused = 9
    case detach = 10
    case move = 11
    case peers = 12
    case close = 13
    case heartbeat = 20
    case position = 21
    case repairRequest = 14
    case heardUpTo = 15
    case announce = 16
    case graft = 17
    case prune = 18
    case have = 19
    case rekey = 22
    case rekeyed = 23
    case probe = 24
    case parity = 26
    case probed = 27
    case received = 25
    case measure = 28
    case shed = 29
}

extension ControlMessage {
    fileprivate var recordKind: RecordKind {
        switch self {
        case .ping: .ping
        case .pong: .pong
        case .route: .route
        case .seqnoRequest: .seqnoRequest
        case .describe: .describe
        case .description: .description
        case .attach: .attach
        case .attachAccepted: .attachAccepted
        case .attachRefused: .attachRefused
        case .detach: .detach
        case .move: .move
        case .peers: .peers
        case .close: .close
        case .heartbeat: .heartbeat
        case .position: .position
        case .repairRequest: .repairRequest
        case .heardUpTo: .heardUpTo
        case .parity: .parity
        case .announce: .announce
        case .graft: .graft
        case .prune: .prune
        case .have: .have
        case .rekey: .rekey
        case .rekeyed: .rekeyed
        case .probe: .probe
        case .probed: .probed
        case .rate(.measure): .measure
        case .rate(.received): .received
        case .rate(.shed): .shed
        }
    }

    fileprivate var encodedRecord: [UInt8] {
        var writer = ByteWriter(capacity: 48)
        writer.write(recordKind.rawValue)
        writeBody(to: &writer)
        return writer.bytes
    }

    private func writeBody(to writer: inout ByteWriter) {
        switch self {
        case .ping(let time), .pong(let time):
            writer.write(time)
        case .route(let advert):
            advert.write(to: &writer)
        case .seqnoRequest(let source, let seqno, let hopLimit, let isUrgent):
            writer.write(source)
            writer.write(seqno)
            writer.write(hopLimit)
            writer.write(UInt8(isUrgent ? 1 : 0))
        case .describe(let source), .detach(let source), .prune(let source):
            writer.write(source)
        case .attachAccepted(let source, let isFed):
            writer.write(source)
            writer.write(UInt8(isFed ? 1 : 0))
        case .description(let description):
            description.write(to: &writer)
        case .attach(let request):
            writer.write(request.source)
            writer.write(request.freeRate)
            writer.write(UInt8(request.isInner ? 1 : 0))
            writer.write(request.standing.rawValue)
            writer.write(request.cost)
        case .attachRefused(let source, let reason, let referrals):
            writer.write(source)
            writer.write(reason.rawValue)
            writer.write(referrals)
        case .move(let source, let target):
            writer.write(source)
            writer.write([target])
        case .peers(let peers, let source):
            writer.write(source)
            writer.write(peers)
        case .heartbeat(let next):
            writer.write(next)
        case .position(let coordinate):
            writer.write(coordinate)
        case .announce(let announcement):
            announcement.write(to: &writer)
        case .graft(let source, let seqno, let isLazy):
            writer.write(source)
            writer.write(seqno)
            writer.write(UInt8(isLazy ? 1 : 0))
        case .parity(let source, let rows):
            writer.write(source)
            writer.write(rows)
        case .have(let stream, let sequence):
            writer.write(stream)
            writer.write(sequence)
        case .close: break
        case .rekey(let message), .rekeyed(let message):
            writer.write(message)
        case .probe(let nonce, let padding):
            writer.write(nonce)
            writer.write(padding)
            writer.write([UInt8](repeating: 0, count: Int(padding)))
        case .probed(let nonce):
            writer.write(nonce)
        case .repairRequest(let request):
            writer.write(request.stream)
            writer.write(request.base)
            writer.write(request.bitmap)
        case .heardUpTo(let stream, let highest):
            writer.write(stream)
            writer.write(highest)
        case .rate(let message):
            message.write(to: &writer)
        }
    }

    fileprivate init(
        kind: RecordKind, from bytes: RawSpan, reader: inout ByteReader
    ) throws(DecodeError) {
        switch kind {
        case .ping: self = .ping(time: try reader.readUInt32(from: bytes))
        case .pong: self = .pong(time: try reader.readUInt32(from: bytes))
        case .route: self = .route(try RouteAdvert(from: bytes, reader: &reader))
        case .seqnoRequest:
            self = .seqnoRequest(
                source: try reader.readPeer(from: bytes),
                seqno: try reader.readUInt32(from: bytes),
                hopLimit: try reader.readUInt8(from: bytes),
                isUrgent: try reader.readFlag("urgent", from: bytes))
        case .describe: self = .describe(source: try reader.readPeer(from: bytes))
        case .description:
            self = .description(try StreamDescription(from: bytes, reader: &reader))
        case .attach: self = .attach(try AttachRequest(from: bytes, reader: &reader))
        case .attachAccepted:
            self = .attachAccepted(
                source: try reader.readPeer(from: bytes),
                isFed: try reader.readFlag("fed", from: bytes))
        case .attachRefused: self = try Self.attachRefused(from: bytes, reader: &reader)
        case .detach: self = .detach(source: try reader.readPeer(from: bytes))
        case .move:
            let source = try reader.readPeer(from: bytes)
            guard let target = try reader.readContacts(limit: 1, from: bytes).first else {
                throw .invalidField("target")
            }
            self = .move(source: source, target: target)
        case .peers:
            let source = try reader.readPeer(from: bytes)
            let peers = try reader.readAcquaintances(limit: Self.peerLimit, from: bytes)
            self = .peers(peers, source: source)
        case .close: self = .close
        case .heartbeat: self = .heartbeat(next: try reader.readUInt16(from: bytes))
        case .position: self = .position(try reader.readCoordinate(from: bytes))
        case .repairRequest:
            self = .repairRequest(try RepairRequest(from: bytes, reader: &reader))
        case .heardUpTo:
            self = .heardUpTo(
                stream: try reader.readStream(from: bytes),
                highest: try reader.readUInt32(from: bytes))
        case .announce:
            self = .announce(try SourceAnnouncement(from: bytes, reader: &reader))
        case .graft:
            self = .graft(
                source: try reader.readPeer(from: bytes),
                seqno: try reader.readUInt32(from: bytes),
                isLazy: try reader.readFlag("lazy", from: bytes))
        case .prune: self = .prune(source: try reader.readPeer(from: bytes))
        case .parity: self = try Self.parity(from: bytes, reader: &reader)
        case .rekey:
            self = .rekey(try reader.readBytes(LinkMessage.rekeyBytes, from: bytes))
        case .rekeyed:
            self = .rekeyed(try reader.readBytes(LinkMessage.rekeyedBytes, from: bytes))
        case .probe: self = try Self.probe(from: bytes, reader: &reader)
        case .probed: self = .probed(nonce: try reader.readUInt64(from: bytes))
        case .have:
            self = .have(
                stream: try reader.readStream(from: bytes),
                sequence: try reader.readUInt32(from: bytes))
        case .measure: self = .rate(try RateMessage(measureFrom: bytes, reader: &reader))
        case .received: self = .rate(try RateMessage(receivedFrom: bytes, reader: &reader))
        case .shed: self = .rate(try RateMessage(shedFrom: bytes, reader: &reader))
        }
    }
}

extension ControlMessage {
    private static func attachRefused(
        from bytes: RawSpan, reader: inout ByteReader
    ) throws(DecodeError) -> ControlMessage {
        let source = try reader.readPeer(from: bytes)
        guard let reason = AttachRefusalReason(rawValue: try reader.readUInt8(from: bytes)) else {
            throw .invalidField("reason")
        }
        return .attachRefused(
            source: source, reason: reason,
            referrals: try reader.readContacts(limit: referralLimit, from: bytes))
    }

    private static func parity(
        from bytes: RawSpan, reader: inout ByteReader
    ) throws(DecodeError) -> ControlMessage {
        let source = try reader.readPeer(from: bytes)
        let rows = try reader.readUInt8(from: bytes)
        guard rows <= ParityHeader.rowLimit else { throw .invalidField("rows") }
        return .parity(source: source, rows: rows)
    }

    private static func probe(
        from bytes: RawSpan, reader: inout ByteReader
    ) throws(DecodeError) -> ControlMessage {
        let nonce = try reader.readUInt64(from: bytes)
        let padding = try reader.readUInt16(from: bytes)
        guard try reader.readBytes(Int(padding), from: bytes).allSatisfy({ $0 == 0 }) else {
            throw .invalidField("padding")
        }
        return .probe(nonce: nonce, padding: padding)
    }
}

extension AttachRequest {
    fileprivate init(from bytes: RawSpan, reader: inout ByteReader) throws(DecodeError) {
        source = try reader.readPeer(from: bytes)
        freeRate = try reader.readUInt32(from: bytes)
        isInner = try reader.readFlag("inner", from: bytes)
        guard let standing = ChildStanding(rawValue: try reader.readUInt8(from: bytes)) else {
            throw .invalidField("standing")
        }
        self.standing = standing
        cost = try reader.readUInt32(from: bytes)
    }
}

extension RepairRequest {
    fileprivate init(from bytes: RawSpan, reader: inout ByteReader) throws(DecodeError) {
        stream = try reader.readStream(from: bytes)
        base = try reader.readUInt32(from: bytes)
        bitmap = try reader.readUInt64(from: bytes)
        guard bitmap != 0 else { throw .invalidField("bitmap") }
    }
}

extension RouteAdvert {
    private static let goneBit: UInt8 = 0x80
    /// More hops are written as so many.
    private static let hopLimit: UInt8 = 0x7F

    fileprivate func write(to writer: inout ByteWriter) {
        writer.write(source)
        writer.write(seqno)
        writer.write(metric)
        writer.write(min(hops, Self.hopLimit) | (isGone ? Self.goneBit : 0))
        writer.writeUInt24(freeRate)
        writer.writeUInt24(admitCost)
        writer.writeUInt24(sourceRate)
        writer.write(descriptionVersion)
        writer.write(origin)
    }

    fileprivate init(from bytes: RawSpan, reader: inout ByteReader) throws(DecodeError) {
        source = try reader.readPeer(from: bytes)
        seqno = try reader.readUInt32(from: bytes)
        metric = try reader.readUInt32(from: bytes)
        let code = try reader.readUInt8(from: bytes)
        hops = code & Self.hopLimit
        isGone = code & Self.goneBit != 0
        freeRate = try reader.readUInt24(from: bytes)
        admitCost = try reader.readUInt24(from: bytes)
        sourceRate = try reader.readUInt24(from: bytes)
        descriptionVersion = try reader.readUInt16(from: bytes)
        origin = try reader.readCoordinate(from: bytes)
    }
}

extension StreamDescription {
    fileprivate func write(to writer: inout ByteWriter) {
        writer.write(stream.source)
        writer.write(stream.index)
        writer.write(version)
        writer.write(streamCount)
        writer.write(kind.rawValue)
        writer.write(priority)
        writer.write(format.rawValue)
        writer.write(rate)
        writer.write(member)
        writer.write(UInt16(mediaText.utf8.count))
        writer.write(mediaText.utf8)
    }

    fileprivate init(from bytes: RawSpan, reader: inout ByteReader) throws(DecodeError) {
        let source = try reader.readPeer(from: bytes)
        stream = StreamID(source: source, index: try reader.readUInt8(from: bytes))
        version = try reader.readUInt16(from: bytes)
        streamCount = try reader.readUInt8(from: bytes)
        guard streamCount <= Self.streamLimit, stream.index < streamCount else {
            throw .invalidField("stream index")
        }
        guard let kind = MediaKind(rawValue: try reader.readUInt8(from: bytes)) else {
            throw .invalidField("kind")
        }
        self.kind = kind
        priority = try reader.readUInt8(from: bytes)
        guard let format = StreamFormat(rawValue: try reader.readUInt8(from: bytes)) else {
            throw .invalidField("format")
        }
        self.format = format
        rate = try reader.readUInt32(from: bytes)
        member = try reader.readName(from: bytes)
        let textCount = Int(try reader.readUInt16(from: bytes))
        guard textCount <= Self.mediaTextLimit else { throw .invalidField("media text") }
        mediaText = try reader.readText(textCount, field: "media text", from: bytes)
    }
}

extension ByteWriter {
    /// Three bytes; what does not fit is written as the largest, which reads as ``UInt32/max``.
    mutating func writeUInt24(_ word: UInt32) {
        let fitting = min(word, 0xFF_FFFF)
        write(UInt8(fitting >> 16))
        write(UInt16(truncatingIfNeeded: fitting))
    }

    mutating func write(_ stream: StreamID) {
        write(stream.source)
        write(stream.index)
    }
}

extension ByteReader {
    /// The largest reads as ``UInt32/max``.
    mutating func readUInt24(from bytes: RawSpan) throws(DecodeError) -> UInt32 {
        let high = UInt32(try readUInt8(from: bytes)) << 16
        let word = high | UInt32(try readUInt16(from: bytes))
        return word == 0xFF_FFFF ? .max : word
    }

    mutating func readStream(
        from bytes: RawSpan
    ) throws(DecodeError) -> StreamID {
        let source = try readPeer(from: bytes)
        let index = try readUInt8(from: bytes)
        guard index < StreamDescription.streamLimit else { throw .invalidField("stream index") }
        return StreamID(source: source, index: index)
    }

    fileprivate mutating func readFlag(
        _ field: String, from bytes: RawSpan
    ) throws(DecodeError) -> Bool {
        let code = try readUInt8(from: bytes)
        guard code <= 1 else { throw .invalidField(field) }
        return code == 1
    }
}
