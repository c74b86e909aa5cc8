/// A UDP address: IP address and port in host order.
@usableFromInline package struct Endpoint: Hashable, Sendable, Comparable {
    @usableFromInline package var address: IPAddress
    @usableFromInline package var port: UInt16

    @inlinable package init(address: IPAddress, port: UInt16) {
        self.address = address
        self.port = port
    }

    @inlinable package static func == (left: Endpoint, right: Endpoint) -> Bool {
        left.address == right.address && left.port == right.port
    }

    /// Parses `192.0.2.1:7400` or `[2001:db8::1]:7400`; the port may be left out if a default
    /// is given.
    package init?(_ text: some StringProtocol, defaultPort: UInt16? = nil) {
        let host: Substring
        var rest: Substring
        if text.first == "[" {
            guard let close = text.firstIndex(of: "]") else { return nil }
            host = Substring(text[text.index(after: text.startIndex)..<close])
            rest = Substring(text[text.index(after: close)...])
            guard host.contains(":") else { return nil }
        } else {
            let colon = text.firstIndex(of: ":") ?? text.endIndex
            host = Substring(text[..<colon])
            rest = Substring(text[colon...])
        }
        guard let address = IPAddress(host) else { return nil }
        if rest.isEmpty {
            guard let defaultPort else { return nil }
            self.init(address: address, port: defaultPort)
        } else {
            guard rest.removeFirst() == ":", rest.allSatisfy({ $0.isASCII && $0.isNumber }),
                let port = UInt16(rest)
            else { return nil }
            self.init(address: address, port: port)
        }
    }

    @usableFromInline package static func < (left: Endpoint, right: Endpoint) -> Bool {
        (left.address, left.port) < (right.address, right.port)
    }
}

extension Endpoint: CustomStringConvertible {
    @usableFromInline package var description: String {
        switch address {
        case .v4(let address): "\(address):\(port)"
        case .v6(let address): "[\(address)]:\(port)"
        }
    }
}
