import NetBasics

/// Reads a capture file piece by piece: pcap or pcapng, in either byte order.
///
/// Formats: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng. It holds no bytes: who drives it
/// keeps what ``Step/needsBytes(_:)`` asks for in one piece.
package struct CaptureParser: Sendable {
    package enum Step: Equatable, Sendable {
        /// Goes on behind so many bytes.
        case packet(CapturedPacket, next: Int)
        /// Nothing to show; goes on there, perhaps behind what was given.
        case skip(to: Int)
        /// The record at the offset has so many bytes.
        case needsBytes(Int)
    }

    /// Longest record; longer ones are hostile or garbage.
    package static let recordByteLimit = 1 << 20
    /// Interfaces of a file at most.
    package static let interfaceLimit = 4096
    /// Longest comment that is kept; bytes.
    static let commentByteLimit = 4096

    package enum Format: Equatable, Sendable {
        case unknown
        case pcap
        case pcapng
    }

    package internal(set) var format = Format.unknown
    package internal(set) var interfaces: [CaptureInterface] = []
    /// Packets whose interface the file does not describe.
    package internal(set) var strayCount: UInt64 = 0
    var isSwapped = false
    /// The first interface of the pcapng section that is being read.
    var sectionStart = 0

    package init() {}

    /// What is at `offset`; with fewer bytes than needed it is to be called again, with more.
    package mutating func step(
        _ bytes: RawSpan, from offset: Int
    ) throws(DecodeError) -> Step {
        switch format {
        case .pcap: try pcapRecord(bytes, at: offset)
        case .pcapng: try pcapngBlock(bytes, at: offset)
        case .unknown: try begin(bytes, at: offset)
        }
    }

    private mutating func begin(_ bytes: RawSpan, at offset: Int) throws(DecodeError) -> Step {
        guard bytes.byteCount - offset >= 4 else { return .needsBytes(4) }
        if word(bytes, offset) == Pcapng.sectionHeader {
            format = .pcapng
            return .skip(to: offset)
        }
        guard bytes.byteCount - offset >= Pcap.headerByteCount else {
            return .needsBytes(Pcap.headerByteCount)
        }
        try beginPcap(bytes, at: offset)
        return .skip(to: offset + Pcap.headerByteCount)
    }

    /// A word of the file's order; its place must be within the bytes.
    @inline(__always)
    func word(_ bytes: RawSpan, _ offset: Int) -> UInt32 {
        let word = bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self)
        return isSwapped ? word.byteSwapped : word
    }

    func halfWord(_ bytes: RawSpan, _ offset: Int) -> UInt16 {
        let word = bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self)
        return isSwapped ? word.byteSwapped : word
    }
}

// MARK: - pcap

/// The file header, and one of each packet; words are of the order that the magic number shows.
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------------------------------------------------------+
///     |       magic number: 0xA1B2C3D4, or 0xA1B23C4D with ns         |
///     +-------------------------------+-------------------------------+
///     |       major version 2         |        minor version 4        |
///     +-------------------------------+-------------------------------+
///     |                       0 (two words)                           |
///     +---------------------------------------------------------------+
///     |                         snap length                           |
///     +-------------------------------+-------------------------------+
///     |   FCS length, and others      |           link type           |
///     +-------------------------------+-------------------------------+
///
///     +---------------------------------------------------------------+
///     |       seconds                                                 |
///     |       microseconds or nanoseconds                             |
///     |       captured bytes                                          |
///     |       bytes on the wire                                       |
///     +---------------------------------------------------------------+
///
enum Pcap {
    static let headerByteCount = 24
    static let recordHeaderByteCount = 16
    static let microseconds: UInt32 = 0xA1B2_C3D4
    static let nanoseconds: UInt32 = 0xA1B2_3C4D
}

extension CaptureParser {
    private mutating func beginPcap(_ bytes: RawSpan, at offset: Int) throws(DecodeError) {
        let magic = word(bytes, offset)
        isSwapped = [Pcap.microseconds, Pcap.nanoseconds].contains(magic.byteSwapped)
        let clock: CaptureClock
        switch word(bytes, offset) {
        case Pcap.microseconds: clock = .microseconds
        case Pcap.nanoseconds: clock = .nanoseconds
        default: throw .unknownMagic
        }
        let major = halfWord(bytes, offset + 4)
        guard major == 2 else { throw .unsupportedVersion(UInt8(truncatingIfNeeded: major)) }
        interfaces = [
            CaptureInterface(
                linkType: UInt16(truncatingIfNeeded: word(bytes, offset + 20)),
                snapByteCount: word(bytes, offset + 16), clock: clock)
        ]
        format = .pcap
    }

    @inline(__always)
    private func pcapRecord(_ bytes: RawSpan, at offset: Int) throws(DecodeError) -> Step {
        let available = bytes.byteCount - offset
        guard available >= Pcap.recordHeaderByteCount else {
            return .needsBytes(Pcap.recordHeaderByteCount)
        }
        let captured = Int(word(bytes, offset + 8))
        guard captured <= Self.recordByteLimit else {
            throw .oversized(limit: Self.recordByteLimit, actual: captured)
        }
        let start = offset + Pcap.recordHeaderByteCount
        guard available >= Pcap.recordHeaderByteCount + captured else {
            return .needsBytes(Pcap.recordHeaderByteCount + captured)
        }
        let fraction = UInt64(word(bytes, offset + 4))
        let nanoseconds = UInt64(word(bytes, offset)) &* 1_000_000_000
        let packet = CapturedPacket(
            time: Instant(
                nanoseconds: Int64(
                    nanoseconds
                        &+ (interfaces[0].clock == .microseconds ? fraction &* 1000 : fraction))),
            wireByteCount: Int(word(bytes, offset + 12)), range: start..<start + captured)
        return .packet(packet, next: start + captured)
    }
}
