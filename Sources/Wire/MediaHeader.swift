import NetBasics

/// What a forwarder writes in front of a media packet for one child; the body follows untouched.
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-------+-------+---------------+-+---------+-+-+---------------+
///     | 1011  |   1   |     0x01      |K|  lacks  |R|C| stream index  |
///     +-------+-------+---------------+-+---------+-+-+---------------+
///     |                     receiver's link token                     |
///     +---------------------------------------------------------------+
///     |                         source peer id                        |
///     |                                                               |
///     +---------------------------------------------------------------+
///     |                        sequence number                        |
///     +---------------------------------------------------------------+
///     |                   the link's tag, 16 bytes                    |
///     .                                                               .
///     +---------------------------------------------------------------+
///
/// C: the packet is of the stream's control flow (RTCP). R: it answers a request for repair, and
/// is accepted from any neighbor, but only where it is missing. K: the phase of the key that the
/// tag is made with. Lacks: what the sender itself has not got of the five packets before this one,
/// the lowest bit for the one right before. The sequence counts the packets of one
/// stream, both flows together, from a random start, and wraps. The tag is of the header and of the
/// body's last 16 bytes (docs/sealing.md).
@usableFromInline package struct MediaHeader: Equatable, Sendable {
    /// Bytes before the tag.
    @inlinable package static var byteCount: Int { 20 }
    @inlinable package static var tagByteCount: Int { 16 }
    /// Where the body begins in a datagram.
    @inlinable package static var bodyOffset: Int { byteCount + tagByteCount }
    package static let controlFlowFlag: UInt8 = 1
    package static let repairFlag: UInt8 = 2
    private static let lacksShift: UInt8 = 2
    /// Packets before this one of which the header says whether the sender has them.
    @inlinable package static var lacksSpan: Int { 5 }
    private static let lacksMask: UInt8 = 0x1F
    private static let keyPhaseShift: UInt8 = 7

    package var token: LinkToken
    package var stream: StreamID
    package var isControlFlow: Bool
    /// It was asked for; never set on what goes on to children.
    package var isRepair: Bool
    /// Bit i: the sender lacks the packet i + 1 before this one; ``lacksSpan`` bits.
    package var lacks: UInt8
    /// Which of the link's keys made the tag: 0 or 1.
    package var keyPhase: UInt8
    package var sequence: UInt32

    package init(
        token: LinkToken, stream: StreamID, isControlFlow: Bool, isRepair: Bool = false,
        lacks: UInt8 = 0, keyPhase: UInt8 = 0, sequence: UInt32
    ) {
        self.token = token
        self.stream = stream
        self.isControlFlow = isControlFlow
        self.isRepair = isRepair
        self.lacks = lacks & Self.lacksMask
        self.keyPhase = keyPhase & 1
        self.sequence = sequence
    }

    /// Reads the header of a datagram; allocates nothing.
    package init(decoding bytes: RawSpan) throws(DecodeError) {
        guard Datagram.isMedia(bytes), bytes.byteCount >= Self.byteCount else {
            throw Self.error(in: bytes)
        }
        // Checked above.
        self.init(
            Words(
                link: bytes.unsafeLoadUnaligned(as: UInt64.self),
                source: bytes.unsafeLoadUnaligned(fromByteOffset: 8, as: UInt64.self),
                sequence: bytes.unsafeLoadUnaligned(fromByteOffset: 16, as: UInt32.self)))
    }

    private static func error(in bytes: RawSpan) -> DecodeError {
        var reader = ByteReader()
        do throws(DecodeError) {
            let kind = try DatagramHeader(from: bytes, reader: &reader).kind
            guard kind == .media else { return .unknownType(kind.rawValue) }
            return .truncated(needed: byteCount, available: bytes.byteCount)
        } catch {
            return error
        }
    }

    /// Writes the header at the start of `destination`, which holds at least ``byteCount`` bytes.
    package func store(into destination: UnsafeMutableRawPointer) {
        words.store(into: destination)
    }
}

