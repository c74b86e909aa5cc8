import Glibc
import NetBasics
import PacketFormats
import Sockets

/// Reads packets from a capture file or a pipe, in memory that does not grow with it.
///
/// It reads what is there when it gets there, so a file may grow meanwhile. Whatever ends it early is
/// told by ``end``, and what came before counts.
package struct CaptureFileReader: ~Copyable {
    package enum End: Equatable, Sendable {
        case complete
        /// The file ends within a record, which begins at that byte.
        case cut(offset: UInt64)
        /// What is at that byte is no record.
        case malformed(DecodeError, offset: UInt64)
        case unreadable(SystemError)
    }

    /// What is read at once: it stays in a processor's cache.
    private static let pieceBytes = 256 << 10

    package private(set) var parser = CaptureParser()
    /// Why there is no more; `nil` while there is.
    package private(set) var end: End?
    private let descriptor: Int32
    private let path: String
    private var buffer: UnsafeMutableRawBufferPointer
    /// What was read and not yet looked at.
    private var start = 0
    private var limit = 0
    /// Bytes of the file before the buffer.
    private var fileOffset: UInt64 = 0

    /// Opens a file, or takes standard input for `-`.
    package init(path: String) throws(SystemError) {
        self.path = path
        descriptor = path == "-" ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError(call: "open", subject: path) }
        buffer = .allocate(byteCount: 2 * Self.pieceBytes, alignment: 64)
    }

    deinit {
        close(descriptor)
        buffer.deallocate()
    }

    /// The next packet, whose bytes are valid until the one after it; `nil` at the end.
    @inline(__always)
    package mutating func next() -> CapturedPacket? {
        while end == nil {
            do throws(DecodeError) {
                let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<limit]).bytes
                switch try parser.step(bytes, from: start) {
                case .packet(let packet, let next):
                    start = next
                    return packet
                case .skip(let next): skip(to: next)
                case .needsBytes(let count): fill(count)
                }
            } catch {
                end = .malformed(error, offset: fileOffset + UInt64(start))
            }
        }
        return nil
    }

    /// The captured part of the packet that was last returned.
    package func bytes(of packet: CapturedPacket) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: buffer[packet.range])
    }

    /// Goes on at `next`, which may be beyond what was read.
    private mutating func skip(to next: Int) {
        start = min(next, limit)
        var left = next - start
        while left > 0, end == nil {
            fileOffset += UInt64(limit)
            (start, limit) = (0, 0)
            let count = read(into: 0..<min(left, buffer.count))
            if count == 0, end == nil { end = .cut(offset: fileOffset) }
            fileOffset += UInt64(count)
            left -= count
        }
    }

    /// Reads until `count` bytes are there from `start` on.
    private mutating func fill(_ count: Int) {
        let rest = limit - start
        if start > 0 {
            if rest > 0, let base = buffer.baseAddress {
                memmove(base, base + start, rest)
            }
            fileOffset += UInt64(start)
            (start, limit) = (0, rest)
        }
        if count > buffer.count { grow(to: count + Self.pieceBytes) }
        while limit < count {
            let got = read(into: limit..<min(buffer.count, limit + Self.pieceBytes))
            guard got > 0 else {
                let isWhole = limit == 0 && parser.format != .unknown
                if end == nil { end = isWhole ? .complete : .cut(offset: fileOffset) }
                return
            }
            limit += got
        }
    }

    private mutating func grow(to count: Int) {
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 64)
        larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[..<limit]))
        buffer.deallocate()
        buffer = larger
    }

    /// Bytes read; zero at the end of the file, and where it cannot be read.
    private mutating func read(into range: Range<Int>) -> Int {
        while true {
            let place = buffer.baseAddress.map { $0 + range.lowerBound }
            let count = Glibc.read(descriptor, place, range.count)
            if count >= 0 { return count }
            if errno == EINTR { continue }
            end = .unreadable(SystemError(call: "read", subject: path))
            return 0
        }
    }
}
