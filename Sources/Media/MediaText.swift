import PacketFormats
import Wire

/// The SDP lines that describe one RTP stream to strangers: one `m=` with port 0, and `a=` lines.
///
/// Both sides go through the same sieve: what a source may say and what a receiver will print.
/// Everything about transport (addresses, ports, candidates, direction) stays behind.
package enum MediaText {
    /// Attributes about the payload itself.
    static let attributeNames: Set<String> = [
        "rtpmap", "fmtp", "ptime", "maxptime", "framerate", "framesize", "content", "lang",
    ]
    private static let kinds = ["audio", "video", "text", "application"]
    private static let transports = ["RTP/AVP", "RTP/AVPF"]

    /// The lines for `media`, CR LF between them; refuses what receivers would refuse.
    package static func text(
        for media: SessionDescription.Media
    ) throws(SessionDescriptionError) -> String {
        var copy = media
        copy.port = 0
        copy.connection = nil
        copy.bandwidths = []
        copy.attributes.removeAll { !attributeNames.contains($0.name) }
        let text = copy.lines.joined(separator: "\r\n")
        _ = try parse(text)
        return text
    }

    /// Reads a stranger's lines; the result holds no address, no port and no control character.
    ///
    /// Unknown attributes are left out; anything else that does not belong refuses the whole.
    package static func parse(
        _ text: String
    ) throws(SessionDescriptionError) -> SessionDescription.Media {
        guard text.utf8.count <= StreamDescription.mediaTextLimit else {
            throw refusal("longer than \(StreamDescription.mediaTextLimit) bytes")
        }
        let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            let isLast = index == lines.count - 1
            guard isLast || line.last == UInt8(ascii: "\r") else {
                throw refusal("lines end in CR LF", line: index + 1)
            }
            let content = isLast ? line[...] : line.dropLast()
            guard content.allSatisfy({ (0x20...0x7E).contains($0) }) else {
                throw refusal("not printable ASCII", line: index + 1)
            }
            guard content.starts(with: index == 0 ? "m=".utf8 : "a=".utf8) else {
                throw refusal("one 'm=' line, then only 'a=' lines", line: index + 1)
            }
        }
        return try checked(try SessionDescription(parsing: "v=0\r\n" + text).media[0])
    }

    private static func checked(
        _ media: SessionDescription.Media
    ) throws(SessionDescriptionError) -> SessionDescription.Media {
        guard kinds.contains(media.kind) else { throw refusal("unknown kind of media") }
        guard media.port == 0, media.portCount == 1 else { throw refusal("a port") }
        guard transports.contains(media.transport) else { throw refusal("not plain RTP") }
        guard media.formats.allSatisfy(isPayloadType) else {
            throw refusal("a payload type is 0 to 127")
        }
        var media = media
        media.attributes.removeAll { !attributeNames.contains($0.name) }
        for attribute in media.attributes where ["rtpmap", "fmtp"].contains(attribute.name) {
            let parts = (attribute.value ?? "").split(separator: " ", maxSplits: 1)
            guard parts.count == 2, media.formats.contains(String(parts[0])),
                attribute.name == "fmtp" || isCodec(String(parts[1]))
            else { throw refusal("a=\(attribute.name) without its payload type or codec") }
        }
        return media
    }

    private static func isPayloadType(_ format: String) -> Bool {
        format.utf8.allSatisfy(isDigit) && UInt8(format).map { $0 <= 127 } ?? false
    }

    private static func refusal(_ problem: String, line: Int = 1) -> SessionDescriptionError {
        SessionDescriptionError(line: line, text: "", problem: problem)
    }
}
