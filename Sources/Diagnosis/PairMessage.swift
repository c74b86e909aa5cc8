import NetBasics

/// What two doctors say to each other; docs/doctor.md draws the bytes.
///
///     magic (4) | version (1) | type (1) | token (8) | cookie (16) | fields of the type | padding
///
/// The asking doctor draws the token; the answering one hands out the cookie, and gives no answer
/// longer than its question to an address that has not shown it.
package struct PairMessage: Equatable, Sendable {
    package var token: UInt64
    package var cookie: PairCookie
    package var body: Body

    package enum Body: Equatable, Sendable {
        /// Asks to begin, for a group and, in a source-specific one, with a source.
        case hello(group: IPAddress, port: UInt16, isSourceSpecific: Bool)
        /// The cookie to come back with.
        case challenge
        /// The answering doctor's welcome: where it saw the asking one.
        case ready(observed: Endpoint, failed: CheckNames)
        case refusal(PairRefusal)
        /// Asks for an echo of `replyBytes` of UDP payload; `sentAt` is given back.
        case probe(sequence: UInt32, replyBytes: UInt16, sentAt: UInt64)
        /// `hops`: hop limit that was left of the probe. `probes`: how many came so far.
        case echo(sequence: UInt32, sentAt: UInt64, hops: UInt8, probes: UInt32, wall: UInt64)
        /// Asks for packets to the group.
        case sendGroup(count: UInt8, ttl: UInt8)
        /// One of these.
        case groupPacket(sequence: UInt32, ttl: UInt8)
        /// Asks what came to the group with this token.
        case askGroup
        case groupReport(received: UInt32, hops: UInt8)
        /// The echo is longer than what the kernel there will send in one piece on this path.
        case tooLong(sequence: UInt32)
    }

    /// Set in the numbers of packets to the group that the answering doctor sends.
    package static let answerBit: UInt32 = 1 << 31

    package init(token: UInt64, cookie: PairCookie = .none, _ body: Body) {
        self.token = token
        self.cookie = cookie
        self.body = body
    }
}

/// Proof that its bearer receives at its address.
package struct PairCookie: Equatable, Sendable {
    package var high: UInt64
    package var low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package static let none = PairCookie(high: 0, low: 0)
}

package enum PairRefusal: UInt8, Sendable, CaseIterable {
    case otherGroup = 1
    case busy = 2

    package var name: String {
        switch self {
        case .otherGroup: "it looks at another group"
        case .busy: "it is busy with others"
        }
    }
}

// MARK: - Bytes

extension PairMessage {
    package static let magic: UInt32 = 0x5043_4452
    package static let version: UInt8 = 1
    /// Shortest message, padding included: no answer before the proof is longer.
    package static let leastBytes = 72
    /// Longest message; a UDP payload over the longest Ethernet frames in use.
    package static let byteLimit = 9_172

    /// The message, padded with zeros to `size` if that is more.
    package func encoded(size: Int = leastBytes) -> [UInt8] {
        var writer = ByteWriter(capacity: max(size, Self.leastBytes))
        writer.write(Self.magic)
        writer.write(Self.version)
        writer.write(code)
        writer.write(token)
        writer.write(cookie.high)
        writer.write(cookie.low)
        writeFields(to: &writer)
        let length = min(max(size, Self.leastBytes), Self.byteLimit)
        writer.write(repeatElement(UInt8(0), count: max(0, length - writer.bytes.count)))
        return writer.bytes
    }

    private var code: UInt8 {
        switch body {
        case .hello: 1
        case .challenge: 2
        case .ready: 3
        case .refusal: 4
        case .probe: 5
        case .echo: 6
        case .sendGroup: 7
        case .groupPacket: 8
        case .askGroup: 9
        case .groupReport: 10
        case .tooLong: 11
        }
    }

    private func writeFields(to writer: inout ByteWriter) {
        switch body {
        case .hello(let group, let port, let isSourceSpecific):
            writer.write(Endpoint(address: group, port: port))
            writer.write(isSourceSpecific ? UInt8(1) : 0)
        case .challenge, .askGroup:
            break
        case .ready(let observed, let failed):
            writer.write(observed)
            writer.write(failed.bits)
        case .refusal(let reason):
            writer.write(reason.rawValue)
        case .probe(let sequence, let replyBytes, let sentAt):
            writer.write(sequence)
            writer.write(replyBytes)
            writer.write(sentAt)
        case .echo(let sequence, let sentAt, let hops, let probes, let wall):
            writer.write(sequence)
            writer.write(sentAt)
            writer.write(hops)
            writer.write(probes)
            writer.write(wall)
        case .sendGroup(let count, let ttl):
            writer.write(count)
            writer.write(ttl)
        case .groupPacket(let sequence, let ttl):
            writer.write(sequence)
            writer.write(ttl)
        case .groupReport(let received, let hops):
            writer.write(received)
            writer.write(hops)
        case .tooLong(let sequence):
            writer.write(sequence)
        }
    }

