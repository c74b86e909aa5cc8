import Glibc
import NetBasics
import PacketFormats
import Sockets
import Wire

/// The sockets of one published stream that is not the test pattern.
///
/// A class, because the driver keeps several in an array; one thread owns it. The driver watches
/// the descriptors and calls ``receive(on:into:_:)`` for each that is readable.
package final class PublishEdge {
    /// A socket of the edge.
    package enum Port: Sendable {
        case data
        case control
    }

    package let stream: PublishedStream
    /// Datagrams that were not published, by reason.
    package private(set) var drops: [String: UInt64] = [:]

    private let data: UDPSocket
    private let control: UDPSocket?

    /// The largest datagram that fits behind a media header; bytes.
    package static let bodyLimit = DatagramLimit.media - MediaHeader.bodyOffset

    /// Binds the stream's endpoints; port 0 lets the kernel choose.
    ///
    /// The test pattern has no endpoints, and is nobody's edge.
    package init(_ stream: PublishedStream) throws(MediaError) {
        let endpoints = stream.endpoints
        precondition(!endpoints.isEmpty, "an edge for a stream without endpoints")
        self.stream = stream
        data = try Self.bind(endpoints[0])
        control = endpoints.count > 1 ? try Self.bind(endpoints[1]) : nil
    }

    /// What to watch for reading.
    package var descriptors: [(port: Port, number: Int32)] {
        switch control {
        case .some(let control): [(.data, data.number), (.control, control.number)]
        case .none: [(.data, data.number)]
        }
    }

    /// Where the port is bound; `nil` for a control port that is the data port.
    package func local(_ port: Port) -> Endpoint? {
        switch port {
        case .data: return data.local
        case .control:
            switch control {
            case .some(let control): return control.local
            case .none: return nil
            }
        }
    }

    /// Receives one batch and hands over each packet, with whether it is of the control flow.
    ///
    /// The bytes lie in `batch` and stay there until its next use. What is not RTP or RTCP on
    /// their ports, empty or too long to forward is dropped and counted.
    package func receive(
        on port: Port, into batch: inout PacketBatch,
        _ consume: (_ body: UnsafeRawBufferPointer, _ isControlFlow: Bool) -> Void
    ) throws(SystemError) {
        switch port {
        case .data:
            try data.receive(into: &batch)
        case .control:
            switch control {
            case .some(let control): try control.receive(into: &batch)
            case .none: return
            }
        }
        for index in 0..<batch.count {
            let body = batch.datagram(at: index)
            do {
                consume(body, try isControlFlow(body.bytes, on: port))
            } catch {
                drops[error.reason, default: 0] &+= 1
            }
        }
    }

    private func isControlFlow(_ bytes: RawSpan, on port: Port) throws(DecodeError) -> Bool {
        guard bytes.byteCount > 0 else { throw .truncated(needed: 1, available: 0) }
        guard bytes.byteCount <= Self.bodyLimit else {
            throw .oversized(limit: Self.bodyLimit, actual: bytes.byteCount)
        }
        guard stream.format == .rtp else { return false }
        guard port == .control || (stream.isMuxed && RTCPHeader.isRTCP(bytes)) else {
            _ = try RTPHeader(decoding: bytes)
            return false
        }
        _ = try RTCPHeader(decoding: bytes)
        return true
    }

    private static func bind(_ endpoint: Endpoint) throws(MediaError) -> UDPSocket {
        do {
            return try UDPSocket(binding: endpoint)
        } catch {
            let advice =
                switch error.code {
                case EADDRINUSE:
                    "stop the program that uses the port, or choose another one"
                case EADDRNOTAVAIL:
                    "listen on an address of this host ('ip address' lists them)"
                case EACCES:
                    "choose a port above 1023"
                default:
                    "choose another address and port"
                }
            throw MediaError(
                .system, "cannot listen for media on \(endpoint): \(error.reason)", advice: advice)
        }
    }
}
