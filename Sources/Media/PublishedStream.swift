import NetBasics
import PacketFormats
import Wire

/// One media flow that this member publishes.
package struct PublishedStream: Equatable, Sendable {
    /// Where the packets come from.
    package enum Input: Equatable, Sendable {
        /// RTP at `data`; RTCP at `control`, or at the same port if `nil` (RFC 5761).
        case rtp(data: Endpoint, control: Endpoint?)
        case udp(Endpoint)
        case test(TestPattern)
    }

    package var kind: MediaKind
    /// Lower is dropped later.
    package var priority: UInt8
    /// Nominal; `nil` if nobody said.
    package var rate: BitRate?
    /// For ``Wire/StreamDescription/mediaText``; empty if not RTP.
    package var mediaText: String
    package var input: Input

    package init(
        kind: MediaKind, priority: UInt8, rate: BitRate?, mediaText: String, input: Input
    ) {
        self.kind = kind
        self.priority = priority
        self.rate = rate
        self.mediaText = mediaText
        self.input = input
    }

    package var format: StreamFormat {
        switch input {
        case .rtp: .rtp
        case .udp: .opaque
        case .test: .testPattern
        }
    }

    /// Whether RTP and RTCP share a port.
    package var isMuxed: Bool {
        if case .rtp(_, control: nil) = input { true } else { false }
    }

    /// The local endpoints to bind, in order.
    package var endpoints: [Endpoint] {
        switch input {
        case .rtp(let data, let control): [data] + (control.map { [$0] } ?? [])
        case .udp(let endpoint): [endpoint]
        case .test: []
        }
    }
}

extension PublishedStream {
    /// All streams of the specifications, in order; reads the files that they name.
    ///
    /// Refuses more than ``Wire/StreamDescription/streamLimit`` streams and shared ports.
    package static func streams(of specs: [PublishSpec]) throws(MediaError) -> [PublishedStream] {
        var streams: [PublishedStream] = []
        for spec in specs {
            switch spec {
            case .sessionDescription(let path):
                let description = try SessionDescriptionFile.read(path: path)
                streams += try Self.streams(in: description, path: path)
            case .rtp(let input): streams.append(try PublishedStream(input))
            case .udp(let input): streams.append(PublishedStream(input))
            case .test(let pattern): streams.append(PublishedStream(pattern))
            }
        }
        try check(streams)
        return streams
    }

    /// One stream for each media section, in order; `path` is for messages.
    ///
    /// Address and port are where the sender sends, so here is where to listen.
    package static func streams(
        in description: SessionDescription, path: String
    ) throws(MediaError) -> [PublishedStream] {
        guard !description.media.isEmpty else {
            throw MediaError(
                .input, "\(shown(path)) describes no media", advice: "add an 'm=' section")
        }
        var streams: [PublishedStream] = []
        for (index, media) in description.media.enumerated() {
            let place = "media section \(index + 1) of \(shown(path))"
            let connection = media.connection ?? description.connection
            streams.append(try PublishedStream(media, connection, place: place))
        }
        return streams
    }

    private static func check(_ streams: [PublishedStream]) throws(MediaError) {
        guard streams.count <= StreamDescription.streamLimit else {
            throw MediaError(
                .usage, "\(streams.count) streams to publish",
                advice: "publish at most \(StreamDescription.streamLimit)")
        }
        var taken: Set<Endpoint> = []
        for endpoint in streams.flatMap(\.endpoints) {
            guard taken.insert(endpoint).inserted else {
                throw MediaError(
                    .usage, "two streams to publish share \(endpoint)",
                    advice: "give each stream its own pair of ports")
            }
        }
    }
}

// MARK: - From one specification

extension PublishedStream {
    package init(_ pattern: TestPattern) {
        self.init(
            kind: pattern.kind, priority: pattern.priority, rate: pattern.rate, mediaText: "",
            input: .test(pattern))
    }

    package init(_ spec: PublishSpec.UDPInput) {
        self.init(
            kind: spec.kind, priority: spec.priority, rate: spec.rate, mediaText: "",
            input: .udp(spec.endpoint))
    }

