import NetBasics

/// What a member needs to join: `polycast://HOST[:PORT]/GROUP`, and `#SECRET` unless the group is
/// public.
///
/// HOST is a DNS name, an IPv4 address or a bracketed IPv6 address of the rendezvous; GROUP is
/// percent-encoded UTF-8.
package struct Invite: Equatable, Sendable {
    package static let defaultPort: UInt16 = 7400
    /// Bytes of a group's name at most, decoded.
    package static let groupByteLimit = 64
    private static let scheme = "polycast://"

    package enum Host: Equatable, Sendable {
        /// A DNS name, to be resolved by the driver.
        case name(String)
        case address(IPAddress)
    }

    package let host: Host
    package let port: UInt16
    package let group: String
    /// `nil`: the group is public.
    package let secret: Secret?

    /// The text behind the `#`; whoever prints or dumps it sees nothing of it.
    package struct Secret: Equatable, Sendable, CustomStringConvertible, CustomReflectable {
        package let text: String

        package var description: String { "..." }
        package var customMirror: Mirror { Mirror(self, children: []) }
    }

    /// Parses an invite; the ``Failure`` names what is wrong and what to write instead.
    package init(_ text: String) throws(Failure) {
        let hash = text.firstIndex(of: "#") ?? text.endIndex
        // Whatever is behind the hash may be a secret, and stays out of terminals and logs.
        let shown = hash == text.endIndex ? text : text[..<hash] + "#..."
        guard text.prefix(Self.scheme.count).lowercased() == Self.scheme,
            hash >= text.index(text.startIndex, offsetBy: Self.scheme.count)
        else { throw unusable(shown, "does not begin with \(Self.scheme)") }
        let rest = text.dropFirst(Self.scheme.count)
        let open = rest[..<hash]
        guard let slash = open.firstIndex(of: "/") else {
            throw unusable(shown, "names no group")
        }
        do {
            (host, port) = try parseAuthority(open[..<slash])
            group = try parseGroup(open[open.index(after: slash)...])
        } catch {
            throw unusable(shown, error.reason)
        }
        let secret = rest[hash...].dropFirst()
        guard hash == text.endIndex || !secret.isEmpty else {
            throw unusable(shown, "has nothing behind the #")
        }
        self.secret = hash == text.endIndex ? nil : Secret(text: String(secret))
    }

    private init(_ invite: Invite, secret: String) {
        (host, port, group) = (invite.host, invite.port, invite.group)
        self.secret = Secret(text: secret)
    }

    /// The same group's name, at the same rendezvous, with a secret.
    package func with(secret: String) -> Invite { Invite(self, secret: secret) }
}

extension Invite: CustomStringConvertible {
    /// The canonical text, with the port and with all but unreserved characters encoded; never
    /// the secret.
    package var description: String {
        "\(Self.scheme)\(server)/\(percentEncoded(group))" + (secret == nil ? "" : "#...")
    }

    /// The text with the secret, for who asked for it.
    package var revealedText: String {
        let open = "\(Self.scheme)\(server)/\(percentEncoded(group))"
        return secret.map { "\(open)#\($0.text)" } ?? open
    }

    /// The public group of this name at a rendezvous, as `HOST[:PORT]`.
    package init(group: String, rendezvous: String) throws(Failure) {
        try self.init("\(Self.scheme)\(rendezvous)/\(percentEncoded(group))")
    }

    /// The rendezvous as `HOST:PORT`.
    package var server: String {
        switch host {
        case .name(let name): "\(name):\(port)"
        case .address(let address): "\(Endpoint(address: address, port: port))"
        }
    }
}

// MARK: - Parts

private struct Flaw: Error {
    var reason: String
}

private func unusable(_ text: some StringProtocol, _ reason: String) -> Failure {
    Failure(
        .usage, "invite \(quoted(text)) \(reason)",
        advice: "write polycast://HOST:PORT/GROUP, as in polycast://192.0.2.1:7400/standup")
}

private func parseAuthority(_ text: Substring) throws(Flaw) -> (Invite.Host, UInt16) {
    guard !text.isEmpty else { throw Flaw(reason: "names no host") }
    guard !text.contains("@") else { throw Flaw(reason: "has a user name, which has no meaning") }
    if text.first == "[" {
        guard let close = text.firstIndex(of: "]") else {
            throw Flaw(reason: "has no ] behind the IPv6 address")
        }
        let inside = text[text.index(after: text.startIndex)..<close]
        let port = try parsePort(text[text.index(after: close)...])
        guard let address = IPv6Address(inside) else {
            throw Flaw(reason: "has no valid IPv6 address between [ and ]")
        }
        return (.address(try unicast(IPAddress(address))), port)
    }
    guard text.count(where: { $0 == ":" }) <= 1 else {
        throw Flaw(reason: "has an IPv6 address without [ and ]")
    }
    let colon = text.firstIndex(of: ":") ?? text.endIndex
    return (try parseHost(text[..<colon]), try parsePort(text[colon...]))
}

