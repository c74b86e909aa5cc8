import NetBasics

/// Which flows from host to host carry RTP, as far as was seen; in bounded memory.
///
/// Of what goes to a group, whatever looks like RTP is taken for it. From host to host more is asked for:
/// an announcement of address and port, or an earlier packet of the same flow and source whose number is
/// shortly before. So the first packet of such a flow shows as UDP.
struct KnownMedia: Sendable {
    /// Flows with their sources that are remembered at most; what more there are show as UDP.
    static let flowLimit = 4096

    private struct Key: Hashable {
        var source: Endpoint
        var destination: Endpoint
        var ssrc: UInt32
    }

    private var sequences: [Key: UInt16] = [:]
    private(set) var announcements = Announcements()
    private var announced: Set<Endpoint> = []
    private var announcedCount = 0

    /// Whether a packet that looks like RTP is of a stream; notes its number.
    mutating func isStream(
        _ ssrc: UInt32, _ sequence: UInt16, from source: Endpoint, to destination: Endpoint
    ) -> Bool {
        if destination.address.isMulticast { return true }
        if announced.contains(destination) { return true }
        let key = Key(source: source, destination: destination, ssrc: ssrc)
        guard let last = sequences[key] else {
            if sequences.count < Self.flowLimit { sequences[key] = sequence }
            return false
        }
        sequences[key] = sequence
        // Both directions of the circle of numbers: packets may come late.
        let step = sequence &- last
        return step <= 3000 || step >= UInt16.max - 3000
    }

    /// Learns from the payload of a datagram to SAP's port.
    mutating func learn(_ bytes: RawSpan, at now: Instant, number: UInt64) {
        announcements.record(bytes, at: now, number: number)
        for session in announcements.all.dropFirst(announcedCount) {
            for target in session.targets where announced.count < Self.flowLimit {
                announced.insert(Endpoint(address: target.group, port: target.port))
            }
        }
        announcedCount = announcements.all.count
    }
}
