import NetBasics

extension SessionDescription {
    /// Parses text from a file or a stranger; never traps, and refuses what exceeds the limits.
    ///
    /// Lines end in LF or CR LF. Deviation: `o=`, `s=` and `t=` may be missing and session lines
    /// come in any order, as hand-written files have it and players accept it.
    package init(parsing bytes: some Collection<UInt8>) throws(SessionDescriptionError) {
        guard bytes.count <= Self.byteLimit else {
            throw SessionDescriptionError(
                line: 1, text: "", problem: "longer than \(Self.byteLimit) bytes")
        }
        var parser = SessionDescriptionParser()
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, raw) in lines.enumerated() {
            try parser.take(raw, number: index + 1)
        }
        self = try parser.finished()
    }

    package init(parsing text: String) throws(SessionDescriptionError) {
        try self.init(parsing: Array(text.utf8))
    }
}

/// The state between two lines.
private struct SessionDescriptionParser {
    private var number = 0
    private var line = ""
    private var hasVersion = false
    private var origin: SessionDescription.Origin?
    private var name: String?
    private var connection: SessionDescription.Connection?
    private var bandwidths: [SessionDescription.Bandwidth] = []
    private var times: [SessionDescription.Time] = []
    private var attributes: [SessionDescription.Attribute] = []
    private var media: [SessionDescription.Media] = []

