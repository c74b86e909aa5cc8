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
        let place = reserve(body.count)
        if body.count > 0 { place.bytes.copyMemory(from: body) }
        return place.slot
    }

    /// Room for a body of `count` bytes, to be written now, over the oldest ones.
    mutating func reserve(_ count: Int) -> (slot: Int, bytes: UnsafeMutableRawBufferPointer) {
        let ring = bytes ?? .allocate(byteCount: Self.byteCount, alignment: 64)
        bytes = ring
        let room = Self.byteCount - end % Self.byteCount
        if count > room { end += room }
        let slot = end
        end += count
        let start = slot % Self.byteCount
        return (slot, UnsafeMutableRawBufferPointer(rebasing: ring[start..<start + count]))
    }

    /// What was stored in slots before this has been overwritten.
    var oldest: Int { max(0, end - Self.byteCount) }

    /// The body at `slot`, valid until the next that is stored; `nil` if it was overwritten.
    func body(at slot: Int, byteCount: Int) -> UnsafeRawBufferPointer? {
        guard let bytes, slot >= oldest, slot + byteCount <= end else {
            return nil
        }
        let start = slot % Self.byteCount
        guard start + byteCount <= Self.byteCount else { return nil }
        return UnsafeRawBufferPointer(rebasing: bytes[start..<start + byteCount])
    }
}
