/// Capture files, byte by byte.
enum CaptureFiles {
    static let all: [[UInt8]] = [
        pcap(isSwapped: false, isPrecise: false), pcap(isSwapped: true, isPrecise: true),
        pcapng(isSwapped: false), pcapng(isSwapped: true),
    ]

    static func word(_ value: UInt32, _ isSwapped: Bool = false) -> [UInt8] {
        let bytes = (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
        return isSwapped ? bytes.reversed() : bytes
    }

    static func half(_ value: UInt16, _ isSwapped: Bool = false) -> [UInt8] {
        let bytes = [UInt8(truncatingIfNeeded: value), UInt8(value >> 8)]
        return isSwapped ? bytes.reversed() : bytes
    }

    /// Two packets of Ethernet: one of 60 bytes, one of 1500 of which 64 were captured.
    static func pcap(isSwapped: Bool, isPrecise: Bool) -> [UInt8] {
        func word(_ value: UInt32) -> [UInt8] { self.word(value, isSwapped) }
        let magic: UInt32 = isPrecise ? 0xA1B2_3C4D : 0xA1B2_C3D4
        var file = word(magic) + half(2, isSwapped) + half(4, isSwapped)
        file += word(0) + word(0) + word(64) + word(1)
        for (captured, wire) in [(60, 60), (64, 1500)] as [(UInt32, UInt32)] {
            file += word(1_700_000_000) + word(123_456) + word(captured) + word(wire)
            file += [UInt8](repeating: 0xAB, count: Int(captured))
        }
        return file
    }

    static func block(_ type: UInt32, _ body: [UInt8], _ isSwapped: Bool = false) -> [UInt8] {
        let padding = [UInt8](repeating: 0, count: (4 - body.count % 4) % 4)
        let length = word(UInt32(12 + body.count + padding.count), isSwapped)
        return word(type, isSwapped) + length + body + padding + length
    }

    static func section(_ isSwapped: Bool) -> [UInt8] {
        block(
            0x0A0D_0D0A,
            word(0x1A2B_3C4D, isSwapped) + half(1, isSwapped) + half(0, isSwapped)
                + [UInt8](repeating: 0xFF, count: 8), isSwapped)
    }

    static func option(_ code: UInt16, _ value: [UInt8], _ isSwapped: Bool) -> [UInt8] {
        half(code, isSwapped) + half(UInt16(value.count), isSwapped) + value
            + [UInt8](repeating: 0, count: (4 - value.count % 4) % 4)
    }

    /// Two sections: interfaces with stamps in nanoseconds, in 1/2^10 s with an offset, and in
    /// milliseconds; every kind of packet block, statistics, and a block that nobody knows.
    static func pcapng(isSwapped: Bool) -> [UInt8] {
        func word(_ value: UInt32) -> [UInt8] { self.word(value, isSwapped) }
        func half(_ value: UInt16) -> [UInt8] { self.half(value, isSwapped) }
        func block(_ type: UInt32, _ body: [UInt8]) -> [UInt8] { self.block(type, body, isSwapped) }
        func option(_ code: UInt16, _ value: [UInt8]) -> [UInt8] {
            self.option(code, value, isSwapped)
        }
        func long(_ value: UInt64) -> [UInt8] {
            let parts = [word(UInt32(value >> 32)), word(UInt32(truncatingIfNeeded: value))]
            return (isSwapped ? parts : parts.reversed()).flatMap(\.self)
        }
        func stamp(_ value: UInt64) -> [UInt8] {
            word(UInt32(value >> 32)) + word(UInt32(truncatingIfNeeded: value))
        }
        let data = [UInt8](1...21)
        let padded = data + [0, 0, 0]
        var file = section(isSwapped)
        file += block(
            1,
            half(1) + half(0) + word(0) + option(2, Array("eth0".utf8)) + option(9, [9])
                + half(0) + half(0))
        // Powers of two, and one second to be added.
        file += block(
            1,
            half(113) + half(0) + word(0) + option(2, Array("sl0".utf8)) + option(9, [0x8A])
                + option(14, long(1)))
        file += block(
            6, word(0) + stamp(1_700_000_000_000_001_000) + word(21) + word(21) + padded)
        file += block(0x0BAD, [1, 2, 3, 4])
        file += block(
            6,
            word(1) + stamp(512) + word(21) + word(100) + padded
                + option(1, Array("look here".utf8)) + half(0) + half(0))
        file += block(3, word(21) + padded)
        // The old packet block has a count of drops behind its interface.
        file += block(2, half(0) + half(3) + stamp(42_000) + word(21) + word(21) + padded)
        file += block(6, word(9) + stamp(1) + word(21) + word(21) + padded)
        file += block(5, word(0) + stamp(5) + option(4, long(1000)) + option(7, long(7)))
        file += section(isSwapped)
        file += block(1, half(101) + half(0) + word(0) + option(9, [3]))
        file += block(6, word(0) + stamp(250_000) + word(21) + word(21) + padded)
        return file
    }
}
