import NetBasics

extension UDPHeader {
    /// Whether the checksum fits, in Wireshark's numbers.
    package enum ChecksumStatus: UInt8, Sendable {
        case bad = 0
        case good = 1
        /// Not all that it covers was captured.
        case unverified = 2
        /// The sender did not compute one, which IPv4 allows.
        case absent = 3
        /// The sender did not compute one on IPv6 (RFC 8200, section 8.1).
        case illegal = 4

        package var meaning: String {
            switch self {
            case .bad: "bad"
            case .good: "good"
            case .unverified: "not captured whole"
            case .absent: "not computed"
            case .illegal: "not computed, though IPv6 demands it"
            }
        }
    }

    /// Compares the checksum with the bytes of the datagram, as far as they were captured.
    package func checksumStatus(
        in bytes: RawSpan, from source: IPAddress, to destination: IPAddress
    ) -> ChecksumStatus {
        guard checksum != 0 else {
            if case .v6 = destination { return .illegal }
            return .absent
        }
        guard length <= bytes.byteCount else { return .unverified }
        var sum = InternetChecksum()
        sum.add(
            from: source, to: destination, nextHeader: IPPacket.Transport.udp, byteCount: length)
        sum.add(bytes.extracting(0..<length))
        return sum.isValid ? .good : .bad
    }

    /// For people, and under Wireshark's names; `bytes` are the datagram's, from its header on.
    package func field(
        in bytes: RawSpan, from source: IPAddress, to destination: IPAddress
    ) -> PacketField {
        let status = checksumStatus(in: bytes, from: source, to: destination)
        return .heading(
            "udp", "User Datagram Protocol", meaning: "\(sourcePort) to \(destinationPort)",
            [
                PacketField("udp.srcport", "Source port", .integer(sourcePort)),
                PacketField("udp.dstport", "Destination port", .integer(destinationPort)),
                PacketField("udp.length", "Length", .integer(length), meaning: "bytes"),
                PacketField("udp.checksum", "Checksum", .word(checksum), meaning: status.meaning),
                PacketField(
                    "udp.checksum.status", "Checksum status", .integer(status.rawValue),
                    meaning: status.meaning),
            ])
    }
}