    mutating func take(
        _ raw: some Collection<UInt8>, number: Int
    ) throws(SessionDescriptionError) {
        self.number = number
        var bytes = Array(raw)
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        guard !bytes.isEmpty else { return }
        line = String(decoding: bytes.map { isControl($0) ? UInt8(ascii: "?") : $0 }, as: UTF8.self)
        guard number <= SessionDescription.lineLimit else {
            throw refusal("more than \(SessionDescription.lineLimit) lines")
        }
        guard !bytes.contains(where: isControl) else { throw refusal("a control character") }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw refusal("not UTF-8")
        }
        guard bytes.count >= 2, bytes[1] == UInt8(ascii: "=") else {
            throw refusal("not of the form 'x=value'")
        }
        let value = String(decoding: text.utf8.dropFirst(2), as: UTF8.self)
        guard hasVersion || bytes[0] == UInt8(ascii: "v") else {
            throw refusal("a session description starts with 'v=0'")
        }
        try takeLine(bytes[0], value)
    }

    func finished() throws(SessionDescriptionError) -> SessionDescription {
        guard hasVersion else {
            throw SessionDescriptionError(
                line: 1, text: "", problem: "a session description starts with 'v=0'")
        }
        return SessionDescription(
            origin: origin ?? .unknown, name: name ?? "-", connection: connection,
            bandwidths: bandwidths, times: times.isEmpty ? [.permanent] : times,
            attributes: attributes, media: media)
    }

    private mutating func takeLine(
        _ type: UInt8, _ value: String
    ) throws(SessionDescriptionError) {
        switch type {
        case UInt8(ascii: "m"): try startMedia(value)
        case UInt8(ascii: "c"): try takeConnection(value)
        case UInt8(ascii: "b"): try takeBandwidth(value)
        case UInt8(ascii: "a"): try takeAttribute(value)
        case UInt8(ascii: "i"), UInt8(ascii: "k"): break
        case _ where !media.isEmpty: throw refusal("not a line of a media section")
        case UInt8(ascii: "v"): try takeVersion(value)
        case UInt8(ascii: "o"): try takeOrigin(value)
        case UInt8(ascii: "s"):
            guard name == nil else { throw refusal("a second 's=' line") }
            name = value
        case UInt8(ascii: "t"): try takeTime(value)
        case UInt8(ascii: "u"), UInt8(ascii: "e"), UInt8(ascii: "p"), UInt8(ascii: "r"),
            UInt8(ascii: "z"):
            break
        default: throw refusal("unknown line type")
        }
    }

    private mutating func takeVersion(_ value: String) throws(SessionDescriptionError) {
        guard !hasVersion else { throw refusal("a second 'v=' line") }
        guard value == "0" else { throw refusal("unsupported version") }
        hasVersion = true
    }

    private mutating func takeOrigin(_ value: String) throws(SessionDescriptionError) {
        guard origin == nil else { throw refusal("a second 'o=' line") }
        let parts = fields(value)
        guard parts.count == 6, parts[3] == "IN", ["IP4", "IP6"].contains(parts[4]),
            isDecimal(parts[1]), isDecimal(parts[2])
        else { throw refusal("not of the form 'o=user id version IN IP4 host'") }
        origin = SessionDescription.Origin(
            user: parts[0], sessionID: parts[1], version: parts[2], addressType: parts[4],
            host: parts[5])
    }

    private mutating func takeTime(_ value: String) throws(SessionDescriptionError) {
        let parts = fields(value)
        guard parts.count == 2, let start = decimal(UInt64.self, parts[0]),
            let stop = decimal(UInt64.self, parts[1])
        else { throw refusal("not of the form 't=start stop'") }
        times.append(SessionDescription.Time(start: start, stop: stop))
    }

    private mutating func takeBandwidth(_ value: String) throws(SessionDescriptionError) {
        let (modifier, rest) = cut(value, at: UInt8(ascii: ":"))
        guard isToken(modifier), let rest, let number = decimal(UInt64.self, rest) else {
            throw refusal("not of the form 'b=AS:kbit/s'")
        }
        let bandwidth = SessionDescription.Bandwidth(modifier: modifier, value: number)
        if media.isEmpty {
            bandwidths.append(bandwidth)
        } else {
            media[media.count - 1].bandwidths.append(bandwidth)
        }
    }

    private mutating func takeAttribute(_ value: String) throws(SessionDescriptionError) {
        let (name, rest) = cut(value, at: UInt8(ascii: ":"))
        guard isToken(name) else { throw refusal("an attribute without a name") }
        let attribute = SessionDescription.Attribute(name, rest)
        if media.isEmpty {
            attributes.append(attribute)
        } else {
            media[media.count - 1].attributes.append(attribute)
        }
    }

    private mutating func takeConnection(_ value: String) throws(SessionDescriptionError) {
        let parsed = try parseConnection(value)
        if media.isEmpty {
            guard connection == nil else { throw refusal("a second 'c=' line") }
            connection = parsed
        } else {
            guard media[media.count - 1].connection == nil else {
                throw refusal("a second 'c=' line")
            }
            media[media.count - 1].connection = parsed
        }
    }

    private func parseConnection(
        _ value: String
    ) throws(SessionDescriptionError) -> SessionDescription.Connection {
        let parts = fields(value)
        guard parts.count == 3, parts[0] == "IN" else {
            throw refusal("not of the form 'c=IN IP4 address'")
        }
        let pieces = parts[2].split(separator: "/", omittingEmptySubsequences: false)
        guard let address = IPAddress(pieces[0]),
            address.sessionDescriptionType == parts[1]
        else { throw refusal("the address is not an \(parts[1]) address") }
        var result = SessionDescription.Connection(address: address)
        var suffixes = pieces.dropFirst().map(String.init)
        if case .v4 = address, !suffixes.isEmpty {
            result.timeToLive = decimal(UInt8.self, suffixes.removeFirst())
            guard result.timeToLive != nil else { throw refusal("the TTL is not 0 to 255") }
        }
        if !suffixes.isEmpty {
            result.groupCount = decimal(UInt16.self, suffixes.removeFirst())
            guard result.groupCount != nil else { throw refusal("a malformed address count") }
        }
        guard suffixes.isEmpty else { throw refusal("too many '/' in the address") }
        return result
    }

    private mutating func startMedia(_ value: String) throws(SessionDescriptionError) {
        guard media.count < SessionDescription.mediaLimit else {
            throw refusal("more than \(SessionDescription.mediaLimit) media sections")
        }
        let parts = fields(value)
        guard parts.count >= 4, isToken(parts[0]),
            parts[2].split(separator: "/", omittingEmptySubsequences: false)
                .allSatisfy({ isToken(String($0)) }),
            parts[3...].allSatisfy(isToken)
        else { throw refusal("not of the form 'm=kind port RTP/AVP formats'") }
        guard parts.count - 3 <= SessionDescription.formatLimit else {
            throw refusal("more than \(SessionDescription.formatLimit) formats")
        }
        let (port, count) = cut(parts[1], at: UInt8(ascii: "/"))
        guard let number = decimal(UInt16.self, port),
            let portCount = decimal(UInt16.self, count ?? "1"), portCount > 0
        else { throw refusal("the port is not 0 to 65535") }
        media.append(
            SessionDescription.Media(
                kind: parts[0], port: number, portCount: portCount, transport: parts[2],
                formats: Array(parts[3...])))
    }

    private func refusal(_ problem: String) -> SessionDescriptionError {
        // Scalars, because one Character may be of any length.
        let shown = line.unicodeScalars.prefix(60).map { scalar -> Unicode.Scalar in
            (0x7F...0x9F).contains(scalar.value) ? "?" : scalar
        }
        var text = String.UnicodeScalarView()
        text.append(contentsOf: shown)
        return SessionDescriptionError(line: number, text: String(text), problem: problem)
    }
}

// MARK: - Text, byte by byte: a Character may hold several of the grammar's separators

/// The parts between spaces.
private func fields(_ text: String) -> [String] {
    text.utf8.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
}

private func cut(_ text: String, at separator: UInt8) -> (String, String?) {
    guard let index = text.utf8.firstIndex(of: separator) else { return (text, nil) }
    let rest = text.utf8[text.utf8.index(after: index)...]
    return (
        String(decoding: text.utf8[..<index], as: UTF8.self), String(decoding: rest, as: UTF8.self)
    )
}

private func isDecimal(_ text: String) -> Bool {
    !text.isEmpty
        && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
}

private func decimal<Number: FixedWidthInteger>(_: Number.Type, _ text: String) -> Number? {
    isDecimal(text) ? Number(text) : nil
}

/// A `token` of RFC 8866, section 9.
private func isToken(_ text: String) -> Bool {
    !text.isEmpty
        && text.utf8.allSatisfy { byte in
            (0x21...0x7E).contains(byte) && !#""(),/:;<=>?@[\]"#.utf8.contains(byte)
        }
}
