extension SessionDescription: CustomStringConvertible {
    /// The text with a CR LF behind every line, in the order of RFC 8866, section 5.
    ///
    /// Control characters inside a value print as `?`, so that no value can add a line.
    package var description: String {
        var lines = [
            "v=0",
            "o=\(origin.user) \(origin.sessionID) \(origin.version)"
                + " IN \(origin.addressType) \(origin.host)",
            "s=\(name)",
        ]
        if let connection { lines.append(connection.line) }
        lines += bandwidths.map(\.line)
        lines += times.map { "t=\($0.start) \($0.stop)" }
        lines += attributes.map(\.line)
        lines += media.flatMap(\.lines)
        return lines.map { printable($0) + "\r\n" }.joined()
    }
}

extension SessionDescription.Media {
    /// The lines of the section, without line ends.
    package var lines: [String] {
        let ports = portCount == 1 ? "\(port)" : "\(port)/\(portCount)"
        let first = "m=\(kind) \(ports) \(transport) \(formats.joined(separator: " "))"
        let all =
            [first] + (connection.map { [$0.line] } ?? []) + bandwidths.map(\.line)
            + attributes.map(\.line)
        return all.map(printable)
    }
}

extension SessionDescription.Connection {
    fileprivate var line: String {
        "c=IN \(address.sessionDescriptionType) \(address)"
            + (timeToLive.map { "/\($0)" } ?? "") + (groupCount.map { "/\($0)" } ?? "")
    }
}

extension SessionDescription.Bandwidth {
    fileprivate var line: String { "b=\(modifier):\(value)" }
}

extension SessionDescription.Attribute {
    fileprivate var line: String { "a=\(name)" + (value.map { ":\($0)" } ?? "") }
}

private func printable(_ line: String) -> String {
    guard line.utf8.contains(where: isControl) else { return line }
    let clean = line.utf8.map { isControl($0) ? UInt8(ascii: "?") : $0 }
    return String(decoding: clean, as: UTF8.self)
}

/// Whether a byte may not stand in a line; a tab may.
func isControl(_ byte: UInt8) -> Bool {
    (byte < 0x20 && byte != UInt8(ascii: "\t")) || byte == 0x7F
}
