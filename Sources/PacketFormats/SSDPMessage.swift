import NetBasics

/// A message of service discovery in UPnP: lines as in HTTP (UPnP Device Architecture, section 1).
///
///     M-SEARCH * HTTP/1.1             a start line: this, NOTIFY, or HTTP/1.1 200 OK
///     HOST: 239.255.255.250:1900      headers, up to an empty line
///     ST: ssdp:all
///
package struct SSDPMessage: Equatable, Sendable {
    package static let port: UInt16 = 1900
    /// Longest message; bytes.
    package static let byteLimit = 8192
    package static let headerLimit = 64

    package var start: Start
    /// Such as `HTTP/1.1`.
    package var version: String
    package var headers: [Header]

    package enum Start: Equatable, Sendable {
        /// `M-SEARCH` asks, `NOTIFY` announces.
        case request(method: String, target: String)
        case response(code: UInt16, phrase: String)
    }

    package struct Header: Equatable, Sendable {
        /// As it was sent; case does not matter.
        package var name: String
        package var value: String
    }

    /// The value of the first header of that name, which is given in capitals.
    package func header(_ name: String) -> String? {
        headers.first { $0.name.uppercased() == name }?.value
    }

    /// Reads the payload of a UDP datagram; refuses other methods of HTTP.
    package init(decoding bytes: RawSpan) throws(DecodeError) {
        guard bytes.byteCount <= Self.byteLimit else {
            throw .oversized(limit: Self.byteLimit, actual: bytes.byteCount)
        }
        var reader = ByteReader()
        let all = try reader.readRest(of: bytes)
        let lines = all.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0 }
        (start, version) = try Self.start(lines.first ?? [])
        headers = []
        for line in lines.dropFirst() {
            guard !line.isEmpty else { break }
            guard headers.count < Self.headerLimit else {
                throw .oversized(limit: Self.headerLimit, actual: headers.count + 1)
            }
            headers.append(try Header(line))
        }
    }

    private static func start(
        _ line: ArraySlice<UInt8>
    ) throws(DecodeError) -> (Start, version: String) {
        let words = line.split(separator: UInt8(ascii: " "), maxSplits: 2)
            .map { String(received: $0) }
        guard words.count >= 2 else { throw .invalidField("start line") }
        let last = words.count > 2 ? words[2] : ""
        switch words[0] {
        case "M-SEARCH", "NOTIFY":
            guard last.hasPrefix("HTTP/") else { throw .invalidField("start line") }
            return (.request(method: words[0], target: words[1]), last)
        case let version where version.hasPrefix("HTTP/"):
            guard let code = UInt16(words[1]), (100...999).contains(code) else {
                throw .invalidField("start line")
            }
            return (.response(code: code, phrase: last), version)
        default: throw .invalidField("start line")
        }
    }
}

extension SSDPMessage.Header {
    fileprivate init(_ line: ArraySlice<UInt8>) throws(DecodeError) {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex else {
            throw .invalidField("header")
        }
        name = String(received: line[..<colon])
        let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var rest = line[line.index(after: colon)...].drop(while: isBlank)
        while let byte = rest.last, isBlank(byte) { rest.removeLast() }
        value = String(received: rest)
    }
}
