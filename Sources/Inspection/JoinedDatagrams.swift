import NetBasics
import PacketFormats
import Wire

/// Tells datagrams apart that were captured as one.
///
/// What a program hands the kernel at once (UDP_SEGMENT) is captured before it is cut apart, and what
/// the kernel joins for a receiver (UDP_GRO) after that. The one long datagram in the capture does
/// not say so; all in it are of one length, but for the last, which may be shorter.
enum JoinedDatagrams {
    /// From the first packet's number to any other's.
    private static let nearby: ClosedRange<Int16> = -1000...1000

    /// Length of all but the last RTP packet in `payload`, which begins with one; `nil` of one alone.
    ///
    /// They are one source's, of numbers nearby, as some may be missing among what a receiver's kernel
    /// joined: some 40 bits that do not agree by chance.
    static func rtpByteCount(in payload: RawSpan) -> Int? {
        byteCount(in: payload, least: RTPHeader.fixedByteCount, mark: 8) { start in
            let (first, head) = (word(payload, at: 0), word(payload, at: start))
            let step = Int16(truncatingIfNeeded: head) &- Int16(truncatingIfNeeded: first)
            return head >> 30 == UInt32(RTPHeader.version) && nearby.contains(step)
        }
    }

    /// Of Polycast's media, parity and pieces to one neighbor, which begin with kind and link token.
    static func overlayByteCount(in payload: RawSpan) -> Int? {
        byteCount(in: payload, least: MediaHeader.bodyOffset, mark: 4) { start in
            let next = payload.extracting(start...)
            return (try? DatagramHeader.kind(of: next)).map(\.isSentTogether) ?? false
        }
    }

    /// The least distance at which datagrams follow each other, each with the same four bytes at
    /// `mark`, and of which `isNext` says so, given where one begins; an end too short for one is left.
    private static func byteCount(
        in payload: RawSpan, least: Int, mark: Int, isNext: (Int) -> Bool
    ) -> Int? {
        guard payload.byteCount >= 2 * least else { return nil }
        let wanted = word(payload, at: mark)
        for distance in least...payload.byteCount - least
        where word(payload, at: distance + mark) == wanted {
            let starts = stride(from: distance, through: payload.byteCount - least, by: distance)
            let isEach = starts.allSatisfy { start in
                word(payload, at: start + mark) == wanted && isNext(start)
            }
            if isEach { return distance }
        }
        return nil
    }

    /// `offset` and four bytes lie within.
    @inline(__always)
    private static func word(_ bytes: RawSpan, at offset: Int) -> UInt32 {
        UInt32(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
}

extension DatagramHeader.Kind {
    /// Whether a peer hands the kernel several for one neighbor.
    var isSentTogether: Bool { self == .media || self == .parity || self == .mediaPiece }
}

/// Which packets of a flow are looked into for others behind them, as that takes a microsecond: those
/// longer than any that was one alone, many after a missing number, and all once there was one.
struct JoinedSearch: Sendable {
    /// How many are looked into after a missing number.
    private static let most: UInt16 = 1000
    /// Numbers that one captured packet covers at most (UDP_MAX_SEGMENTS).
    private static let numberLimit: UInt16 = 128

    private var longestAlone = 0
    private var next: UInt16 = 0
    private var left: UInt16 = 0
    private var wasFound = false

    /// Length of all but the last RTP packet in `payload`, whose first has that number.
    @inline(__always)
    mutating func byteCount(in payload: RawSpan, number: UInt16) -> Int? {
        let missing = number &- next
        next = number &+ 1
        if payload.byteCount <= longestAlone, left == 0,
            missing == 0 || missing >= Self.numberLimit
        {
            return nil
        }
        return search(payload, number: number, missing: missing)
    }

    private mutating func search(_ payload: RawSpan, number: UInt16, missing: UInt16) -> Int? {
        if (1..<Self.numberLimit).contains(missing) {
            left = Self.most
        } else if left > 0, !wasFound {
            left -= 1
        }
        guard let length = JoinedDatagrams.rtpByteCount(in: payload) else {
            longestAlone = max(longestAlone, payload.byteCount)
            return nil
        }
        next = number &+ UInt16(truncatingIfNeeded: (payload.byteCount + length - 1) / length)
        longestAlone = max(longestAlone, length)
        (left, wasFound) = (Self.most, true)
        return length
    }
}
