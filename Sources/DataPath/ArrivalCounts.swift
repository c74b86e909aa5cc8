import Forwarding
import NetBasics
import Wire

/// What arrives on the links whose parents ask for it; nothing is counted on others.
struct ArrivalCounts {
    private struct Entry {
        var token: LinkToken
        var count = LinkCount()
        var askedAt: Instant
    }

    /// Parents that ask at once at most.
    private static let limit = 16
    private static let memory = Duration.seconds(10)
    private var entries: [Entry] = []

    /// `bytes`: of all of them.
    @inline(__always)
    mutating func note(_ token: LinkToken, packets: Int = 1, bytes: Int) {
        guard !entries.isEmpty else { return }
        for index in entries.indices where entries[index].token == token {
            entries[index].count.packets &+= UInt64(packets)
            entries[index].count.bytes &+= UInt64(bytes)
        }
    }

    /// What arrived on a link since the first call for it, unless the calls paused.
    mutating func count(on token: LinkToken, at now: Instant) -> LinkCount {
        entries.removeAll { now - $0.askedAt > Self.memory }
        if let known = entries.firstIndex(where: { $0.token == token }) {
            entries[known].askedAt = now
            return entries[known].count
        }
        if entries.count == Self.limit { entries.removeFirst() }
        entries.append(Entry(token: token, askedAt: now))
        return LinkCount()
    }
}
