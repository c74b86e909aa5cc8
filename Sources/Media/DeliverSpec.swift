import NetBasics
import Wire

/// What `--deliver` names: where the first remote stream goes; the others take the ports above.
package struct DeliverSpec: Hashable, Sendable, CustomStringConvertible {
    package enum Transport: String, Sendable {
        /// RTP streams only: RTP to the even port, RTCP to the odd one above.
        case rtp
        /// Every stream: its data flow to the port, its control flow to the one above.
        case udp
    }

    package let transport: Transport
    package let endpoint: Endpoint

    /// Parses `rtp://HOST:PORT` or `udp://HOST:PORT`.
    package init(parsing text: String) throws(MediaError) {
        guard let locator = try Locator(parsing: text) else {
            throw MediaError(
                .usage, "nowhere to deliver to in '\(shown(text))'",
                advice: "write rtp://HOST:PORT or udp://HOST:PORT")
        }
        try locator.options.allowOnly([])
        guard locator.endpoint.address.isUnicast else {
            throw MediaError(
                .usage, "\(locator.endpoint.address) in '\(locator.text)' is no address of a host",
                advice: "use a unicast address, such as 127.0.0.1")
        }
        endpoint = locator.endpoint
        switch locator.scheme {
        case .rtp: transport = .rtp
        case .udp: transport = .udp
        }
        guard transport == .udp || endpoint.port % 2 == 0 else {
            throw MediaError(
                .usage, "RTP port \(endpoint.port) in '\(locator.text)' is odd",
                advice: "choose an even port, such as \(endpoint.port - 1)")
        }
    }

    package func accepts(_ format: StreamFormat) -> Bool {
        transport == .udp || format == .rtp
    }

    package var description: String { "\(transport.rawValue)://\(endpoint)" }
}