extension MediaHeader {
    /// The header's bytes as words, in the order of memory.
    @usableFromInline package struct Words: Sendable {
        /// Kind, flags, stream index and token.
        @usableFromInline package var link: UInt64
        @usableFromInline package var source: UInt64
        @usableFromInline package var sequence: UInt32

        package init(link: UInt64, source: UInt64, sequence: UInt32) {
            self.link = link
            self.source = source
            self.sequence = sequence
        }

        /// Reads the ``MediaHeader/byteCount`` bytes at `start`.
        @inlinable package init(at start: UnsafeRawPointer) {
            link = start.loadUnaligned(as: UInt64.self)
            source = start.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            sequence = start.loadUnaligned(fromByteOffset: 16, as: UInt32.self)
        }

        package var token: LinkToken {
            LinkToken(rawValue: UInt32(truncatingIfNeeded: UInt64(bigEndian: link)))
        }

        package var keyPhase: UInt8 {
            UInt8(truncatingIfNeeded: UInt64(bigEndian: link) &>> (40 + UInt64(keyPhaseShift))) & 1
        }

        /// Whether this is the header of the packet right behind that of `other`, and else alike.
        @inlinable package func isNext(to other: Words) -> Bool {
            link == other.link && source == other.source
                && UInt32(bigEndian: sequence) == UInt32(bigEndian: other.sequence) &+ 1
        }

        /// The same for copies, but for what names their links: no repair.
        package func copied(lacks: UInt8) -> Words {
            let kept = 0xFFFF_00FF_0000_0000 | UInt64(controlFlowFlag) << 40
            var words = self
            words.link &= kept.bigEndian
            words.link |= (UInt64(lacks & lacksMask) << (40 + UInt64(lacksShift))).bigEndian
            return words
        }

        /// Where ``link`` holds token and phase of the key; zero in all that the rest of it says.
        package static func link(_ token: LinkToken, keyPhase: UInt8) -> UInt64 {
            let phase = UInt64(keyPhase & 1) << (40 + UInt64(MediaHeader.keyPhaseShift))
            return (phase | UInt64(token.rawValue)).bigEndian
        }

        @inlinable package func store(into destination: UnsafeMutableRawPointer) {
            destination.storeBytes(of: link, as: UInt64.self)
            destination.storeBytes(of: source, toByteOffset: 8, as: UInt64.self)
            destination.storeBytes(of: sequence, toByteOffset: 16, as: UInt32.self)
        }
    }

    private var flags: UInt8 {
        (isControlFlow ? Self.controlFlowFlag : 0) | (isRepair ? Self.repairFlag : 0)
            | (lacks & Self.lacksMask) << Self.lacksShift | keyPhase << Self.keyPhaseShift
    }

    package var words: Words {
        let start = UInt64(DatagramHeader.magic << 4 | DatagramHeader.version) << 56
        let kind = UInt64(DatagramHeader.Kind.media.rawValue) << 48
        let rest = UInt64(flags) << 40 | UInt64(stream.index) << 32 | UInt64(token.rawValue)
        return Words(
            link: (start | kind | rest).bigEndian, source: stream.source.rawValue.bigEndian,
            sequence: sequence.bigEndian)
    }

    /// `words` are of a media datagram.
    package init(_ words: Words) {
        let link = UInt64(bigEndian: words.link)
        let flags = UInt8(truncatingIfNeeded: link >> 40)
        token = LinkToken(rawValue: UInt32(truncatingIfNeeded: link))
        stream = StreamID(
            source: PeerID(rawValue: UInt64(bigEndian: words.source)),
            index: UInt8(truncatingIfNeeded: link >> 32))
        isControlFlow = flags & Self.controlFlowFlag != 0
        isRepair = flags & Self.repairFlag != 0
        lacks = flags >> Self.lacksShift & Self.lacksMask
        keyPhase = flags >> Self.keyPhaseShift
        sequence = UInt32(bigEndian: words.sequence)
    }
}
