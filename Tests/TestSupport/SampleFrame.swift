import NetBasics
import PacketFormats

/// A frame as it is captured, with its link type.
package struct SampleFrame: Sendable, CustomStringConvertible {
    package var name: String
    package var linkType: LinkType
    package var bytes: [UInt8]
    /// More than there are bytes in a frame that was cut.
    package var wireByteCount: Int

    package var description: String { name }

    package init(
        _ name: String, _ linkType: LinkType, _ bytes: [UInt8],
        wireByteCount: Int? = nil
    ) {
        self.name = name
        self.linkType = linkType
        self.bytes = bytes
        self.wireByteCount = wireByteCount ?? bytes.count
    }

    /// A frame of Ethernet.
    package init(_ name: String, _ bytes: [UInt8]) { self.init(name, .ethernet, bytes) }

    /// As the parser of captures describes it.
    package func packet(at time: Instant = .zero) -> CapturedPacket {
        CapturedPacket(time: time, wireByteCount: wireByteCount, range: 0..<bytes.count)
    }

    /// A pcapng file of the frames, an interface for each link type, a millisecond between two.
    package static func file(_ frames: [SampleFrame]) -> [UInt8] {
        var writer = PcapngWriter()
        writer.beginSection(application: "polycast tests")
        let types = LinkType.allCases
        for type in types {
            writer.add(CaptureInterface(linkType: type.rawValue, name: type.name))
        }
        for (index, frame) in frames.enumerated() {
            frame.bytes.withUnsafeBytes { bytes in
                writer.add(
                    bytes, interface: types.firstIndex(of: frame.linkType) ?? 0,
                    at: time(index), wireByteCount: frame.wireByteCount,
                    comment: index == 0 ? "the first" : nil)
            }
        }
        return writer.bytes
    }

    /// When the frame of that number was captured.
    package static func time(_ index: Int) -> Instant {
        Instant(nanoseconds: 1_700_000_000_000_000_000 + 1_000_123 * Int64(index))
    }
}

/// Headers of links, with correct fields.
package enum Frames {
    package static let source: UInt64 = 0x0200_0000_0001
    package static let destination: UInt64 = 0x0100_5E01_0203

    /// Ethernet with tags, each of an EtherType and a word.
    package static func ethernet(
        _ type: UInt16, _ payload: [UInt8], tags: [(type: UInt16, word: UInt16)] = []
    ) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(UInt16(destination >> 32))
        writer.write(UInt32(destination & 0xFFFF_FFFF))
        writer.write(UInt16(source >> 32))
        writer.write(UInt32(source & 0xFFFF_FFFF))
        for tag in tags {
            writer.write(tag.type)
            writer.write(tag.word)
        }
        writer.write(type)
        writer.write(payload)
        return writer.bytes
    }

    /// Linux cooked capture of Ethernet.
    package static func cooked(
        _ type: UInt16, _ payload: [UInt8], kind: UInt16 = 2, addressBytes: UInt16 = 6
    ) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(kind)
        writer.write(1 as UInt16)
        writer.write(addressBytes)
        writer.write(source << 16)
        writer.write(type)
        writer.write(payload)
        return writer.bytes
    }

    /// The second version.
    package static func cooked2(_ type: UInt16, _ payload: [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(type)
        writer.write(0 as UInt16)
        writer.write(7 as UInt32)
        writer.write(1 as UInt16)
        writer.write(4 as UInt8)
        writer.write(6 as UInt8)
        writer.write(source << 16)
        writer.write(payload)
        return writer.bytes
    }

    /// BSD loopback, in either order.
    package static func loopback(
        _ family: UInt32, _ payload: [UInt8], isBigEndian: Bool
    ) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(isBigEndian ? family : family.byteSwapped)
        writer.write(payload)
        return writer.bytes
    }

    /// A data frame from an access point, with quality of service.
    package static func wireless(_ type: UInt16, _ payload: [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        writer.write([0x88, 0x02, 0, 0])
        writer.write([1, 0, 0x5E, 1, 2, 3])
        writer.write([2, 0, 0, 0, 0, 0xAA])
        writer.write([2, 0, 0, 0, 0, 1])
        writer.write([0x10, 0, 0, 0])
        writer.write([0xAA, 0xAA, 3, 0, 0, 0])
        writer.write(type)
        writer.write(payload)
        return writer.bytes
    }

    /// A radiotap header with a time, flags and a rate, in units of 500 kbit/s.
    package static func radiotap(rate: UInt8, _ frame: [UInt8]) -> [UInt8] {
        [0, 0, 18, 0, 7, 0, 0, 0] + [UInt8](repeating: 1, count: 8) + [0, rate] + frame
    }
}