    package init(_ spec: PublishSpec.RTPInput) throws(MediaError) {
        let format = "\(spec.payloadType)"
        var media = SessionDescription.Media(
            kind: spec.kind.mediaName, port: 0, transport: "RTP/AVP", formats: [format])
        if let codec = spec.codec {
            media.attributes.append(.init("rtpmap", "\(format) \(codec)"))
        }
        if let parameters = spec.formatParameters {
            media.attributes.append(.init("fmtp", "\(format) \(parameters)"))
        }
        let control = Endpoint(address: spec.endpoint.address, port: spec.endpoint.port + 1)
        self.init(
            kind: spec.kind, priority: spec.priority, rate: spec.rate,
            mediaText: try describedToOthers(media, place: "rtp://\(spec.endpoint)"),
            input: .rtp(data: spec.endpoint, control: control))
    }

    private init(
        _ media: SessionDescription.Media, _ connection: SessionDescription.Connection?,
        place: String
    ) throws(MediaError) {
        guard let connection else {
            throw MediaError(
                .input, "\(place) has no address", advice: "add a line 'c=IN IP4 127.0.0.1'")
        }
        try refuseMulticast(connection.address, in: place)
        guard (1...65_534).contains(media.port), media.portCount == 1 else {
            throw MediaError(
                .input, "\(place) has port \(media.port), \(media.portCount) times",
                advice: "give it one port from 1 to 65534, where the sender sends")
        }
        let data = Endpoint(address: connection.address, port: media.port)
        kind = MediaKind(media)
        priority = kind.defaultPriority
        rate = media.bitsPerSecond.flatMap { BitRate(bitsPerSecond: Int64(clamping: $0)) }
        if media.transport.lowercased() == "udp" {
            mediaText = ""
            input = .udp(data)
        } else {
            mediaText = try describedToOthers(media, place: place)
            input = .rtp(data: data, control: try controlEndpoint(of: media, data, place: place))
        }
    }
}

extension MediaKind {
    /// From the `m=` line; slides are a screen (RFC 4796), MPEG-TS is video wherever it stands.
    fileprivate init(_ media: SessionDescription.Media) {
        self =
            switch media.kind {
            case "audio": .audio
            case "video":
                ["slides", "text"].contains(media.attribute("content")) ? .screen : .video
            default: media.formats == ["33"] ? .video : .data
            }
    }

    fileprivate var mediaName: String {
        switch self {
        case .audio: "audio"
        case .video, .screen: "video"
        case .data: "application"
        }
    }
}

private func describedToOthers(
    _ media: SessionDescription.Media, place: String
) throws(MediaError) -> String {
    do {
        return try MediaText.text(for: media)
    } catch {
        throw MediaError(
            .input, "\(place) cannot be described to others: \(error.problem)",
            advice: "use RTP/AVP with rtpmap and fmtp lines in printable ASCII, 900 bytes in all")
    }
}

/// Where RTCP comes in: `a=rtcp-mux`, `a=rtcp:PORT [IN IP4 ADDRESS]` (RFC 3605), or the next port.
private func controlEndpoint(
    of media: SessionDescription.Media, _ data: Endpoint, place: String
) throws(MediaError) -> Endpoint? {
    if media.attribute("rtcp-mux") != nil { return nil }
    guard let value = media.attribute("rtcp") else {
        return Endpoint(address: data.address, port: data.port + 1)
    }
    let parts = value.split(separator: " ")
    let address = parts.count == 4 ? IPAddress(parts[3]) : parts.count == 1 ? data.address : nil
    guard let address, !address.isMulticast, let first = parts.first,
        first.utf8.allSatisfy(isDigit), let port = UInt16(first), port > 0
    else {
        throw MediaError(
            .input, "\(place) has a malformed 'a=rtcp:\(shown(value))'",
            advice: "write a=rtcp:PORT")
    }
    let control = Endpoint(address: address, port: port)
    return control == data ? nil : control
}