    package init(decoding bytes: RawSpan) throws(DecodeError) {
        guard bytes.byteCount >= Self.leastBytes else {
            throw .truncated(needed: Self.leastBytes, available: bytes.byteCount)
        }
        guard bytes.byteCount <= Self.byteLimit else {
            throw .oversized(limit: Self.byteLimit, actual: bytes.byteCount)
        }
        var reader = ByteReader()
        guard try reader.readUInt32(from: bytes) == Self.magic else { throw .unknownMagic }
        let version = try reader.readUInt8(from: bytes)
        guard version == Self.version else { throw .unsupportedVersion(version) }
        let code = try reader.readUInt8(from: bytes)
        token = try reader.readUInt64(from: bytes)
        cookie = PairCookie(
            high: try reader.readUInt64(from: bytes), low: try reader.readUInt64(from: bytes))
        body = try Self.readBody(code, &reader, bytes)
    }

    private static func readBody(
        _ code: UInt8, _ reader: inout ByteReader, _ bytes: RawSpan
    ) throws(DecodeError) -> Body {
        switch code {
        case 1:
            let group = try reader.readEndpoint(from: bytes)
            guard group.address.isMulticast else { throw .invalidField("group") }
            let flag = try reader.readUInt8(from: bytes)
            guard flag <= 1 else { throw .invalidField("source-specific") }
            return .hello(group: group.address, port: group.port, isSourceSpecific: flag == 1)
        case 2: return .challenge
        case 3:
            let observed = try reader.readEndpoint(from: bytes)
            return .ready(
                observed: observed, failed: CheckNames(bits: try reader.readUInt32(from: bytes)))
        case 4:
            guard let reason = PairRefusal(rawValue: try reader.readUInt8(from: bytes)) else {
                throw .invalidField("reason")
            }
            return .refusal(reason)
        case 5:
            return .probe(
                sequence: try reader.readUInt32(from: bytes),
                replyBytes: try reader.readUInt16(from: bytes),
                sentAt: try reader.readUInt64(from: bytes))
        case 6:
            return .echo(
                sequence: try reader.readUInt32(from: bytes),
                sentAt: try reader.readUInt64(from: bytes),
                hops: try reader.readUInt8(from: bytes),
                probes: try reader.readUInt32(from: bytes),
                wall: try reader.readUInt64(from: bytes))
        case 7:
            return .sendGroup(
                count: try reader.readUInt8(from: bytes), ttl: try reader.readUInt8(from: bytes))
        case 8:
            return .groupPacket(
                sequence: try reader.readUInt32(from: bytes),
                ttl: try reader.readUInt8(from: bytes))
        case 9: return .askGroup
        case 10:
            return .groupReport(
                received: try reader.readUInt32(from: bytes),
                hops: try reader.readUInt8(from: bytes))
        case 11: return .tooLong(sequence: try reader.readUInt32(from: bytes))
        default: throw .unknownType(code)
        }
    }
}

extension ByteWriter {
    fileprivate mutating func write(_ endpoint: Endpoint) {
        switch endpoint.address {
        case .v4(let address):
            write(UInt8(4))
            write(UInt64(0))
            write(UInt64(address.rawValue))
        case .v6(let address):
            write(UInt8(6))
            write(address.high)
            write(address.low)
        }
        write(endpoint.port)
    }
}

extension ByteReader {
    fileprivate mutating func readEndpoint(from bytes: RawSpan) throws(DecodeError) -> Endpoint {
        let family = try readUInt8(from: bytes)
        let high = try readUInt64(from: bytes)
        let low = try readUInt64(from: bytes)
        let port = try readUInt16(from: bytes)
        switch family {
        case 4:
            guard high == 0, let word = UInt32(exactly: low) else { throw .invalidField("address") }
            return Endpoint(address: .v4(IPv4Address(rawValue: word)), port: port)
        case 6:
            let address = IPAddress(IPv6Address(high: high, low: low))
            return Endpoint(address: address, port: port)
        default: throw .invalidField("family")
        }
    }
}
