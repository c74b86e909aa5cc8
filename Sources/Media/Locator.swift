import NetBasics
import Wire

/// `SCHEME://HOST:PORT[?KEY=VALUE&…]` taken apart.
struct Locator {
    enum Scheme: String, CaseIterable {
        case rtp
        case udp
    }

    let text: String
    let scheme: Scheme
    let endpoint: Endpoint
    let options: LocatorOptions

    /// Parses; `nil` if the text names no scheme at all.
    init?(parsing text: String) throws(MediaError) {
        guard let mark = text.firstRange(of: "://") else { return nil }
        self.text = shown(text)
        guard let scheme = Scheme(rawValue: text[..<mark.lowerBound].lowercased()) else {
            throw MediaError(
                .usage, "unknown scheme '\(shown(text[..<mark.lowerBound]))' in '\(self.text)'",
                advice: "use rtp:// or udp://")
        }
        self.scheme = scheme
        let rest = text[mark.upperBound...]
        let query = rest.firstIndex(of: "?")
        endpoint = try Self.endpoint(rest[..<(query ?? rest.endIndex)], of: self.text)
        let optionText = query.map { rest[rest.index(after: $0)...] } ?? ""
        options = try LocatorOptions(parsing: optionText, separator: "&", of: self.text)
    }

    /// An IP address or `localhost`, and a port that leaves room for the next one.
    private static func endpoint(
        _ authority: Substring, of text: String
    ) throws(MediaError) -> Endpoint {
        var host = authority.hasSuffix("/") ? authority.dropLast() : authority
        if host.hasPrefix("localhost:") { host = "127.0.0.1" + host.dropFirst("localhost".count) }
        guard let endpoint = Endpoint(host) else {
            throw MediaError(
                .usage, "no address and port in '\(text)'",
                advice: "write an IP address and a port: rtp://127.0.0.1:5004 or rtp://[::1]:5004")
        }
        try refuseMulticast(endpoint.address, in: text)
        guard (1...65_534).contains(endpoint.port) else {
            throw MediaError(
                .usage, "port \(endpoint.port) in '\(text)' leaves no room for a port pair",
                advice: "choose a port from 1 to 65534")
        }
        return endpoint
    }
}

/// Refuses groups, which are no place to bind or send to yet.
func refuseMulticast(_ address: IPAddress, in text: String) throws(MediaError) {
    guard address.isMulticast else { return }
    throw MediaError(
        .usage, "\(address) in '\(text)' is a multicast group, which is not supported here",
        advice: "use a unicast address, such as 127.0.0.1")
}

/// `KEY=VALUE` pairs behind a locator, each key at most once.
struct LocatorOptions {
    private var values: [String: String] = [:]
    private let text: String

    /// `text` is the whole locator, for messages.
    init(parsing options: Substring, separator: Character, of text: String) throws(MediaError) {
        self.text = text
        for pair in options.split(separator: separator) {
            guard let mark = pair.firstIndex(of: "="), mark != pair.startIndex else {
                throw MediaError(
                    .usage, "'\(shown(pair))' in '\(text)' is no option",
                    advice: "write KEY=VALUE")
            }
            let key = String(pair[..<mark])
            guard values[key] == nil else {
                throw MediaError(
                    .usage, "option '\(shown(key))' appears twice in '\(text)'",
                    advice: "leave one out")
            }
            values[key] = try percentDecoded(pair[pair.index(after: mark)...], of: text)
        }
    }

    /// The error for a value that its key does not take.
    func refusal(_ key: String, advice: String) -> MediaError {
        MediaError(
            .usage, "\(key)=\(shown(values[key] ?? "")) in '\(text)' is out of range",
            advice: advice)
    }

    /// Refuses keys that nothing reads.
    func allowOnly(_ keys: [String]) throws(MediaError) {
        guard let key = values.keys.sorted().first(where: { !keys.contains($0) }) else { return }
        let list = keys.joined(separator: ", ")
        throw MediaError(
            .usage, "unknown option '\(shown(key))' in '\(text)'",
            advice: keys.isEmpty ? "leave it out" : "choose from \(list)")
    }

    subscript(key: String) -> String? { values[key] }

    func kind() throws(MediaError) -> MediaKind? {
        guard let name = values["kind"] else { return nil }
        guard let kind = MediaKind.allCases.first(where: { $0.name == name }) else {
            throw refusal("kind", advice: "choose audio, video, screen or data")
        }
        return kind
    }

    func priority() throws(MediaError) -> UInt8? {
        guard let text = values["priority"] else { return nil }
        return UInt8(try number("priority", text, in: 0...255))
    }

    func rate() throws(MediaError) -> BitRate? {
        guard let text = values["rate"] else { return nil }
        return try BitRate(parsing: text)
    }

    func number(_ key: String, in range: ClosedRange<Int>) throws(MediaError) -> Int? {
        guard let text = values[key] else { return nil }
        return try number(key, text, in: range)
    }

    private func number(
        _ key: String, _ text: String, in range: ClosedRange<Int>
    ) throws(MediaError) -> Int {
        guard text.utf8.allSatisfy(isDigit), let number = Int(text), range.contains(number) else {
            throw refusal(
                key, advice: "choose a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
}

func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

private func percentDecoded(_ raw: Substring, of text: String) throws(MediaError) -> String {
    var bytes: [UInt8] = []
    var rest = raw.utf8[...]
    while let byte = rest.popFirst() {
        guard byte == UInt8(ascii: "%") else {
            bytes.append(byte)
            continue
        }
        let digits = String(decoding: rest.prefix(2), as: UTF8.self)
        guard digits.utf8.count == 2, digits.first != "+", digits.first != "-",
            let decoded = UInt8(digits, radix: 16)
        else {
            throw MediaError(
                .usage, "a malformed '%' escape in '\(text)'",
                advice: "write %25 for a percent sign")
        }
        rest.removeFirst(2)
        bytes.append(decoded)
    }
    guard let decoded = String(validating: bytes, as: UTF8.self) else {
        throw MediaError(
            .usage, "'%' escapes in '\(text)' that are not UTF-8", advice: "write plain text")
    }
    return decoded
}
