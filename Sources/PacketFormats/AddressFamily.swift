import NetBasics

/// Which of the two kinds of addresses a message carries.
package enum AddressFamily: Equatable, Sendable {
    case v4, v6

    /// An address on the wire; bytes.
    package var byteCount: Int {
        switch self {
        case .v4: 4
        case .v6: 16
        }
    }
}

extension ByteReader {
    /// Reads one address in network order.
    mutating func readAddress(
        _ family: AddressFamily, from bytes: RawSpan
    ) throws(DecodeError) -> IPAddress {
        switch family {
        case .v4: return .v4(IPv4Address(rawValue: try readUInt32(from: bytes)))
        case .v6:
            let high = try readUInt64(from: bytes)
            return IPAddress(IPv6Address(high: high, low: try readUInt64(from: bytes)))
        }
    }

    /// Reads a list of addresses; refuses a count that the bytes cannot hold before it reads any.
    mutating func readAddresses(
        _ count: Int, _ family: AddressFamily, from bytes: RawSpan
    ) throws(DecodeError) -> [IPAddress] {
        try require(count * family.byteCount, in: bytes)
        var addresses: [IPAddress] = []
        addresses.reserveCapacity(count)
        for _ in 0..<count { addresses.append(try readAddress(family, from: bytes)) }
        return addresses
    }

    /// Refuses when fewer than `count` bytes are left.
    func require(_ count: Int, in bytes: RawSpan) throws(DecodeError) {
        guard count <= remaining(in: bytes) else {
            throw .truncated(needed: offset + count, available: bytes.byteCount)
        }
    }

    /// Copies what is left out.
    mutating func readRest(of bytes: RawSpan) throws(DecodeError) -> [UInt8] {
        try readBytes(remaining(in: bytes), from: bytes)
    }
}
