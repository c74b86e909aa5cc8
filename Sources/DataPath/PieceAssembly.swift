import Sealing
import Wire

/// Cuts media datagrams that are too long for the path to a neighbor, so that IP does not have to.
///
/// Not for every packet of a stream: whoever publishes should send packets that fit.
enum MediaPieces {
    static let headerBytes = MediaPieceHeader.byteCount + MediaTag.byteCount

    /// The parts of `datagram` for a path that carries `limit` bytes, tagged; `nil` if they were too
    /// many.
    static func cut(
        _ datagram: UnsafeRawBufferPointer, limit: Int, token: LinkToken, number: UInt32,
        keys: LinkTagKeys
    ) -> [[UInt8]]? {
        let size = limit - headerBytes
        guard size > 0, datagram.count > size else { return nil }
        let count = (datagram.count + size - 1) / size
        guard count <= MediaPieceHeader.countLimit else { return nil }
        return (0..<count).map { index in
            let header = MediaPieceHeader(
                keyPhase: keys.sendPhase, index: UInt8(index), last: UInt8(count - 1),
                token: token, number: number
            ).encoded
            let part = datagram[index * size..<min(datagram.count, (index + 1) * size)]
            return header + tag(header, part, keys.send) + part
        }
    }

    /// Whether the neighbor of the link made this part.
    static func isAuthentic(
        _ bytes: UnsafeRawBufferPointer, _ header: MediaPieceHeader, keys: LinkTagKeys
    ) -> Bool {
        let key = header.keyPhase == 0 ? keys.receive.0 : keys.receive.1
        guard let key, bytes.count > headerBytes, let start = bytes.baseAddress else {
            return false
        }
        let expected = tag(
            Array(bytes[..<MediaPieceHeader.byteCount]), bytes[headerBytes...], key)
        return expected.withUnsafeBytes { expected in
            guard let expected = expected.baseAddress else { return false }
            return MediaTag(at: expected) == MediaTag(at: start + MediaPieceHeader.byteCount)
        }
    }

    private static func tag(
        _ header: [UInt8], _ part: Slice<UnsafeRawBufferPointer>, _ key: MediaTagKey
    ) -> [UInt8] {
        let tag = (header + part).withUnsafeBytes { key.tag(of: $0) }
        var bytes = [UInt8](repeating: 0, count: MediaTag.byteCount)
        bytes.withUnsafeMutableBytes { if let start = $0.baseAddress { tag.write(to: start) } }
        return bytes
    }
}

/// Puts datagrams together again of which parts have arrived.
///
/// Holds the last ``slotCount`` of them; a part of an older one begins anew, and never ends.
struct PieceAssembly {
    static let slotCount = 32

    private struct Slot {
        let token: LinkToken
        let number: UInt32
        var parts: [[UInt8]]
        var missing: Int
    }

    private var slots: [Slot] = []
    private var next = 0

    /// Takes an authentic part in; the datagram, if it was the last one missing.
    mutating func add(
        _ part: UnsafeRawBufferPointer, of header: MediaPieceHeader
    ) -> [UInt8]? {
        let place = place(of: header)
        let index = Int(header.index)
        guard index < slots[place].parts.count, slots[place].parts[index].isEmpty else {
            return nil
        }
        slots[place].parts[index] = Array(part)
        slots[place].missing -= 1
        guard slots[place].missing == 0 else { return nil }
        let whole = slots[place].parts.flatMap { $0 }
        slots[place].parts.removeAll()
        return whole.count <= DatagramLimit.media ? whole : nil
    }

    private mutating func place(of header: MediaPieceHeader) -> Int {
        let known = slots.firstIndex { $0.token == header.token && $0.number == header.number }
        if let known { return known }
        let count = Int(header.last) + 1
        let slot = Slot(
            token: header.token, number: header.number,
            parts: Array(repeating: [], count: count), missing: count)
        guard slots.count == Self.slotCount else {
            slots.append(slot)
            return slots.count - 1
        }
        defer { next = (next + 1) % Self.slotCount }
        slots[next] = slot
        return next
    }
}
