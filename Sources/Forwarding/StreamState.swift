import Wire

extension Forwarder {
    /// What passed on one stream; packets and bytes of body.
    package struct StreamCount: Equatable, Sendable {
        package var packets: UInt64 = 0
        package var bytes: UInt64 = 0
        /// Copies sent to children.
        package var copies: UInt64 = 0

        package init(packets: UInt64 = 0, bytes: UInt64 = 0, copies: UInt64 = 0) {
            self.packets = packets
            self.bytes = bytes
            self.copies = copies
        }

        mutating func add(_ bodyBytes: Int, copies number: Int) {
            packets &+= 1
            bytes &+= UInt64(bodyBytes)
            copies &+= UInt64(number)
        }
    }

    struct StreamState: Sendable {
        let stream: StreamID
        /// Its source's place in the table; -1 while that has no route.
        var route: Int32
        var window = SequenceWindow()
        var count = StreamCount()
        var nextSequence: UInt32 = 0
        /// The first number that the present parent sent, while a former one sends too.
        var firstOfParent: UInt32?
        /// In the list of what has advanced.
        var hasAdvanced = false
        /// Something of the stream has arrived, or is missing.
        var hasBegun = false
        /// The highest number that is known to have been sent.
        var edge: UInt32 = 0
        var missing = MissingPackets()
        /// While nobody sends the source: when to ask for what comes next; nanoseconds.
        var pullDue = Int64.max
        /// How often that was done.
        var pulls = 0
        var cache = PacketCache()
        var parity = ParityState()

        /// Records a packet if it is the next one and nothing is missing; returns ``Passage/lacks``.
        @inline(__always)
        mutating func takeNext(_ sequence: UInt32, bodyBytes: Int, copies: Int) -> UInt8? {
            guard hasBegun, sequence == edge &+ 1, missing.isEmpty,
                let lacks = window.insertNext(sequence)
            else { return nil }
            edge = sequence
            count.add(bodyBytes, copies: copies)
            return lacks
        }
    }
}
