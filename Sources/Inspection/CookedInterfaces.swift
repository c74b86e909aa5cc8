import PacketFormats

/// Interfaces of a capture on `any`, where a packet is seen at each that it passes.
///
/// Seen at several it is no duplicate, so each has a number of its own, above those of the capture's.
package struct CookedInterfaces: Equatable, Sendable {
    /// Their first number; a file describes fewer.
    package static let firstNumber = 0x8000
    /// More are taken for one.
    static let limit = 256
    /// Where the second form of Linux' cooked header has the host's number of the interface.
    private static let indexOffset = 4

    package struct Interface: Equatable, Sendable {
        /// The capture's number.
        package let interface: Int
        /// The number that the captured host gives it.
        package let index: UInt32
    }

    package private(set) var all: [Interface] = []

    /// The number of the interface that a packet was seen at.
    mutating func number(_ bytes: RawSpan, interface: Int) -> Int {
        guard bytes.byteCount >= Self.indexOffset + 4 else { return interface }
        let index = UInt32(
            bigEndian: bytes.unsafeLoadUnaligned(
                fromByteOffset: Self.indexOffset, as: UInt32.self))
        let seen = Interface(interface: interface, index: index)
        if let known = all.firstIndex(of: seen) { return Self.firstNumber + known }
        guard all.count < Self.limit else { return interface }
        all.append(seen)
        return Self.firstNumber + all.count - 1
    }
}
