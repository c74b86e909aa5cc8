/// What went over a link in one direction since its count began.
package struct LinkCount: Equatable, Sendable {
    package var packets: UInt64
    /// Of media datagrams, headers of UDP and IP not included.
    package var bytes: UInt64

    package init(packets: UInt64 = 0, bytes: UInt64 = 0) {
        self.packets = packets
        self.bytes = bytes
    }

    /// Bytes of UDP and IP headers that a packet takes besides.
    static let packetOverhead = 28

    static func - (left: Self, right: Self) -> Self {
        LinkCount(packets: left.packets &- right.packets, bytes: left.bytes &- right.bytes)
    }

    /// Bytes as a link carries them.
    var wireBytes: Double { Double(bytes) + Double(packets) * Double(Self.packetOverhead) }
}
