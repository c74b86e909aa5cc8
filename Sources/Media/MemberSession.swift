import NetBasics
import PacketFormats
import Wire

/// What a player needs to open one remote member's RTP streams.
package struct MemberSession: Equatable, Sendable {
    package var source: PeerID
    package var member: MemberName
    /// Where the streams are delivered.
    package var address: IPAddress
    package private(set) var streams: [Stream] = []
    package private(set) var version: UInt16 = 0

    package struct Stream: Equatable, Sendable {
        package var index: UInt8
        package var media: SessionDescription.Media
    }

    package init(source: PeerID, member: MemberName, address: IPAddress) {
        self.source = source
        self.member = member
        self.address = address
    }

    /// Takes up a stream that is delivered to `port`, or its change.
    ///
    /// Refuses a media text that is not strictly a description of payload: it is a stranger's.
    /// Streams that are not RTP are left out, silently.
    package mutating func update(
        _ description: StreamDescription, port: UInt16
    ) throws(SessionDescriptionError) {
        let index = description.stream.index
        streams.removeAll { $0.index == index }
        guard description.format == .rtp else { return }
        var media = try MediaText.parse(description.mediaText)
        media.port = port
        if description.rate > 0 {
            media.bandwidths = [.init(modifier: "AS", value: UInt64(description.rate))]
        }
        version = description.version
        let place = streams.firstIndex { $0.index > index } ?? streams.count
        streams.insert(Stream(index: index, media: media), at: place)
    }

    /// The session; `nil` while there is nothing to play.
    package var sessionDescription: SessionDescription? {
        guard !streams.isEmpty else { return nil }
        return SessionDescription(
            origin: .init(
                sessionID: source.rawValue, version: UInt64(version), address: address),
            name: member.description, connection: .init(address: address),
            media: streams.map(\.media))
    }
}
