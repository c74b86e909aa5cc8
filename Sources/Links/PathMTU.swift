import NetBasics

/// Finds the longest datagram that reaches a peer whole, by probes alone (RFC 8899).
///
/// Sizes are UDP payloads. Nothing is looked for before something longer than ``base`` is to be sent;
/// then the sizes of common paths are tried from below, and what is in use is tried again now and then.
struct PathMTU {
    /// Fits every path that carries IPv6 (RFC 8200, section 5: 1280), with 32 bytes to spare.
    static let base = 1200
    /// Of tunnels, of Ethernet over IPv6 and over IPv4, of jumbo frames, and of loopback.
    private static let sizes = [
        1232, 1332, 1372, 1392, 1412, 1432, 1452, 1472, 8932, 16_000, 65_000,
    ]
    private static let tries = 3
    private static let tryInterval: Duration = .milliseconds(400)
    /// Between two looks whether the size still fits; while it is needed.
    private static let checkInterval: Duration = .seconds(30)
    /// After which a greater size is tried again (RFC 8899, section 5.1.1: PMTU_RAISE_TIMER).
    private static let raiseInterval: Duration = .seconds(600)

    private(set) var confirmed = base
    private(set) var due = Instant.distantFuture
    private var probe: (size: Int, nonce: UInt64, tries: Int)?
    private var wantedUntil = Instant.zero
    private var raiseDue = Instant.zero

    /// Something longer than ``confirmed`` was, or longer than ``base`` is, to be sent.
    mutating func want(at now: Instant) {
        wantedUntil = now + Self.checkInterval
        if due == .distantFuture { due = now }
    }

    /// The next probe, if one is due: its size and what it says.
    mutating func takeProbe(
        at now: Instant, nonce: () -> UInt64
    ) -> (size: Int, nonce: UInt64)? {
        guard due <= now else { return nil }
        if let waiting = probe {
            if waiting.tries < Self.tries {
                probe?.tries += 1
                due = now + Self.tryInterval
                return (waiting.size, waiting.nonce)
            }
            give(up: waiting.size, at: now)
        }
        guard wantedUntil > now else {
            due = .distantFuture
            return nil
        }
        let next = raiseDue <= now ? Self.sizes.first { $0 > confirmed } : nil
        guard let size = next ?? (confirmed > Self.base ? confirmed : nil) else {
            due = raiseDue
            return nil
        }
        let fresh = (size: size, nonce: nonce(), tries: 1)
        probe = fresh
        due = now + Self.tryInterval
        return (fresh.size, fresh.nonce)
    }

    /// A probe has arrived.
    mutating func note(probed nonce: UInt64, at now: Instant) {
        guard let waiting = probe, waiting.nonce == nonce else { return }
        probe = nil
        let isRaise = waiting.size > confirmed
        confirmed = max(confirmed, waiting.size)
        due = isRaise ? now : now + Self.checkInterval
    }

    /// The path has changed: nothing is known of it.
    mutating func reset(at now: Instant) {
        self = PathMTU()
        want(at: now)
    }

    /// A probe went unanswered: that size is too long, or, if it fitted before, nothing is known.
    private mutating func give(up size: Int, at now: Instant) {
        probe = nil
        if size <= confirmed {
            confirmed = Self.base
            raiseDue = now
        } else {
            raiseDue = now + Self.raiseInterval
        }
        due = now
    }
}
