/// How long the server remembers members and how many of what.
///
/// None of the defaults is measured on a public server; together they bound the tables to some
/// tens of megabytes. Drivers check what people typed: out of range is a broken precondition.
package struct RendezvousConfiguration: Equatable, Sendable {
    /// How long a registration lasts without a refresh; 1 s to 1 h.
    ///
    /// Shorter costs requests (members refresh at a third), longer keeps the dead listed.
    package var lease: Duration = .seconds(30)

    /// Groups at most; 1 and up.
    package var groupLimit = 10_000
    /// Members of one group at most; 1 and up.
    package var groupMemberLimit = 10_000
    /// Members of all groups together at most; 1 and up.
    package var memberLimit = 100_000
    /// Members with one IP address over all groups at most; 1 and up.
    ///
    /// Too low refuses large sites behind one translated address.
    package var addressMemberLimit = 256

    /// Proven requests per second and IP address in the long run; 1 to 1 000 000.
    ///
    /// A full address of ``addressMemberLimit`` members needs 26 at the default lease.
    package var requestRate = 50
    /// Proven requests that an address may send at once after a pause; 1 to 1 000 000.
    package var requestBurst = 200
    /// Signatures verified per second for all addresses together; 1 to 1 000 000.
    ///
    /// One takes 50 µs: two fifths of a processor. Too low keeps a crowd waiting, too high lets
    /// forgers from many addresses take the time of members.
    package var verificationRate = 8000
    /// IP addresses whose rates are remembered at most; 2 and up.
    ///
    /// Beyond it those heard longest ago are forgotten, which only grants them a new burst.
    package var rateTableLimit = 65_536

    package init() {}
}
