import NetBasics
import PacketFormats

/// Sessions that SAP announces: what is sent to which group, and in which format.
struct Announcements: Sendable {
    static let limit = 1024
    /// Payload types that descriptions give a format.
    static let formatLimit = 4096

    private(set) var all: [Announcement] = []
    /// Announcements that found no room, or could not be read.
    private(set) var refused: UInt64 = 0
    private var formats: [FormatKey: Format] = [:]

    struct FormatKey: Hashable {
        var group: IPAddress
        var port: UInt16
        var payloadType: UInt8
    }

    struct Format: Sendable {
        var name: String
        /// Hz.
        var clockRate: Double
    }

    /// Reads the payload of a datagram to SAP's port; whether there was anything new in it.
    @discardableResult
    mutating func record(_ bytes: RawSpan, at now: Instant, number: UInt64) -> Bool {
        do {
            let packet = try SAPPacket(decoding: bytes)
            guard let offset = packet.sessionDescriptionOffset, !packet.isDeletion else {
                return false
            }
            let text = (offset..<bytes.byteCount).map {
                bytes.unsafeLoad(fromByteOffset: $0, as: UInt8.self)
            }
            return note(try SessionDescription(parsing: text), at: now, number: number)
        } catch {
            refused &+= 1
            return false
        }
    }

    private mutating func note(
        _ session: SessionDescription, at now: Instant, number: UInt64
    ) -> Bool {
        let name = String(received: session.name.utf8)
        let targets = session.media.compactMap { media in
            (media.connection ?? session.connection).map {
                Announcement.Target(group: $0.address, port: media.port, kind: media.kind)
            }
        }
        // Some programs give all their sessions one origin.
        let known = all.firstIndex {
            $0.origin == session.origin && $0.name == name && $0.targets == targets
        }
        if let known {
            all[known].lastSeen = now
            return false
        }
        all.removeAll { $0.name == name && $0.origin.isOlderOrNewer(session.origin) }
        guard all.count < Self.limit else {
            refused &+= 1
            return false
        }
        for media in session.media {
            guard let group = (media.connection ?? session.connection)?.address else { continue }
            learn(media, group)
        }
        all.append(
            Announcement(
                origin: session.origin, name: name, targets: targets,
                number: number,
                firstSeen: now, lastSeen: now))
        return true
    }

    private mutating func learn(_ media: SessionDescription.Media, _ group: IPAddress) {
        for attribute in media.attributes where attribute.name == "rtpmap" {
            let words = (attribute.value ?? "").split(separator: " ")
            let parts = (words.last ?? "").split(separator: "/")
            guard words.count == 2, let type = UInt8(words[0]), type < 128, parts.count >= 2,
                let rate = UInt32(parts[1]), rate > 0, formats.count < Self.formatLimit
            else { continue }
            let key = FormatKey(group: group, port: media.port, payloadType: type)
            formats[key] = Format(name: parts[0].lowercased(), clockRate: Double(rate))
        }
    }

    func format(_ group: IPAddress, _ port: UInt16, payloadType: UInt8) -> Format? {
        formats[FormatKey(group: group, port: port, payloadType: payloadType)]
    }
}

/// A session that somebody announces.
package struct Announcement: Equatable, Sendable {
    /// Where one of its media goes.
    package struct Target: Hashable, Sendable {
        package var group: IPAddress
        package var port: UInt16
        package var kind: String
    }

    package let origin: SessionDescription.Origin
    package let name: String
    package let targets: [Target]
    /// The packet that first announced it.
    package let number: UInt64
    package let firstSeen: Instant
    package fileprivate(set) var lastSeen: Instant
}

extension SessionDescription.Origin {
    /// Whether it is another version of the same session (RFC 8866, section 5.2).
    fileprivate func isOlderOrNewer(_ other: Self) -> Bool {
        user == other.user && sessionID == other.sessionID && host == other.host
            && version != other.version
    }
}
