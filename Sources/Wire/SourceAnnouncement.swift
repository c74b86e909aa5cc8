import NetBasics

/// A source's flooded statement that it exists, which builds its tree before any media flows.
///
/// Every peer passes a newer one on to its other neighbors, with its own metric and hops.
package struct SourceAnnouncement: Equatable, Sendable {
    package var source: PeerID
    /// The source's own count; only it increments it.
    package var seqno: UInt32
    /// Estimated one-way delay from the source to the sender; microseconds.
    package var metric: UInt32
    /// Links between the source and the sender.
    package var hops: UInt8
    /// The source has left for good.
    package var isGone: Bool
    /// The sender's uplink has no room for one more copy of this source.
    package var isFull: Bool
    /// To be passed on at once; others wait for company.
    package var isUrgent: Bool
    /// What one copy of this source costs; kbit/s.
    package var sourceRate: UInt32
    /// Changes with the source's stream descriptions; zero before there are any.
    package var descriptionVersion: UInt16

    package init(
        source: PeerID, seqno: UInt32, metric: UInt32, hops: UInt8, isGone: Bool = false,
        isFull: Bool = false, isUrgent: Bool = false, sourceRate: UInt32,
        descriptionVersion: UInt16
    ) {
        self.source = source
        self.seqno = seqno
        self.metric = metric
        self.hops = hops
        self.isGone = isGone
        self.isFull = isFull
        self.isUrgent = isUrgent
        self.sourceRate = sourceRate
        self.descriptionVersion = descriptionVersion
    }

    private static let goneFlag: UInt8 = 1
    private static let fullFlag: UInt8 = 2
    private static let urgentFlag: UInt8 = 4

    func write(to writer: inout ByteWriter) {
        writer.write(source)
        writer.write(seqno)
        writer.write(metric)
        writer.write(hops)
        let flags =
            (isGone ? Self.goneFlag : 0) | (isFull ? Self.fullFlag : 0)
            | (isUrgent ? Self.urgentFlag : 0)
        writer.write(flags)
        writer.write(sourceRate)
        writer.write(descriptionVersion)
    }

    init(from bytes: RawSpan, reader: inout ByteReader) throws(DecodeError) {
        source = try reader.readPeer(from: bytes)
        seqno = try reader.readUInt32(from: bytes)
        metric = try reader.readUInt32(from: bytes)
        hops = try reader.readUInt8(from: bytes)
        let flags = try reader.readUInt8(from: bytes)
        guard flags <= Self.goneFlag | Self.fullFlag | Self.urgentFlag else {
            throw .invalidField("flags")
        }
        isGone = flags & Self.goneFlag != 0
        isFull = flags & Self.fullFlag != 0
        isUrgent = flags & Self.urgentFlag != 0
        sourceRate = try reader.readUInt32(from: bytes)
        descriptionVersion = try reader.readUInt16(from: bytes)
    }
}