private func parseHost(_ text: Substring) throws(Flaw) -> Invite.Host {
    guard !text.isEmpty else { throw Flaw(reason: "names no host") }
    if let address = IPv4Address(text) { return .address(try unicast(.v4(address))) }
    let labels = text.split(separator: ".", omittingEmptySubsequences: false)
    if labels.last?.utf8.allSatisfy({ (0x30...0x39).contains($0) }) == true {
        throw Flaw(reason: "has no valid IPv4 address")
    }
    // RFC 1123, section 2.1, and underscores, which resolvers accept.
    guard text.utf8.count <= 253,
        labels.allSatisfy({ label in
            (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy { isUnreserved($0) && $0 != UInt8(ascii: "~") }
        })
    else { throw Flaw(reason: "has no valid host name") }
    return .name(text.lowercased())
}

private func unicast(_ address: IPAddress) throws(Flaw) -> IPAddress {
    guard address.isUnicast else {
        throw Flaw(reason: "has the address \(address), which is no single host's")
    }
    return address
}

/// What is behind the host: nothing, or a colon and a port from 1 to 65535.
private func parsePort(_ text: Substring) throws(Flaw) -> UInt16 {
    if text.isEmpty { return Invite.defaultPort }
    guard text.first == ":" else { throw Flaw(reason: "has something else than :PORT behind ]") }
    let digits = text.dropFirst()
    guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits),
        port > 0
    else { throw Flaw(reason: "has a port outside 1 to 65535") }
    return port
}

private func parseGroup(_ text: Substring) throws(Flaw) -> String {
    guard !text.isEmpty else { throw Flaw(reason: "names no group") }
    guard !text.contains("?") else {
        throw Flaw(reason: "has a query, which has no meaning (write a ? in a group as %3F)")
    }
    guard let bytes = percentDecoded(text) else {
        throw Flaw(reason: "has a % in the group without two hexadecimal digits behind it")
    }
    guard let group = String(validating: bytes, as: UTF8.self) else {
        throw Flaw(reason: "has a group that is not UTF-8")
    }
    guard bytes.count <= Invite.groupByteLimit else {
        throw Flaw(
            reason: "has a group of \(bytes.count) bytes, more than \(Invite.groupByteLimit)")
    }
    guard !group.unicodeScalars.contains(where: isControl) else {
        throw Flaw(reason: "has a control character in the group")
    }
    guard !group.contains("/") else { throw Flaw(reason: "has a slash in the group") }
    return group
}

// MARK: - Text

/// The text between quotation marks, on one line and cut where it becomes unreadable; the secret of
/// an invite, which may stand anywhere by mistake, is left out.
package func quoted(_ text: some StringProtocol) -> String {
    let limit = 120
    var result = "\""
    let text = withoutSecret(text)
    for scalar in text.unicodeScalars.prefix(limit) {
        if isControl(scalar) {
            result += scalar.escaped(asASCII: true)
        } else {
            result.unicodeScalars.append(scalar)
        }
    }
    return result + (text.unicodeScalars.count > limit ? "..." : "") + "\""
}

private func withoutSecret(_ text: some StringProtocol) -> String {
    guard let hash = text.firstIndex(of: "#"),
        text[..<hash].lowercased().contains("polycast://")
    else { return String(text) }
    return text[..<hash] + "#..."
}

private func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: true
    default: false
    }
}

private func percentDecoded(_ text: Substring) -> [UInt8]? {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
        if byte == UInt8(ascii: "%") {
            guard let high = rest.popFirst().flatMap(hexadecimalDigit),
                let low = rest.popFirst().flatMap(hexadecimalDigit)
            else { return nil }
            bytes.append(high << 4 | low)
        } else {
            bytes.append(byte)
        }
    }
    return bytes
}

private func percentEncoded(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".unicodeScalars)
    var result = String.UnicodeScalarView()
    for byte in text.utf8 {
        if isUnreserved(byte) {
            result.append(Unicode.Scalar(byte))
        } else {
            result.append(contentsOf: ["%", digits[Int(byte >> 4)], digits[Int(byte & 15)]])
        }
    }
    return String(result)
}

/// Whether a byte may stand for itself anywhere in a URI (RFC 3986, section 2.3).
private func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "_"), UInt8(ascii: "~"):
        true
    default: false
    }
}
