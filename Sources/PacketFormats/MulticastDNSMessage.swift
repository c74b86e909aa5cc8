import NetBasics

/// A message of multicast DNS (RFC 6762, section 18; RFC 1035, section 4.1.1).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-------------------------------+-------------------------------+
///     |          identifier           |             flags             |
///     +-------------------------------+-------------------------------+
///     |           questions           |            answers            |
///     +-------------------------------+-------------------------------+
///     |          authorities          |          additionals          |
///     +-------------------------------+-------------------------------+
///
package struct MulticastDNSMessage: Equatable, Sendable {
    package static let port: UInt16 = 5353
    /// Longest message; bytes (RFC 6762, section 17).
    package static let byteLimit = 9000

    /// Zero, but in an answer to somebody who only knows DNS.
    package var identifier: UInt16
    package var flags: UInt16
    /// 1797 at most, in so many bytes.
    package var questions: [Question]
    /// 817 at most, with those of the other two sections.
    package var answers: [Record]
    package var authorities: [Record]
    package var additionals: [Record]

    package var isResponse: Bool { flags & 0x8000 != 0 }
    /// Zero; others are to be ignored.
    package var operation: UInt8 { UInt8(truncatingIfNeeded: flags >> 11 & 0xF) }
    package var isAuthoritative: Bool { flags & 0x0400 != 0 }
    /// Known answers follow in another message.
    package var isTruncated: Bool { flags & 0x0200 != 0 }

    package static let pointer: UInt16 = 12
    package static let text: UInt16 = 16
    package static let service: UInt16 = 33

    /// What is looked for (RFC 6762, section 18.12): a name, then type and class of 16 bits each.
    package struct Question: Equatable, Sendable {
        package var name: DNSName
        package var type: UInt16
        /// QU: one may answer the asker alone; the first bit of the class.
        package var wantsUnicast: Bool
        package var recordClass: UInt16
    }

    /// Reads the payload of a UDP datagram.
    package init(decoding bytes: RawSpan) throws(DecodeError) {
        guard bytes.byteCount <= Self.byteLimit else {
            throw .oversized(limit: Self.byteLimit, actual: bytes.byteCount)
        }
        var reader = ByteReader()
        identifier = try reader.readUInt16(from: bytes)
        flags = try reader.readUInt16(from: bytes)
        let questionCount = try reader.readUInt16(from: bytes)
        let answerCount = try reader.readUInt16(from: bytes)
        let authorityCount = try reader.readUInt16(from: bytes)
        let additionalCount = try reader.readUInt16(from: bytes)
        questions = []
        for _ in 0..<questionCount {
            questions.append(try Question(decoding: bytes, with: &reader))
        }
        answers = try Record.records(answerCount, decoding: bytes, with: &reader)
        authorities = try Record.records(authorityCount, decoding: bytes, with: &reader)
        additionals = try Record.records(additionalCount, decoding: bytes, with: &reader)
    }
}

extension MulticastDNSMessage.Question {
    fileprivate init(
        decoding bytes: RawSpan, with reader: inout ByteReader
    ) throws(DecodeError) {
        name = try DNSName(decoding: bytes, with: &reader)
        type = try reader.readUInt16(from: bytes)
        let word = try reader.readUInt16(from: bytes)
        wantsUnicast = word & 0x8000 != 0
        recordClass = word & 0x7FFF
    }
}

extension MulticastDNSMessage {
    /// What is known (RFC 6762, section 18.13), behind its name.
    ///
    ///      0                   1                   2                   3
    ///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    ///     +-------------------------------+-+-----------------------------+
    ///     |             type              |F|            class            |
    ///     +-------------------------------+-+-----------------------------+
    ///     |                      time to live, seconds                    |
    ///     +-------------------------------+-------------------------------+
    ///     |          data length          |              data ...
    ///     +-------------------------------+-------------------------------+
    ///
    package struct Record: Equatable, Sendable {
        package var name: DNSName
        package var type: UInt16
        /// F: other records of that name and type are old.
        package var flushesCache: Bool
        package var recordClass: UInt16
        /// Zero takes the record back.
        package var lifetime: UInt32
        package var dataByteCount: Int
        package var data: Data

        package enum Data: Equatable, Sendable {
            /// A and AAAA.
            case address(IPAddress)
            /// PTR: the name of an instance of a service.
            case pointer(DNSName)
            /// SRV (RFC 2782).
            case service(priority: UInt16, weight: UInt16, port: UInt16, target: DNSName)
            /// TXT: strings such as `key=value` (RFC 6763, section 6).
            case text([[UInt8]])
            case other([UInt8])
        }

        fileprivate static func records(
            _ count: UInt16, decoding bytes: RawSpan, with reader: inout ByteReader
        ) throws(DecodeError) -> [Record] {
            var records: [Record] = []
            for _ in 0..<count { records.append(try Record(decoding: bytes, with: &reader)) }
            return records
        }

        private init(decoding bytes: RawSpan, with reader: inout ByteReader) throws(DecodeError) {
            name = try DNSName(decoding: bytes, with: &reader)
            type = try reader.readUInt16(from: bytes)
            let word = try reader.readUInt16(from: bytes)
            flushesCache = word & 0x8000 != 0
            recordClass = word & 0x7FFF
            lifetime = try reader.readUInt32(from: bytes)
            dataByteCount = Int(try reader.readUInt16(from: bytes))
            var inner = reader
            try reader.skip(dataByteCount, in: bytes)
            // Names in the data may point before it, so the message is cut only behind it.
            let part = bytes.extracting(0..<reader.offset)
            data = try Data(type, decoding: part, with: &inner)
            try inner.expectEnd(of: part)
        }
    }
}

extension MulticastDNSMessage.Record.Data {
    fileprivate init(
        _ type: UInt16, decoding bytes: RawSpan, with reader: inout ByteReader
    ) throws(DecodeError) {
        switch type {
        case 1: self = .address(try reader.readAddress(.v4, from: bytes))
        case 28: self = .address(try reader.readAddress(.v6, from: bytes))
        case MulticastDNSMessage.pointer:
            self = .pointer(try DNSName(decoding: bytes, with: &reader))
        case MulticastDNSMessage.text:
            var strings: [[UInt8]] = []
            while reader.remaining(in: bytes) > 0 {
                let count = Int(try reader.readUInt8(from: bytes))
                strings.append(try reader.readBytes(count, from: bytes))
            }
            self = .text(strings)
        case MulticastDNSMessage.service:
            let priority = try reader.readUInt16(from: bytes)
            let weight = try reader.readUInt16(from: bytes)
            let port = try reader.readUInt16(from: bytes)
            self = .service(
                priority: priority, weight: weight, port: port,
                target: try DNSName(decoding: bytes, with: &reader))
        default: self = .other(try reader.readRest(of: bytes))
        }
    }
}
