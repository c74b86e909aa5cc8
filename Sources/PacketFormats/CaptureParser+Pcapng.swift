import NetBasics

/// Blocks of a pcapng file (draft-ietf-opsawg-pcapng, sections 3 and 4).
///
/// Each begins and ends with its length, and most have options behind what is drawn here:
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------------------------------------------------------+
///     |                           block type                          |
///     +---------------------------------------------------------------+
///     |                          block length                         |
///     +---------------------------------------------------------------+
///     |  section header: 0x1A2B3C4D, versions (2 x 16), length (64)   |
///     |  interface description: link type (16), 0 (16), snap length   |
///     |  enhanced packet: interface, stamp (high, low), captured and  |
///     |      wire length, bytes padded to 32 bits                     |
///     |  simple packet: wire length, bytes padded to 32 bits          |
///     |  interface statistics: interface, stamp (high, low)           |
///     +-------------------------------+-------------------------------+
///     |         option code           |        option length          |
///     +-------------------------------+-------------------------------+
///     |  option, padded to 32 bits    ...                             |
///     +---------------------------------------------------------------+
///     |                          block length                         |
///     +---------------------------------------------------------------+
///
enum Pcapng {
    static let sectionHeader: UInt32 = 0x0A0D_0D0A
    static let interfaceDescription: UInt32 = 1
    /// The packet block of the first drafts.
    static let oldPacket: UInt32 = 2
    static let simplePacket: UInt32 = 3
    static let interfaceStatistics: UInt32 = 5
    static let enhancedPacket: UInt32 = 6
    static let byteOrderMagic: UInt32 = 0x1A2B_3C4D
    /// Type and both lengths.
    static let frameByteCount = 12

    /// Codes of options.
    enum Option {
        static let end: UInt16 = 0
        static let comment: UInt16 = 1
        static let interfaceName: UInt16 = 2
        static let application: UInt16 = 4
        static let timestampResolution: UInt16 = 9
        static let filter: UInt16 = 11
        static let timestampOffset: UInt16 = 14
        static let received: UInt16 = 4
        static let interfaceDropped: UInt16 = 5
        static let kernelDropped: UInt16 = 7
    }
}

extension CaptureParser {
    @inline(__always)
    mutating func pcapngBlock(_ bytes: RawSpan, at offset: Int) throws(DecodeError) -> Step {
        let available = bytes.byteCount - offset
        guard available >= Pcapng.frameByteCount else {
            return .needsBytes(Pcapng.frameByteCount)
        }
        let type = word(bytes, offset)
        // Its value reads the same in both orders.
        if type == Pcapng.sectionHeader { try readByteOrder(bytes, at: offset) }
        let length = Int(word(bytes, offset + 4))
        guard length >= Pcapng.frameByteCount, length % 4 == 0 else {
            throw .invalidField("block length")
        }
        guard Self.readTypes.contains(type) else { return .skip(to: offset + length) }
        guard length <= Self.recordByteLimit else {
            throw .oversized(limit: Self.recordByteLimit, actual: length)
        }
        guard available >= length else { return .needsBytes(length) }
        guard word(bytes, offset + length - 4) == UInt32(length) else {
            throw .invalidField("block length")
        }
        let body = offset + 8..<offset + length - 4
        return try read(type, bytes, body, next: offset + length)
    }

    private static let readTypes: [UInt32] = [
        Pcapng.enhancedPacket, Pcapng.sectionHeader, Pcapng.interfaceDescription,
        Pcapng.simplePacket, Pcapng.interfaceStatistics, Pcapng.oldPacket,
    ]

    @inline(__always)
    private mutating func read(
        _ type: UInt32, _ bytes: RawSpan, _ body: Range<Int>, next: Int
    ) throws(DecodeError) -> Step {
        let packet: CapturedPacket?
        switch type {
        case Pcapng.enhancedPacket: packet = try enhancedPacket(bytes, body)
        case Pcapng.simplePacket: packet = try simplePacket(bytes, body)
        case Pcapng.oldPacket: packet = try oldPacket(bytes, body)
        default:
            packet = nil
            switch type {
            case Pcapng.interfaceDescription: try readInterface(bytes, body)
            case Pcapng.interfaceStatistics: try readStatistics(bytes, body)
            default: try readSection(bytes, body)
            }
        }
        return packet.map { .packet($0, next: next) } ?? .skip(to: next)
    }

    // MARK: - Sections and interfaces

    private mutating func readByteOrder(_ bytes: RawSpan, at offset: Int) throws(DecodeError) {
        let magic = bytes.unsafeLoadUnaligned(fromByteOffset: offset + 8, as: UInt32.self)
        switch magic {
        case Pcapng.byteOrderMagic: isSwapped = false
        case Pcapng.byteOrderMagic.byteSwapped: isSwapped = true
        default: throw .unknownMagic
        }
    }

    private mutating func readSection(_ bytes: RawSpan, _ body: Range<Int>) throws(DecodeError) {
        try need(16, body)
        let major = halfWord(bytes, body.lowerBound + 4)
        guard major == 1 else { throw .unsupportedVersion(UInt8(truncatingIfNeeded: major)) }
        sectionStart = interfaces.count
    }

