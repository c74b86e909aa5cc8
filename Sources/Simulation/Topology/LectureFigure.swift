import NetBasics

/// The small network of a lecture's figure: eight routers, ten hosts on five LANs.
///
///     h0 h1                 h7       h2 h3 h4
///       r0 ──── r1 ──── r2 ──── r4 ──── r6
///                 \     │       │
///                   \── r3 ──── r5 ──── r7
///                             h8 h9    h5 h6
enum LectureFigure {
    static let topology = Topology(
        routerCount: 8,
        links: [
            (0, 1, 5), (1, 2, 10), (1, 3, 12), (2, 3, 8), (2, 4, 6), (3, 5, 6), (4, 5, 12),
            (4, 6, 4), (5, 7, 4),
        ].map { a, b, ms in Topology.Link(a: a, b: b, delay: .milliseconds(ms)) },
        hosts: [0, 0, 6, 6, 6, 7, 7, 4, 5, 5].enumerated().map { index, router in
            Topology.Host(name: "h\(index)", router: router, access: .microseconds(500))
        })
}
