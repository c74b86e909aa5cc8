import NetBasics

/// When a member asks the rendezvous again.
///
/// All waits are drawn ±20 % around what is said here, so that members that lost their server
/// together do not return together.
package struct RendezvousTiming: Equatable, Sendable {
    /// First wait for an answer; doubles up to `retryLimit`.
    package var firstRetry: Duration = .milliseconds(250)
    /// Longest wait for an answer.
    ///
    /// At 4 s a server that restarts hears every member at least six times within one default
    /// lease, so that all are listed again even if one datagram in ten is lost; at 15 s it would
    /// be once. A silent server costs each member 157 bytes per 4 s.
    package var retryLimit: Duration = .seconds(4)
    /// Wait of a source between its registration and its first refresh.
    ///
    /// Sources that begin together count each other by then.
    package var sourceRefresh: Duration = .milliseconds(200)
    /// First wait after a refusal; doubles up to `refusalRetryLimit`.
    package var firstRefusalRetry: Duration = .seconds(1)
    package var refusalRetryLimit: Duration = .seconds(15)
    /// Unanswered requests after which the server is reported as unreachable; 1 and up.
    ///
    /// Four take 3.75 s; on a path that loses a tenth, one refresh in a thousand is as unlucky.
    package var unreachableAttempts = 4
    /// Requests to leave at most; a lease runs out anyway.
    package var leaveAttempts = 3

    package init() {}

    /// `first` doubled `doublings` times, at most `limit`, with jitter.
    static func wait(
        _ first: Duration, doublings: Int, limit: Duration, using generator: inout SeededGenerator
    ) -> Duration {
        let factor = 1 << min(max(doublings, 0), 16)
        return generator.jittered(min(first * factor, limit), by: jitter)
    }

    /// How long a registration is left alone: a third of the lease, within 250 ms and 20 min whatever the server says, with jitter.
    static func refreshWait(
        lease: Duration, using generator: inout SeededGenerator
    ) -> Duration {
        let third = min(max(lease / 3, .milliseconds(250)), .seconds(1200))
        return generator.jittered(third, by: jitter)
    }

    private static let jitter = 0.2
}