    private mutating func readInterface(_ bytes: RawSpan, _ body: Range<Int>) throws(DecodeError) {
        try need(8, body)
        guard interfaces.count < Self.interfaceLimit else {
            throw .oversized(limit: Self.interfaceLimit, actual: interfaces.count + 1)
        }
        var interface = CaptureInterface(
            linkType: halfWord(bytes, body.lowerBound),
            snapByteCount: word(bytes, body.lowerBound + 4), clock: .microseconds)
        var offset = 0 as Int64
        try eachOption(bytes, from: body.lowerBound + 8, to: body.upperBound) {
            code, range throws(DecodeError) in
            switch code {
            case Pcapng.Option.interfaceName: interface.name = text(bytes, range)
            case Pcapng.Option.timestampResolution:
                guard let place = range.first else { throw .invalidField("if_tsresol") }
                interface.clock = try CaptureClock(
                    resolution: bytes.unsafeLoad(fromByteOffset: place, as: UInt8.self))
            case Pcapng.Option.timestampOffset:
                offset = Int64(bitPattern: try number(bytes, range))
            default: break
            }
        }
        interface.clock.offset = offset
        interfaces.append(interface)
    }

    private mutating func readStatistics(_ bytes: RawSpan, _ body: Range<Int>) throws(DecodeError) {
        try need(12, body)
        let (index, overflow) = sectionStart.addingReportingOverflow(
            Int(word(bytes, body.lowerBound)))
        guard !overflow, index < interfaces.count else { return }
        var counts = interfaces[index].counts
        try eachOption(bytes, from: body.lowerBound + 12, to: body.upperBound) {
            code, range throws(DecodeError) in
            switch code {
            case Pcapng.Option.received: counts.received = try number(bytes, range)
            case Pcapng.Option.interfaceDropped: counts.interfaceDropped = try number(bytes, range)
            case Pcapng.Option.kernelDropped: counts.kernelDropped = try number(bytes, range)
            default: break
            }
        }
        interfaces[index].counts = counts
    }

    // MARK: - Packets

    @inline(__always)
    private mutating func enhancedPacket(
        _ bytes: RawSpan, _ body: Range<Int>
    ) throws(DecodeError) -> CapturedPacket? {
        try need(20, body)
        return try packet(
            bytes, body, interface: Int(word(bytes, body.lowerBound)))
    }

    private mutating func oldPacket(
        _ bytes: RawSpan, _ body: Range<Int>
    ) throws(DecodeError) -> CapturedPacket? {
        try need(20, body)
        return try packet(bytes, body, interface: Int(halfWord(bytes, body.lowerBound)))
    }

    /// Interface, stamp and lengths of a packet block, and its options.
    @inline(__always)
    private mutating func packet(
        _ bytes: RawSpan, _ body: Range<Int>, interface: Int
    ) throws(DecodeError) -> CapturedPacket? {
        let start = body.lowerBound
        let captured = Int(word(bytes, start + 12))
        let padded = (captured + 3) & ~3
        try need(20 + padded, body)
        let index = sectionStart + interface
        guard index < interfaces.count else {
            strayCount &+= 1
            return nil
        }
        let stamp = UInt64(word(bytes, start + 4)) << 32 | UInt64(word(bytes, start + 8))
        var packet = CapturedPacket(
            interface: index, time: interfaces[index].clock.instant(stamp),
            wireByteCount: Int(word(bytes, start + 16)), range: start + 20..<start + 20 + captured)
        if body.count > 20 + padded {
            packet.comment = try comment(bytes, from: start + 20 + padded, to: body.upperBound)
        }
        return packet
    }

    /// Of the section's first interface, and without a stamp.
    private mutating func simplePacket(
        _ bytes: RawSpan, _ body: Range<Int>
    ) throws(DecodeError) -> CapturedPacket? {
        try need(4, body)
        guard sectionStart < interfaces.count else {
            strayCount &+= 1
            return nil
        }
        let start = body.lowerBound + 4
        let wire = Int(word(bytes, body.lowerBound))
        let snap = Int(interfaces[sectionStart].snapByteCount)
        let captured = min(wire, snap > 0 ? snap : wire)
        try need(4 + (captured + 3) & ~3, body)
        return CapturedPacket(
            interface: sectionStart, time: .zero, wireByteCount: wire,
            range: start..<start + captured)
    }

    // MARK: - Options

    private func comment(
        _ bytes: RawSpan, from start: Int, to end: Int
    ) throws(DecodeError) -> String? {
        var comment: String?
        try eachOption(bytes, from: start, to: end) { code, range throws(DecodeError) in
            if code == Pcapng.Option.comment, comment == nil { comment = text(bytes, range) }
        }
        return comment
    }

    private func eachOption(
        _ bytes: RawSpan, from start: Int, to end: Int,
        _ body: (UInt16, Range<Int>) throws(DecodeError) -> Void
    ) throws(DecodeError) {
        var offset = start
        while end - offset >= 4 {
            let code = halfWord(bytes, offset)
            let length = Int(halfWord(bytes, offset + 2))
            if code == Pcapng.Option.end { return }
            guard length <= end - offset - 4 else { throw .invalidField("option length") }
            try body(code, offset + 4..<offset + 4 + length)
            offset += 4 + (length + 3) & ~3
        }
    }

    private func number(_ bytes: RawSpan, _ range: Range<Int>) throws(DecodeError) -> UInt64 {
        guard range.count == 8 else { throw .invalidField("option length") }
        let word = bytes.unsafeLoadUnaligned(fromByteOffset: range.lowerBound, as: UInt64.self)
        return isSwapped ? word.byteSwapped : word
    }

    /// Ill-formed text and control characters are replaced, and long text is cut.
    private func text(_ bytes: RawSpan, _ range: Range<Int>) -> String {
        let kept = range.prefix(Self.commentByteLimit)
        return String(
            received: kept.map { bytes.unsafeLoad(fromByteOffset: $0, as: UInt8.self) })
    }

    private func need(_ count: Int, _ body: Range<Int>) throws(DecodeError) {
        guard body.count >= count else {
            throw .truncated(needed: count, available: body.count)
        }
    }
}
