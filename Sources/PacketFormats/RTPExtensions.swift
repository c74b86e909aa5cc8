import NetBasics

/// The header extension of an RTP packet, taken apart (RFC 3550, section 5.3.1; RFC 8285).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-------------------------------+-------------------------------+
///     | profile: 0xBEDE, 0x100A, ...  |     length, 32-bit words      |
///     +-------+-------+---------------+-------------------------------+
///     |  ID   | len-1 |  data         |  one-byte form, 1 to 16 bytes |
///     +-------+-------+---------------+-------------------------------+
///     |      ID       |      len      |  data: two-byte form, 0 to 255|
///     +---------------+---------------+-------------------------------+
///
/// Zero bytes between elements are padding.
package struct RTPExtensions: Equatable, Sendable {
    package var profile: UInt16
    /// Behind the four bytes of the drawing's first row; bytes.
    package var byteCount: Int
    package var form: Form
    /// Of the one-byte and two-byte form; one takes a byte at least.
    package var elements: [Element]
    /// All of it, in a form of a profile.
    package var data: [UInt8]

    package enum Form: Equatable, Sendable {
        case oneByte
        /// With four bits that the application may use.
        case twoByte(applicationBits: UInt8)
        /// As the profile says.
        case other
    }

    package struct Element: Equatable, Sendable {
        /// What an `a=extmap` line of the session description explains; 1 to 14, or to 255.
        package var identifier: UInt8
        package var data: [UInt8]
    }

    /// Reads the extension of a packet whose header was read; `nil` if it has none.
    ///
    /// Refuses an element that ends behind the extension.
    package init?(decoding packet: RawSpan, header: RTPHeader) throws(DecodeError) {
        guard let profile = header.extensionProfile else { return nil }
        var reader = ByteReader()
        try reader.skip(
            RTPHeader.fixedByteCount + 4 * header.contributingSourceCount + 2, in: packet)
        byteCount = 4 * Int(try reader.readUInt16(from: packet))
        let start = reader.offset
        try reader.skip(byteCount, in: packet)
        let bytes = packet.extracting(start..<reader.offset)
        self.profile = profile
        form = Form(profile: profile)
        elements = []
        data = []
        switch form {
        case .oneByte: elements = try Self.oneByteElements(decoding: bytes)
        case .twoByte: elements = try Self.twoByteElements(decoding: bytes)
        case .other:
            reader = ByteReader()
            data = try reader.readRest(of: bytes)
        }
    }

    /// RFC 8285, section 4.2; whatever follows the reserved ID is left alone.
    private static func oneByteElements(decoding bytes: RawSpan) throws(DecodeError) -> [Element] {
        var reader = ByteReader()
        var elements: [Element] = []
        while reader.remaining(in: bytes) > 0 {
            let first = try reader.readUInt8(from: bytes)
            guard first != 0 else { continue }
            guard first >> 4 != reservedIdentifier else { break }
            elements.append(
                Element(
                    identifier: first >> 4,
                    data: try reader.readBytes(Int(first & 0xF) + 1, from: bytes)))
        }
        return elements
    }

    /// RFC 8285, section 4.3.
    private static func twoByteElements(decoding bytes: RawSpan) throws(DecodeError) -> [Element] {
        var reader = ByteReader()
        var elements: [Element] = []
        while reader.remaining(in: bytes) > 0 {
            let identifier = try reader.readUInt8(from: bytes)
            guard identifier != 0 else { continue }
            let count = Int(try reader.readUInt8(from: bytes))
            elements.append(
                Element(identifier: identifier, data: try reader.readBytes(count, from: bytes)))
        }
        return elements
    }

    private static let reservedIdentifier: UInt8 = 15
}

extension RTPExtensions.Form {
    fileprivate init(profile: UInt16) {
        switch profile {
        case 0xBEDE: self = .oneByte
        case 0x1000...0x100F: self = .twoByte(applicationBits: UInt8(profile & 0xF))
        default: self = .other
        }
    }
}
