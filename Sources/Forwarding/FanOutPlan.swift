import Wire

/// How far a stream has come.
package struct StreamProgress: Equatable, Sendable {
    package var stream: StreamID
    /// The highest sequence number seen, or sent by the source.
    package var highest: UInt32

    package init(stream: StreamID, highest: UInt32) {
        self.stream = stream
        self.highest = highest
    }
}

/// How a packet that passed goes on.
package struct Passage: Equatable, Sendable {
    /// Who gets a copy, as places in ``Forwarder/children``.
    package var children: Range<Int>
    /// Our token of the link that it came on, if its source is flooded: not back there.
    package var exception: LinkToken?
    /// See ``MediaHeader/lacks``.
    package var lacks: UInt8
    /// The place of its stream while the table is the same.
    package var slot: Int

    package init(children: Range<Int>, exception: LinkToken? = nil, lacks: UInt8, slot: Int) {
        self.children = children
        self.exception = exception
        self.lacks = lacks
        self.slot = slot
    }
}

/// What is to be done with the packets of one batch; its storage is reused.
package struct FanOutPlan: Sendable {
    /// One packet to one child; `child` indexes ``Forwarder/children``.
    package struct Copy: Equatable, Sendable {
        package var packet: Int
        package var child: Int
        /// See ``MediaHeader/lacks``.
        package var lacks: UInt8 = 0
    }

    package var copies: [Copy] = []

    package init() {}

    package mutating func removeAll() { copies.removeAll(keepingCapacity: true) }
}
