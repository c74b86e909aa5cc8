import NetBasics

/// A datagram of control messages on one link.
///
///     header (4) | receiver's link token (8) | record, record, …
///     record: kind (1) | body length (2) | body
///
package struct ControlDatagram: Equatable, Sendable {
    package var token: LinkToken
    package var messages: [ControlMessage]

    package init(token: LinkToken, messages: [ControlMessage]) {
        self.token = token
        self.messages = messages
    }

    /// As few datagrams as hold all messages, none above ``DatagramLimit/control``.
    package var encodedDatagrams: [[UInt8]] {
        var datagrams: [[UInt8]] = []
        var writer = Self.start(token)
        for message in messages {
            let record = message.encodedRecord
            if writer.bytes.count + record.count > DatagramLimit.control {
                datagrams.append(writer.bytes)
                writer = Self.start(token)
            }
            writer.write(record)
        }
        return datagrams + [writer.bytes]
    }

    private static func start(_ token: LinkToken) -> ByteWriter {
        var writer = ByteWriter(capacity: 256)
        DatagramHeader(kind: .control).write(to: &writer)
        writer.write(token)
        return writer
    }

    /// Reads what follows the header; refuses the whole datagram if any record is malformed.
    init(from bytes: RawSpan, reader: inout ByteReader) throws(DecodeError) {
        token = try reader.readToken(from: bytes)
        messages = []
        while reader.remaining(in: bytes) > 0 {
            let code = try reader.readUInt8(from: bytes)
            guard let kind = RecordKind(rawValue: code) else { throw .unknownType(code) }
            let length = Int(try reader.readUInt16(from: bytes))
            let end = reader.offset + length
            guard end <= bytes.byteCount else {
                throw .truncated(needed: end, available: bytes.byteCount)
            }
            let body = bytes.extracting(first: end)
            messages.append(try ControlMessage(kind: kind, from: body, reader: &reader))
            try reader.expectEnd(of: body)
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
        case .announce: .announce
        case .graft: .graft
        case .prune: .prune
        case .have: .have
        }
    }

    fileprivate var encodedRecord: [UInt8] {
        var writer = ByteWriter(capacity: 48)
        writer.write(recordKind.rawValue)
        writer.write(UInt16(0))
        writeBody(to: &writer)
        writer.overwriteUInt16(UInt16(writer.bytes.count - 3), at: 1)
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
        case .have(let stream, let sequence):
            writer.write(stream)
            writer.write(sequence)
        case .close:
            break
        case .repairRequest(let request):
            writer.write(request.stream)
            writer.write(request.base)
            writer.write(request.bitmap)
        case .heardUpTo(let stream, let highest):
            writer.write(stream)
            writer.write(highest)
        }
    }

    fileprivate init(
        kind: RecordKind, from bytes: RawSpan, reader: inout ByteReader
    ) throws(DecodeError) {
        switch kind {
        case .ping: self = .ping(time: try reader.readUInt64(from: bytes))
        case .pong: self = .pong(time: try reader.readUInt64(from: bytes))
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
        case .attachRefused:
            let source = try reader.readPeer(from: bytes)
            guard let reason = AttachRefusalReason(rawValue: try reader.readUInt8(from: bytes))
            else { throw .invalidField("reason") }
            self = .attachRefused(
                source: source, reason: reason,
                referrals: try reader.readContacts(limit: Self.referralLimit, from: bytes))
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
        case .have:
            self = .have(
                stream: try reader.readStream(from: bytes),
                sequence: try reader.readUInt32(from: bytes))
        }
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
    fileprivate func write(to writer: inout ByteWriter) {
        writer.write(source)
        writer.write(seqno)
        writer.write(metric)
        writer.write(hops)
        writer.write(UInt8(isGone ? 1 : 0))
        writer.write(freeRate)
        writer.write(admitCost)
        writer.write(sourceRate)
        writer.write(descriptionVersion)
        writer.write(origin)
    }

    fileprivate init(from bytes: RawSpan, reader: inout ByteReader) throws(DecodeError) {
        source = try reader.readPeer(from: bytes)
        seqno = try reader.readUInt32(from: bytes)
        metric = try reader.readUInt32(from: bytes)
        hops = try reader.readUInt8(from: bytes)
        isGone = try reader.readFlag("gone", from: bytes)
        freeRate = try reader.readUInt32(from: bytes)
        admitCost = try reader.readUInt32(from: bytes)
        sourceRate = try reader.readUInt32(from: bytes)
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
    fileprivate mutating func write(_ stream: StreamID) {
        write(stream.source)
        write(stream.index)
    }
}

extension ByteReader {
    fileprivate mutating func readStream(
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
