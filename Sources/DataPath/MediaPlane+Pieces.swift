import NetBasics
import Sealing
import Sockets
import Wire

// Media that is too long for the path to a neighbor: in parts, one system call for each.

/// Parts on their way in and out.
struct PieceTraffic {
    /// Number of the next datagram that is cut; links need not count for themselves.
    var number: UInt32 = 0
    var assembly = PieceAssembly()
    /// Links, by our own token, on which something was too long since the owner last asked.
    var longLinks: Set<LinkToken> = []
}

extension MediaPlane {
    /// Hands over, and forgets, the links on which longer datagrams would be of use.
    package mutating func takeLongLinks() -> [LinkToken] {
        guard !pieces.longLinks.isEmpty else { return [] }
        defer { pieces.longLinks.removeAll() }
        return pieces.longLinks.sorted()
    }

    /// Takes a part in; what it completes is received as if it had come whole.
    ///
    /// Returns what ``receive(_:at:wallNanoseconds:on:)`` does.
    @discardableResult
    package mutating func receivePiece(
        _ bytes: UnsafeRawBufferPointer, at now: Instant, wallNanoseconds: UInt64,
        on socket: borrowing UDPSocket
    ) throws(DecodeError) -> LinkToken? {
        let header = try MediaPieceHeader(decoding: bytes.bytes)
        guard let keys = tags.keys[header.token] else {
            drop("unknown_link")
            return nil
        }
        guard MediaPieces.isAuthentic(bytes, header, keys: keys) else {
            drop("not_from_neighbor")
            return nil
        }
        let part = UnsafeRawBufferPointer(rebasing: bytes[MediaPieces.headerBytes...])
        guard let whole = pieces.assembly.add(part, of: header) else { return nil }
        return whole.withUnsafeBytes { whole in
            guard Datagram.isMedia(whole.bytes) else {
                drop("unknown_type")
                return nil
            }
            // What waits refers to bytes that do not outlive this call.
            defer { flush(on: socket) }
            return receive(whole, at: now, wallNanoseconds: wallNanoseconds, on: socket)
        }
    }

    func isTooLong(for lane: Int) -> Bool {
        let count = MediaHeader.bodyOffset + run.pointee.bodyBytes
        return lanes[lane].keys.map { count > $0.datagramLimit } ?? false
    }

    mutating func sendRunInPieces(to lane: Int, on socket: borrowing UDPSocket) {
        guard let keys = lanes[lane].keys else { return }
        let child = lanes[lane].child
        for index in 0..<run.pointee.count {
            let body = UnsafeRawBufferPointer(
                start: run.pointee.bodies[index], count: run.pointee.bodyBytes)
            var words = run.pointee.words(at: index)
            words.link |= lanes[lane].link
            sendInPieces(
                words, body, keys, link: child.localToken, to: child.endpoint, on: socket)
        }
    }

    mutating func sendInPieces(
        _ words: MediaHeader.Words, _ body: UnsafeRawBufferPointer, _ keys: LinkTagKeys,
        link: LinkToken, to endpoint: Endpoint, on socket: borrowing UDPSocket
    ) {
        pieces.longLinks.insert(link)
        pieces.number &+= 1
        var datagram = [UInt8](repeating: 0, count: MediaHeader.bodyOffset)
        datagram += body
        let cut = datagram.withUnsafeMutableBytes { datagram -> [[UInt8]]? in
            guard let start = datagram.baseAddress else { return nil }
            words.store(into: start)
            let header = UnsafeRawBufferPointer(start: start, count: MediaHeader.byteCount)
            keys.send.tag(header: header, seal: start + (datagram.count - MediaTagKey.sealBytes))
                .write(to: start + MediaHeader.byteCount)
            return MediaPieces.cut(
                UnsafeRawBufferPointer(datagram), limit: keys.datagramLimit,
                token: LinkToken(
                    rawValue: UInt32(truncatingIfNeeded: UInt64(bigEndian: words.link))),
                number: pieces.number, keys: keys)
        }
        for piece in cut ?? [] where !socket.send(piece, to: endpoint) { drop("part_refused") }
    }
}
