import NetBasics

/// Any datagram but media, decoded.
///
/// Media never passes here: the forwarding plane reads ``MediaHeader`` in place.
package enum Datagram: Equatable, Sendable {
    case control(ControlDatagram)
    case link(LinkMessage)
    case rendezvous(RendezvousMessage)

    /// Whether `bytes` are for the forwarding plane; looks at two bytes.
    package static func isMedia(_ bytes: RawSpan) -> Bool {
        bytes.byteCount >= 2
            && bytes.unsafeLoad(as: UInt8.self)
                == DatagramHeader.magic << 4 | DatagramHeader.version
            && bytes.unsafeLoad(fromByteOffset: 1, as: UInt8.self)
                == DatagramHeader.Kind.media.rawValue
    }

    package init(decoding bytes: RawSpan) throws(DecodeError) {
        guard bytes.byteCount <= DatagramLimit.control else {
            throw .oversized(limit: DatagramLimit.control, actual: bytes.byteCount)
        }
        var reader = ByteReader()
        let kind = try DatagramHeader(from: bytes, reader: &reader).kind
        if kind == .control {
            self = .control(try ControlDatagram(from: bytes, reader: &reader))
        } else if let message = try LinkMessage(kind: kind, from: bytes, reader: &reader) {
            self = .link(message)
        } else if let message = try RendezvousMessage(kind: kind, from: bytes, reader: &reader) {
            self = .rendezvous(message)
        } else {
            throw .unknownType(kind.rawValue)
        }
    }
}
