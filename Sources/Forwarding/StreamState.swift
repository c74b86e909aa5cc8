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

        /// Adds `count` packets, each of so many bytes and with so many copies.
        mutating func add(_ count: Int, bodyBytes: Int, copies number: Int) {
            packets &+= UInt64(count)
            bytes &+= UInt64(count &* bodyBytes)
            copies &+= UInt64(count &* number)
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

        /// Records packets from `sequence` on if they are the next ones and nothing is missing.
        ///
        /// Else it does nothing. See ``SequenceWindow/insertNext(_:count:)``.
        @inline(__always)
        mutating func takeNext(
            _ sequence: UInt32, count number: Int, bodyBytes: Int, copies: Int
        ) -> Bool {
            guard hasBegun, sequence == edge &+ 1, missing.isEmpty,
                window.insertNext(sequence, count: number)
            else { return false }
            edge = sequence &+ UInt32(number &- 1)
            count.add(number, bodyBytes: bodyBytes, copies: copies)
            return true
        }
    }
}
