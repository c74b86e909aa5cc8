import NetBasics
import Wire

/// What `--publish` names.
package enum PublishSpec: Equatable, Sendable {
    /// A session description file.
    case sessionDescription(path: String)
    case rtp(RTPInput)
    case udp(UDPInput)
    case test(TestPattern)

    /// RTP that someone sends to a port of this host.
    package struct RTPInput: Equatable, Sendable {
        package var endpoint: Endpoint
        package var kind: MediaKind
        package var priority: UInt8
        package var rate: BitRate?
        package var payloadType: UInt8
        /// The value of `a=rtpmap` behind the payload type, such as `VP8/90000`.
        package var codec: String?
        /// The value of `a=fmtp` behind the payload type.
        package var formatParameters: String?
    }

    /// Datagrams that someone sends to a port of this host.
    package struct UDPInput: Equatable, Sendable {
        package var endpoint: Endpoint
        package var kind: MediaKind
        package var priority: UInt8
        package var rate: BitRate?
    }

    /// Parses a path, `rtp://…`, `udp://…` or `test:…`.
    package init(parsing text: String) throws(MediaError) {
        if text.hasPrefix("test:") {
            self = .test(try TestPattern(parsing: text))
        } else if let locator = try Locator(parsing: text) {
            switch locator.scheme {
            case .rtp: self = .rtp(try RTPInput(locator))
            case .udp: self = .udp(try UDPInput(locator))
            }
        } else {
            guard !text.isEmpty, !text.utf8.contains(0) else {
                throw MediaError(
                    .usage, "nothing to publish in '\(shown(text))'",
                    advice: "name an SDP file, rtp://HOST:PORT, udp://HOST:PORT or test:rate=2M")
            }
            self = .sessionDescription(path: text)
        }
    }
}

extension PublishSpec.RTPInput {
    init(_ locator: Locator) throws(MediaError) {
        let options = locator.options
        try options.allowOnly(["kind", "priority", "rate", "pt", "codec", "fmtp"])
        endpoint = locator.endpoint
        kind = try options.kind() ?? .video
        priority = try options.priority() ?? kind.defaultPriority
        rate = try options.rate()
        payloadType = UInt8(try options.number("pt", in: 0...127) ?? 96)
        codec = options["codec"]
        formatParameters = options["fmtp"]
        guard codec.map(isCodec) ?? true else {
            throw options.refusal(
                "codec", advice: "write NAME/CLOCK or NAME/CLOCK/CHANNELS: VP8/90000, opus/48000/2")
        }
        guard formatParameters.map({ !$0.isEmpty && isPrintable($0) }) ?? true else {
            throw options.refusal("fmtp", advice: "write printable ASCII")
        }
    }
}

extension PublishSpec.UDPInput {
    init(_ locator: Locator) throws(MediaError) {
        let options = locator.options
        try options.allowOnly(["kind", "priority", "rate"])
        endpoint = locator.endpoint
        kind = try options.kind() ?? .data
        priority = try options.priority() ?? kind.defaultPriority
        rate = try options.rate()
    }
}

/// Whether every byte is of ASCII and has a shape or is a space.
func isPrintable(_ text: String) -> Bool { text.utf8.allSatisfy { (0x20...0x7E).contains($0) } }

/// `NAME/CLOCK[/PARAMETERS]` (RFC 8866, section 6.6).
func isCodec(_ text: String) -> Bool {
    let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    guard (2...3).contains(parts.count), parts.allSatisfy({ (1...32).contains($0.count) }),
        parts[1].allSatisfy(isDigit)
    else { return false }
    return parts.joined().allSatisfy { (0x21...0x7E).contains($0) }
}
