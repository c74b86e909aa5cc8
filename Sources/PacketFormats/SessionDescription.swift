import NetBasics

/// A session description (SDP, RFC 8866): where media flows and in which formats.
///
/// Holds what Polycast uses. The lines `i= u= e= p= r= z= k=` are checked for form and left out.
package struct SessionDescription: Equatable, Sendable {
    /// Longest text; bytes.
    package static let byteLimit = 65_536
    package static let lineLimit = 1024
    package static let mediaLimit = 64
    /// Formats in one `m=` line at most.
    package static let formatLimit = 64

    package var origin: Origin
    package var name: String
    /// For all media sections without their own.
    package var connection: Connection?
    package var bandwidths: [Bandwidth]
    package var times: [Time]
    package var attributes: [Attribute]
    package var media: [Media]

    package init(
        origin: Origin = .unknown, name: String = "-", connection: Connection? = nil,
        bandwidths: [Bandwidth] = [], times: [Time] = [.permanent],
        attributes: [Attribute] = [], media: [Media] = []
    ) {
        self.origin = origin
        self.name = name
        self.connection = connection
        self.bandwidths = bandwidths
        self.times = times
        self.attributes = attributes
        self.media = media
    }
}

extension SessionDescription {
    /// `o=`: who made the description and which version it is (section 5.2).
    package struct Origin: Equatable, Sendable {
        package var user: String
        package var sessionID: String
        package var version: String
        /// `IP4` or `IP6`.
        package var addressType: String
        /// An address or a host name; never used to send.
        package var host: String

        package static let unknown = Origin(
            user: "-", sessionID: "0", version: "0", addressType: "IP4", host: "0.0.0.0")

        package init(
            user: String, sessionID: String, version: String, addressType: String, host: String
        ) {
            self.user = user
            self.sessionID = sessionID
            self.version = version
            self.addressType = addressType
            self.host = host
        }

        package init(sessionID: UInt64, version: UInt64, address: IPAddress) {
            self.init(
                user: "-", sessionID: String(sessionID), version: String(version),
                addressType: address.sessionDescriptionType, host: address.description)
        }
    }

    /// `c=`: the address that media goes to (section 5.7).
    package struct Connection: Equatable, Sendable {
        package var address: IPAddress
        /// Hops of an IPv4 group.
        package var timeToLive: UInt8?
        /// Contiguous group addresses, from `address` on.
        package var groupCount: UInt16?

        package init(
            address: IPAddress, timeToLive: UInt8? = nil, groupCount: UInt16? = nil
        ) {
            self.address = address
            self.timeToLive = timeToLive
            self.groupCount = groupCount
        }
    }

    /// `b=`: a rate in the modifier's unit, kbit/s for `AS`, bit/s for `TIAS` (section 5.8).
    package struct Bandwidth: Equatable, Sendable {
        package var modifier: String
        package var value: UInt64

        package init(modifier: String, value: UInt64) {
            self.modifier = modifier
            self.value = value
        }
    }

    /// `t=`: when the session is active; seconds of NTP time, zero for unbounded (section 5.9).
    package struct Time: Equatable, Sendable {
        package var start: UInt64
        package var stop: UInt64

        package static let permanent = Time(start: 0, stop: 0)

        package init(start: UInt64, stop: UInt64) {
            self.start = start
            self.stop = stop
        }
    }

    /// `a=`: a property, or a value under a name (section 5.13).
    package struct Attribute: Equatable, Sendable {
        package var name: String
        package var value: String?

        package init(_ name: String, _ value: String? = nil) {
            self.name = name
            self.value = value
        }
    }

    /// `m=` and the lines up to the next (section 5.14).
    package struct Media: Equatable, Sendable {
        /// Such as `audio`, `video`, `text` or `application`.
        package var kind: String
        package var port: UInt16
        /// Port pairs from `port` on; 1 unless the line says otherwise.
        package var portCount: UInt16
        /// Such as `RTP/AVP` or `udp`.
        package var transport: String
        /// Payload types under RTP.
        package var formats: [String]
        package var connection: Connection?
        package var bandwidths: [Bandwidth]
        /// In the order of the text.
        package var attributes: [Attribute]

        package init(
            kind: String, port: UInt16, portCount: UInt16 = 1, transport: String,
            formats: [String], connection: Connection? = nil, bandwidths: [Bandwidth] = [],
            attributes: [Attribute] = []
        ) {
            self.kind = kind
            self.port = port
            self.portCount = portCount
            self.transport = transport
            self.formats = formats
            self.connection = connection
            self.bandwidths = bandwidths
            self.attributes = attributes
        }

        /// The value of the first attribute of that name; empty for a property.
        package func attribute(_ name: String) -> String? {
            attributes.first { $0.name == name }.map { $0.value ?? "" }
        }

        /// The bandwidth in bit/s, from `b=TIAS` (RFC 3890) or `b=AS`.
        package var bitsPerSecond: UInt64? { bandwidths.bitsPerSecond }
    }
}

extension [SessionDescription.Bandwidth] {
    /// In bit/s, from `TIAS` or `AS`; saturates.
    package var bitsPerSecond: UInt64? {
        if let exact = first(where: { $0.modifier == "TIAS" }) { return exact.value }
        guard let rounded = first(where: { $0.modifier == "AS" }) else { return nil }
        let (bits, overflow) = rounded.value.multipliedReportingOverflow(by: 1000)
        return overflow ? .max : bits
    }
}

extension IPAddress {
    /// The address type of SDP: `IP4` or `IP6`.
    package var sessionDescriptionType: String {
        switch self {
        case .v4: "IP4"
        case .v6: "IP6"
        }
    }
}

/// Why a text is no session description: the line, its number from one, and the rule it breaks.
package struct SessionDescriptionError: Error, Equatable, Sendable, CustomStringConvertible {
    package var line: Int
    /// The line itself, cut to 60 characters and free of control characters.
    package var text: String
    package var problem: String

    package init(line: Int, text: String, problem: String) {
        self.line = line
        self.text = text
        self.problem = problem
    }

    package var description: String {
        "line \(line): \(problem)" + (text.isEmpty ? "" : ": '\(text)'")
    }
}