/// Packets of IP and datagrams of UDP, with correct lengths and checksums.
package enum Packets {
    package static let source4 = IPv4Address(rawValue: 0xC000_0201)
    package static let host4 = IPv4Address(rawValue: 0xC000_0209)
    package static let group4 = IPv4Address(rawValue: 0xEF01_0203)
    package static let source6 = IPv6Address(high: 0x2001_0DB8_0000_0000, low: 1)
    package static let group6 = IPv6Address(high: 0xFF0E << 48, low: 0x1_0003)

    /// A packet with whole words of `options`, and with flags and offset in `fragment`.
    package static func ipv4(
        _ transport: UInt8, _ payload: [UInt8], to destination: IPv4Address = group4,
        options: [UInt8] = [], fragment: UInt16 = 0, id: UInt16 = 7, trafficClass: UInt8 = 0xB8
    ) -> [UInt8] {
        func header(checksum: UInt16) -> [UInt8] {
            var writer = ByteWriter()
            writer.write(UInt8(0x40 | (20 + options.count) / 4))
            writer.write(trafficClass)
            writer.write(UInt16(20 + options.count + payload.count))
            writer.write(id)
            writer.write(fragment)
            writer.write(16 as UInt8)
            writer.write(transport)
            writer.write(checksum)
            writer.write(source4.rawValue)
            writer.write(destination.rawValue)
            writer.write(options)
            return writer.bytes
        }
        var sum = InternetChecksum()
        sum.add(header(checksum: 0).span.bytes)
        return header(checksum: sum.complement) + payload
    }

    /// A packet with `extensions`: the number of each, and its bytes behind the next one's number.
    package static func ipv6(
        _ transport: UInt8, _ payload: [UInt8], from source: IPv6Address = source6,
        to destination: IPv6Address = group6, extensions: [(number: UInt8, bytes: [UInt8])] = []
    ) -> [UInt8] {
        var numbers = extensions.map(\.number) + [transport]
        let length = extensions.reduce(payload.count) { $0 + 1 + $1.bytes.count }
        var writer = ByteWriter()
        writer.write(0x6B81_2345 as UInt32)
        writer.write(UInt16(length))
        writer.write(numbers.removeFirst())
        writer.write(32 as UInt8)
        for address in [source, destination] {
            writer.write(address.high)
            writer.write(address.low)
        }
        for header in extensions {
            writer.write(numbers.removeFirst())
            writer.write(header.bytes)
        }
        writer.write(payload)
        return writer.bytes
    }

    /// A datagram between two addresses, whose checksum is changed by `error`.
    package static func udp(
        _ payload: [UInt8], from source: IPAddress, to destination: IPAddress,
        sourcePort: UInt16 = 5004, port: UInt16 = 5004, error: UInt16 = 0
    ) -> [UInt8] {
        func bytes(checksum: UInt16) -> [UInt8] {
            var writer = ByteWriter()
            writer.write(sourcePort)
            writer.write(port)
            writer.write(UInt16(8 + payload.count))
            writer.write(checksum)
            writer.write(payload)
            return writer.bytes
        }
        var sum = InternetChecksum()
        sum.add(from: source, to: destination, nextHeader: 17, byteCount: 8 + payload.count)
        sum.add(bytes(checksum: 0).span.bytes)
        return bytes(checksum: sum.complement ^ error)
    }

    /// The same without a checksum.
    package static func uncheckedUDP(_ payload: [UInt8], port: UInt16) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(port)
        writer.write(port)
        writer.write(UInt16(8 + payload.count))
        writer.write(0 as UInt16)
        writer.write(payload)
        return writer.bytes
    }

    /// A datagram to the IPv4 group.
    package static func datagram4(
        _ payload: [UInt8], port: UInt16 = 5004, options: [UInt8] = []
    ) -> [UInt8] {
        ipv4(17, udp(payload, from: .v4(source4), to: .v4(group4), port: port), options: options)
    }

    /// A datagram to the IPv6 group.
    package static func datagram6(
        _ payload: [UInt8], port: UInt16 = 5004,
        extensions: [(number: UInt8, bytes: [UInt8])] = []
    ) -> [UInt8] {
        ipv6(
            17, udp(payload, from: .v6(source6), to: .v6(group6), port: port),
            extensions: extensions)
    }
}
