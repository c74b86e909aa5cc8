import NetBasics

/// How losses are noticed and repaired, and how much is done for neighbors that ask.
///
/// Where no measurement is named, a default is a choice.
package struct RepairConfiguration: Sendable {
    /// How long a gap may be mere reordering.
    package var reorderTolerance: Duration = .milliseconds(10)
    /// The same while the source has a former parent that may still fill the gap.
    package var changeTolerance: Duration = .milliseconds(60)
    /// Wait before a packet is asked for again, on routes whose round trip is unknown.
    package var defaultRetry: Duration = .milliseconds(100)
    /// How often a packet is asked for at most; zero turns asking off.
    package var tryLimit = 10
    /// How long after the gap was noticed a packet is still worth having.
    package var delayBudget: Duration = .milliseconds(500)
    /// Packets of one stream that are missed at once at most; up to ``SequenceWindow/size``.
    package var missingLimit = 1024

    /// Packets of one stream that are remembered at most; a power of two.
    package var cacheLimit = 1024
    /// How long they are remembered.
    package var cacheAge: Duration = .seconds(2)
    /// How often one neighbor gets one packet within ``answerHorizon`` (or twice that) at most.
    package var answerLimit = 6
    package var answerHorizon: Duration = .seconds(1)
    /// Packets that one neighbor may ask for within ``answerHorizon``; what is beyond is not looked at.
    ///
    /// Sixteen times as many as one stream can lack at once.
    package var askLimit = 16 * 1024
    /// What a neighbor may get beyond as many bytes as passed here since; bytes.
    package var answerBurst = 512 * 1024
    /// Neighbors whose requests are accounted for at once; the one that asked longest ago goes.
    package var askerLimit = 64

    /// Parity shards that are asked for with 16 packets at most; zero: none, nor are any given.
    package var parityRows = 0

    package init() {}
}

/// What repair did since the start; packets.
package struct RepairCounts: Equatable, Sendable {
    /// Missing packets that were asked for, each counted once.
    package var requested: UInt64 = 0
    /// Packets that arrived because they were asked for.
    package var repaired: UInt64 = 0
    /// Missing packets that nobody sent in time.
    package var gaveUp: UInt64 = 0
    /// Packets sent to neighbors that asked.
    package var answered: UInt64 = 0
    /// Packets not sent to neighbors that asked too much, or for which the uplink had no room.
    package var refused: UInt64 = 0
    /// Missing packets that a parent said it had left out on purpose.
    package var leftOut: UInt64 = 0
    /// Parity shards sent, and packets computed from those that came.
    package var parity: UInt64 = 0
    package var restored: UInt64 = 0

    package init() {}
}
