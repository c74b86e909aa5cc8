import NetBasics

/// Who a source is (RFC 3550, section 6.5): a chunk, which ends in zeros at a multiple of 4 bytes.
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------------------------------------------------------+
///     |                             SSRC                              |
///     +---------------+---------------+-------------------------------+
///     |   item type   |    length     |  text, then the next item     |
///     +---------------+---------------+-------------------------------+
///     | prefix length |  prefix, then text: only in an item PRIV      |
///     +---------------+-----------------------------------------------+
///
package struct RTCPDescription: Equatable, Sendable {
    package var source: UInt32
    /// An item has 2 bytes at least.
    package var items: [Item]

    package struct Item: Equatable, Sendable {
        package var type: UInt8
        /// Of an item PRIV; `nil` in others.
        package var prefix: [UInt8]?
        /// UTF-8, if the sender keeps to the rules.
        package var text: [UInt8]
    }

    package static let canonicalName: UInt8 = 1
    package static let privateExtension: UInt8 = 8

    /// The text of the first CNAME, made printable.
    package var canonicalName: String? {
        items.first { $0.type == Self.canonicalName }
            .map { String(received: $0.text) }
    }

    static func chunks(
        _ count: Int, decoding bytes: RawSpan
    ) throws(DecodeError) -> [RTCPDescription] {
        var reader = ByteReader()
        var chunks: [RTCPDescription] = []
        for _ in 0..<count {
            chunks.append(try RTCPDescription(decoding: bytes, with: &reader))
        }
        return chunks
    }

    private init(decoding bytes: RawSpan, with reader: inout ByteReader) throws(DecodeError) {
        source = try reader.readUInt32(from: bytes)
        items = []
        while true {
            let type = try reader.readUInt8(from: bytes)
            guard type != 0 else { break }
            items.append(try Item(type, decoding: bytes, with: &reader))
        }
        // The packet is whole words long, so what completes a word is there.
        try reader.skip((4 - reader.offset % 4) % 4, in: bytes)
    }
}

extension RTCPDescription.Item {
    fileprivate init(
        _ type: UInt8, decoding bytes: RawSpan, with reader: inout ByteReader
    ) throws(DecodeError) {
        self.type = type
        var count = Int(try reader.readUInt8(from: bytes))
        if type == RTCPDescription.privateExtension {
            guard count > 0 else { throw .invalidField("prefix length") }
            let prefixByteCount = Int(try reader.readUInt8(from: bytes))
            count -= 1
            guard prefixByteCount <= count else { throw .invalidField("prefix length") }
            prefix = try reader.readBytes(prefixByteCount, from: bytes)
            count -= prefixByteCount
        }
        text = try reader.readBytes(count, from: bytes)
    }
}

/// Sources that leave (RFC 3550, section 6.6).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------------------------------------------------------+
///     |                         SSRC, count times                     |
///     +---------------+-----------------------------------------------+
///     |    length     |            reason, if there is one            |
///     +---------------+-----------------------------------------------+
///
package struct RTCPGoodbye: Equatable, Sendable {
    /// 31 at most.
    package var sources: [UInt32]
    package var reason: [UInt8]?

    init(_ count: Int, decoding bytes: RawSpan) throws(DecodeError) {
        var reader = ByteReader()
        sources = []
        for _ in 0..<count { sources.append(try reader.readUInt32(from: bytes)) }
        guard reader.remaining(in: bytes) > 0 else { return }
        let reasonByteCount = Int(try reader.readUInt8(from: bytes))
        reason = try reader.readBytes(reasonByteCount, from: bytes)
    }
}

/// What an application defines (RFC 3550, section 6.7).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------------------------------------------------------+
///     |                             SSRC                              |
///     +---------------------------------------------------------------+
///     |                         name (ASCII)                          |
///     +---------------------------------------------------------------+
///     |                             data                              |
///     +---------------------------------------------------------------+
///
package struct RTCPApplication: Equatable, Sendable {
    /// 0 to 31.
    package var subtype: UInt8
    package var source: UInt32
    /// Four characters.
    package var name: [UInt8]
    package var data: [UInt8]

    init(subtype: UInt8, decoding bytes: RawSpan) throws(DecodeError) {
        self.subtype = subtype
        var reader = ByteReader()
        source = try reader.readUInt32(from: bytes)
        name = try reader.readBytes(4, from: bytes)
        data = try reader.readRest(of: bytes)
    }
}
