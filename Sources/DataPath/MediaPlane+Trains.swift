import Forwarding
import NetBasics
import Sockets
import Wire

// Packets that lie behind each other and are alike: what is the same for all of them is done once.

extension MediaPlane {
    /// Forwards and delivers the media datagram at `index` of those that have just been received, and
    /// with it those behind it that came on the same link and are what was to come; returns how many.
    ///
    /// All of a batch are to be gone through in order, from its first. Else as
    /// ``receive(_:at:wallNanoseconds:on:)``, with one link for all.
    package mutating func receive(
        _ batch: borrowing PacketBatch, from index: Int, at now: Instant,
        wallNanoseconds: UInt64, on socket: borrowing UDPSocket
    ) -> (count: Int, link: LinkToken?) {
        tags.prepare(batch, from: index)
        passed.removeAll()
        while let train = tags.foreseen.train(), let passage = pass(train) {
            tags.foreseen.take(train)
            passed.append(train, passage)
        }
        guard passed.count > 0 else {
            tags.foreseen.refuseTrains()
            let datagram = batch.datagram(at: index)
            return (1, receive(datagram, at: now, wallNanoseconds: wallNanoseconds, on: socket))
        }
        let link = passed[0].train.header.token
        rates.arrivals.note(link, packets: passed.packetCount, bytes: passed.byteCount)
        if hasNeighbors, pace.keeps(passed.bodyBytes, at: now) { keepPassed(at: now) }
        forwardPassed(at: now, wallNanoseconds: wallNanoseconds, on: socket)
        return (passed.packetCount, link)
    }

    /// Judges all as one; `nil` if each is to be looked at, too.
    private mutating func pass(_ train: PacketTrain) -> Passage? {
        guard !rates.flows.isAnyLimited, !forwarder.givesParity, parity.isEmpty else { return nil }
        return forwarder.receiveTrain(
            train.header, count: train.count, bodyBytes: train.bodyBytes)
    }

    private mutating func keepPassed(at now: Instant) {
        for number in 0..<passed.count {
            let train = passed[number].train
            for index in 0..<train.count { passed.note(bodies.store(train.body(at: index))) }
        }
        var stored = 0
        for number in 0..<passed.count {
            let (train, passage) = passed[number]
            for index in 0..<train.count {
                forwarder.keep(
                    train.header(at: index), of: passage, slot: passed.slot(stored),
                    oldest: bodies.oldest, bodyBytes: train.bodyBytes, at: now)
                stored &+= 1
            }
        }
    }

    private mutating func forwardPassed(
        at now: Instant, wallNanoseconds: UInt64, on socket: borrowing UDPSocket
    ) {
        for number in 0..<passed.count {
            let (train, passage) = passed[number]
            signs.note(
                train.lastHeader, from: train.header.token, slot: passage.slot, at: now)
        }
        for number in 0..<passed.count {
            let (train, passage) = passed[number]
            append(train, passage, on: socket)
        }
        for number in 0..<passed.count {
            let train = passed[number].train
            guard delivers(train.header.stream) else { continue }
            for index in 0..<train.count {
                deliver(
                    train.body(at: index), of: train.header(at: index), at: now,
                    wallNanoseconds: wallNanoseconds, on: socket)
            }
        }
    }
}
