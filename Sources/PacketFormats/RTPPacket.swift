import NetBasics

/// A whole RTP packet for showing: its header, and what that only measures.
///
/// The way of media needs ``RTPHeader`` alone, which allocates nothing.
package struct RTPPacket: Equatable, Sendable {
    package var header: RTPHeader
    /// Those mixed into the payload; 15 at most.
    package var contributingSources: [UInt32]
    package var extensions: RTPExtensions?

    /// Reads all but the payload.
    package init(decoding bytes: RawSpan) throws(DecodeError) {
        header = try RTPHeader(decoding: bytes)
        var reader = ByteReader()
        try reader.skip(RTPHeader.fixedByteCount, in: bytes)
        contributingSources = []
        for _ in 0..<header.contributingSourceCount {
            contributingSources.append(try reader.readUInt32(from: bytes))
        }
        extensions = try RTPExtensions(decoding: bytes, header: header)
    }
}
