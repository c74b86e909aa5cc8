/// What a stream carries, as far as its packets tell.
package enum PayloadKind: Equatable, Sendable {
    case unknown
    /// RTP with a name of the audio/video profile, or of a session description.
    case media(String)
    /// RTP with a dynamic payload type that nobody described.
    case rtp
    case transportStream
    /// A protocol that is known by its port: `mdns`, `ssdp`, `sap`, ….
    case service(String)

    package var name: String {
        switch self {
        case .unknown: "udp"
        case .media(let name): name
        case .rtp: "rtp"
        case .transportStream: "mp2t"
        case .service(let name): name
        }
    }
}

/// The static payload types of the RTP profile for audio and video (RFC 3551, section 6).
enum StaticPayloadType {
    struct Entry {
        var name: String
        /// Hz.
        var clockRate: Double
    }

    static func entry(_ type: UInt8) -> Entry? { entries[type] }

    private static let entries: [UInt8: Entry] = [
        0: Entry(name: "pcmu", clockRate: 8000), 3: Entry(name: "gsm", clockRate: 8000),
        4: Entry(name: "g723", clockRate: 8000), 5: Entry(name: "dvi4", clockRate: 8000),
        6: Entry(name: "dvi4", clockRate: 16_000), 7: Entry(name: "lpc", clockRate: 8000),
        8: Entry(name: "pcma", clockRate: 8000), 9: Entry(name: "g722", clockRate: 8000),
        10: Entry(name: "l16", clockRate: 44_100), 11: Entry(name: "l16", clockRate: 44_100),
        12: Entry(name: "qcelp", clockRate: 8000), 13: Entry(name: "cn", clockRate: 8000),
        14: Entry(name: "mpa", clockRate: 90_000), 15: Entry(name: "g728", clockRate: 8000),
        16: Entry(name: "dvi4", clockRate: 11_025), 17: Entry(name: "dvi4", clockRate: 22_050),
        18: Entry(name: "g729", clockRate: 8000), 25: Entry(name: "celb", clockRate: 90_000),
        26: Entry(name: "jpeg", clockRate: 90_000), 28: Entry(name: "nv", clockRate: 90_000),
        31: Entry(name: "h261", clockRate: 90_000), 32: Entry(name: "mpv", clockRate: 90_000),
        33: Entry(name: "mp2t", clockRate: 90_000), 34: Entry(name: "h263", clockRate: 90_000),
    ]
}

/// Services of groups that are known by their port.
enum ServicePort {
    static func name(_ port: UInt16) -> String? {
        switch port {
        case 5353: "mdns"
        case 5355: "llmnr"
        case 1900: "ssdp"
        case 9875: "sap"
        case 3702: "ws-discovery"
        case 319, 320: "ptp"
        case 123: "ntp"
        default: nil
        }
    }
}
