import NetBasics
import Sealing
import Sockets
import Wire

/// Packets as a parent sends them, of its streams turn by turn.
///
/// The first eight bytes of a body tell when it was sent.
struct PacketSource {
    /// One for each stream, with the sequence number that comes next.
    private(set) var headers: [MediaHeader]
    private let key: MediaTagKey
    private let body: [UInt8]
    private var stream = 0

    /// `headers`: one for each stream; `key`: what the packets are tagged with.
    init(_ headers: [MediaHeader], _ key: MediaTagKey, packetBytes: Int) {
        self.headers = headers
        self.key = key
        body = [UInt8](repeating: 0xA5, count: packetBytes - MediaHeader.bodyOffset)
    }

    /// Sends the next `count` packets together.
    mutating func send(
        _ count: Int, to address: SocketAddress, by out: inout SendBatch,
        on socket: borrowing UDPSocket
    ) {
        body.withUnsafeBytes { body in
            let rest = UnsafeRawBufferPointer(rebasing: body.dropLast(8))
            for _ in 0..<count {
                let place = out.append(
                    headerBytes: MediaHeader.bodyOffset + 8, body: rest, to: address, lane: 0)
                write(nextHeader(), rest, at: place)
                place.storeBytes(
                    of: Clocks.now.nanoseconds, toByteOffset: MediaHeader.bodyOffset, as: Int64.self
                )
            }
            _ = out.flush(on: socket)
        }
    }

    private mutating func nextHeader() -> MediaHeader {
        let header = headers[stream]
        headers[stream].sequence &+= 1
        stream = (stream + 1) % headers.count
        return header
    }

    /// Writes a header and its tag, as the parent does.
    private func write(
        _ header: MediaHeader, _ body: UnsafeRawBufferPointer, at place: UnsafeMutableRawPointer
    ) {
        let words = header.words
        words.store(into: place)
        guard let start = body.baseAddress, body.count >= MediaTagKey.sealBytes else { return }
        MediaTagPrefix(key, words.link, words.source)
            .tag(
                of: MediaTagPrefix.Rest(
                    words.sequence, seal: start + (body.count - MediaTagKey.sealBytes))
            )
            .write(to: place + MediaHeader.byteCount)
    }
}
