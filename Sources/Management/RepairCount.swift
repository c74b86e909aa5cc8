/// What hop-by-hop repair did since the peer started; packets.
package struct RepairCount: Hashable, Sendable {
    /// Missing packets that were asked for, each counted once.
    package var requested: Int
    /// Packets that arrived because they were asked for.
    package var repaired: Int
    /// Missing packets that nobody sent in time.
    package var gaveUp: Int
    /// Packets sent again to neighbors that asked.
    package var answered: Int
    /// Packets not sent again to neighbors that asked too much.
    package var refused: Int
    /// Missing packets that a parent had left out on purpose, for want of rate.
    package var leftOut: Int
    /// Parity shards sent.
    package var parity: Int
    /// Packets computed from parity.
    package var restored: Int

    package init(
        requested: Int = 0, repaired: Int = 0, gaveUp: Int = 0, answered: Int = 0,
        refused: Int = 0, leftOut: Int = 0, parity: Int = 0, restored: Int = 0
    ) {
        self.requested = requested
        self.repaired = repaired
        self.gaveUp = gaveUp
        self.answered = answered
        self.refused = refused
        self.leftOut = leftOut
        self.parity = parity
        self.restored = restored
    }

    var json: JSONValue {
        [
            "requested": JSONValue(requested), "repaired": JSONValue(repaired),
            "gave_up": JSONValue(gaveUp), "answered": JSONValue(answered),
            "refused": JSONValue(refused), "left_out": JSONValue(leftOut),
            "parity": JSONValue(parity), "restored": JSONValue(restored),
        ]
    }

    init(json: JSONValue) throws(JSONError) {
        requested = try json.count("requested")
        repaired = try json.count("repaired")
        gaveUp = try json.count("gave_up")
        answered = try json.count("answered")
        refused = try json.count("refused")
        leftOut = try json.count("left_out")
        parity = try json.count("parity")
        restored = try json.count("restored")
    }

    /// The counts in words.
    var text: String {
        "requested \(Readable.count(requested)), repaired \(Readable.count(repaired)), "
            + "gave up \(Readable.count(gaveUp)), answered \(Readable.count(answered)), "
            + "refused \(Readable.count(refused)), left out \(Readable.count(leftOut))"
    }
}
