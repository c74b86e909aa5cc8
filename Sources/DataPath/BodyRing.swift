/// The bodies of the last packets that passed, so that they can be sent again.
///
/// A ring of bytes, allocated with the first packet. A slot is a body's place in all that was ever
/// stored, so that what was overwritten is known by its slot.
struct BodyRing: ~Copyable {
    static let byteCount = 4 << 20

    private var bytes: UnsafeMutableRawBufferPointer?
    /// Bytes ever used, those left free at the end of a turn included.
    private var end = 0

    deinit { bytes?.deallocate() }

    /// Copies `body` in, over the oldest ones; returns its slot.
    mutating func store(_ body: UnsafeRawBufferPointer) -> Int {
        let ring = bytes ?? .allocate(byteCount: Self.byteCount, alignment: 64)
        bytes = ring
        let room = Self.byteCount - end % Self.byteCount
        if body.count > room { end += room }
        let slot = end
        if body.count > 0 {
            UnsafeMutableRawBufferPointer(rebasing: ring[(slot % Self.byteCount)...])
                .copyMemory(from: body)
        }
        end += body.count
        return slot
    }

    /// The body at `slot`, valid until the next ``store(_:)``; `nil` if it was overwritten.
    func body(at slot: Int, byteCount: Int) -> UnsafeRawBufferPointer? {
        guard let bytes, slot >= 0, slot >= end - Self.byteCount, slot + byteCount <= end else {
            return nil
        }
        let start = slot % Self.byteCount
        guard start + byteCount <= Self.byteCount else { return nil }
        return UnsafeRawBufferPointer(rebasing: bytes[start..<start + byteCount])
    }
}
