import NetBasics

extension SessionDescription {
    /// The lines of a text as they stand, one below the other, whether or not it parses.
    ///
    /// Shows as much as a description may have: 64 KiB and 1024 lines.
    package static func field(showing text: some Collection<UInt8>) -> PacketField {
        let bytes = Array(text.prefix(byteLimit))
        let lines = bytes.split(separator: UInt8(ascii: "\n")).prefix(lineLimit)
        var isInMedia = false
        let children = lines.compactMap { line -> PacketField? in
            let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            guard let type = line.first else { return nil }
            if type == UInt8(ascii: "m") { isInMedia = true }
            return lineField(type, line, isInMedia: isInMedia)
        }
        return .heading("sdp", "Session Description Protocol", children)
    }

    private static func lineField(
        _ type: UInt8, _ line: ArraySlice<UInt8>, isInMedia: Bool
    ) -> PacketField {
        guard line.dropFirst().first == UInt8(ascii: "="),
            let (name, label) = lineName(type, isInMedia: isInMedia)
        else {
            return PacketField(
                PacketField.ownPrefix + "sdp.line", "Other line", .text(received: line))
        }
        return PacketField("sdp." + name, label, .text(received: line.dropFirst(2)))
    }

    /// What Wireshark calls a line, and what people do (RFC 8866, section 5).
    private static func lineName(
        _ type: UInt8, isInMedia: Bool
    ) -> (name: String, label: String)? {
        switch type {
        case UInt8(ascii: "v"): ("version", "Version")
        case UInt8(ascii: "o"): ("owner", "Origin")
        case UInt8(ascii: "s"): ("session_name", "Session name")
        case UInt8(ascii: "i"):
            isInMedia ? ("media_title", "Media title") : ("session_info", "Information")
        case UInt8(ascii: "u"): ("uri", "URI")
        case UInt8(ascii: "e"): ("email", "E-mail address")
        case UInt8(ascii: "p"): ("phone", "Phone number")
        case UInt8(ascii: "c"): ("connection_info", "Connection")
        case UInt8(ascii: "b"): ("bandwidth", "Bandwidth")
        case UInt8(ascii: "t"): ("time", "Time")
        case UInt8(ascii: "r"): ("repeat_time", "Repetition")
        case UInt8(ascii: "z"): ("timezone", "Time zone")
        case UInt8(ascii: "k"): ("encryption_key", "Encryption key")
        case UInt8(ascii: "a"):
            isInMedia ? ("media_attr", "Media attribute") : ("session_attr", "Attribute")
        case UInt8(ascii: "m"): ("media", "Media")
        default: nil
        }
    }
}
