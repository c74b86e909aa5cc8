import Wire

/// Where the routes of the sources may be that have sent last: a guess, made sooner than a dictionary
/// answers.
///
/// A source has one place, which another may take from it.
struct RecentRoutes: Sendable {
    private var routes: [UInt16]
    private let shift: UInt64

    /// Of a table with so many routes, at most ``Forwarder/sourceLimit``.
    init(of count: Int = 0) {
        let bits = UInt64(max(4, 2 + Int.bitWidth - count.leadingZeroBitCount))
        routes = .init(repeating: 0, count: 1 << bits)
        shift = 64 - bits
    }

    @inline(__always)
    func route(of source: PeerID) -> Int { Int(routes[place(of: source)]) }

    mutating func note(_ source: PeerID, route: Int) {
        routes[place(of: source)] = UInt16(route)
    }

    /// The upper bits of a product (Knuth, The Art of Computer Programming, volume 3, 6.4).
    @inline(__always)
    private func place(of source: PeerID) -> Int {
        Int(truncatingIfNeeded: (source.rawValue &* 0x9E37_79B9_7F4A_7C15) &>> shift)
    }
}
