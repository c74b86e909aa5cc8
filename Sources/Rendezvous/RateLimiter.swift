import NetBasics

/// A token bucket per IP address, in a table of bounded size.
///
/// A bucket is one number: the moment at which it will be full again (the "theoretical arrival
/// time" of the generic cell rate algorithm, ITU-T I.371). A full bucket is as good as none.
struct RateLimiter: Sendable {
    private let interval: Int64
    /// How far ahead of now the moment may lie for one more token to be left; nanoseconds.
    private let tolerance: Int64
    private let generationLimit: Int

    /// Two generations: what was not touched while the younger one filled is forgotten.
    private var younger: [IPAddress: Instant] = [:]
    private var older: [IPAddress: Instant] = [:]

    /// `perSecond` and `burst` from 1 to 1 000 000; `tableLimit` addresses, 2 and up.
    init(perSecond: Int, burst: Int, tableLimit: Int) {
        let range = 1...1_000_000
        precondition(range.contains(perSecond), "rate of \(perSecond) per second")
        precondition(range.contains(burst), "burst of \(burst)")
        precondition(tableLimit >= 2, "rate table of \(tableLimit)")
        interval = 1_000_000_000 / Int64(perSecond)
        tolerance = interval * Int64(burst - 1)
        generationLimit = tableLimit / 2
    }

    /// Addresses remembered now.
    var count: Int { younger.count + older.keys.count { younger[$0] == nil } }

    /// Takes a token of the address if there is one.
    mutating func admits(_ address: IPAddress, at now: Instant) -> Bool {
        let full = max(younger[address] ?? older[address] ?? now, now)
        let isAdmitted = (full - now).nanoseconds <= tolerance
        remember(isAdmitted ? full + .nanoseconds(interval) : full, of: address)
        return isAdmitted
    }

    /// Takes more tokens of the address, be they there or not.
    mutating func charge(_ tokens: Int, to address: IPAddress, at now: Instant) {
        let full = max(younger[address] ?? older[address] ?? now, now)
        remember(full + .nanoseconds(interval &* Int64(tokens)), of: address)
    }

    private mutating func remember(_ full: Instant, of address: IPAddress) {
        if younger[address] == nil, younger.count >= generationLimit {
            older = younger
            younger = [:]
        }
        younger[address] = full
    }
}

/// One such bucket, for all senders together, that holds a second's worth.
struct TokenBucket: Sendable {
    private let interval: Int64
    private var full = Instant.zero

    /// `perSecond` from 1 to 1 000 000.
    init(perSecond: Int) {
        precondition((1...1_000_000).contains(perSecond), "\(perSecond) per second")
        interval = 1_000_000_000 / Int64(perSecond)
    }

    /// Takes a token, if that leaves so much of what it holds.
    mutating func admits(leaving share: Double, at now: Instant) -> Bool {
        let next = max(full, now) + .nanoseconds(interval)
        guard next - now <= .seconds(1) * (1 - share) else { return false }
        full = next
        return true
    }
}
