import Forwarding
import Sealing
import Sockets
import Wire

// Copies for children, with a header and a tag of each one's link.

extension MediaPlane {
    /// Lets a packet wait for those behind it, with which it goes to the children.
    mutating func append(
        _ words: MediaHeader.Words, _ passage: Passage, _ body: UnsafeRawBufferPointer,
        on socket: borrowing UDPSocket
    ) {
        guard !passage.children.isEmpty, let start = body.baseAddress,
            body.count >= MediaTagKey.sealBytes
        else { return }
        runToJoin(passage, bodyBytes: body.count, on: socket)
            .pointee.append(words.copied(lacks: passage.lacks), start)
    }

    /// The same of all packets of a train.
    mutating func append(
        _ train: PacketTrain, _ passage: Passage, on socket: borrowing UDPSocket
    ) {
        guard !passage.children.isEmpty else { return }
        var index = 0
        while index < train.count {
            let run = runToJoin(passage, bodyBytes: train.bodyBytes, on: socket)
            index &+= run.pointee.append(train, from: index, lacks: passage.lacks)
        }
    }

    /// The run that packets join, or a new one, with room for at least one.
    private mutating func runToJoin(
        _ passage: Passage, bodyBytes: Int, on socket: borrowing UDPSocket
    ) -> UnsafeMutablePointer<FanOutRun> {
        if run.pointee.continues(with: passage, bodyBytes: bodyBytes) { return run }
        fanOut(on: socket)
        let run = run
        run.pointee.begin(
            with: passage, bodyBytes: bodyBytes,
            most: outgoing.packetLimit(MediaHeader.bodyOffset + bodyBytes))
        return run
    }

    /// Queues the copies of all packets that wait, or shares them.
    mutating func fanOut(on socket: borrowing UDPSocket) {
        let run = run
        guard run.pointee.count > 0 else { return }
        let isShared = outgoing.shares(copies: run.pointee.count * run.pointee.children.count)
        for child in run.pointee.children where reaches(child) {
            let lane = childLanes[child]
            guard let key = lanes[lane].key else { continue }
            if isTooLong(for: lane) {
                sendRunInPieces(to: lane, on: socket)
            } else if isShared {
                run.pointee.addTarget(lane)
            } else if run.pointee.count == 1 {
                sendOne(to: lane, key, on: socket)
            } else {
                sendRun(to: lane, key, on: socket)
            }
        }
        guard !isShared else { return outgoing.share(on: socket) }
        group.write()
        run.pointee.removeAll()
    }

    private func reaches(_ child: Int) -> Bool {
        if rates.flows.isAnyLimited, rates.isLimited(lane: childLanes[child]) { return false }
        let exception = run.pointee.exception
        return exception == nil || forwarder.reaches(child, except: exception)
    }

    /// One child gets all packets.
    private mutating func sendRun(
        to lane: Int, _ key: MediaTagKey, on socket: borrowing UDPSocket
    ) {
        let link = lanes[lane].link
        let run = run
        let count = run.pointee.count
        run.pointee.headers.tag(count, link: link, by: key)
        var next = 0
        while next < count {
            if outgoing.isFull { outgoing.makeRoom(on: socket) }
            let room = outgoing.reserve(
                count - next, headerBytes: MediaHeader.bodyOffset,
                bodyBytes: run.pointee.bodyBytes, to: lanes[lane].address, lane: lane)
            for index in 0..<room.count {
                let place = room.add(index, run.pointee.bodies[next &+ index])
                run.pointee.headers.write(next &+ index, link: link, to: place)
            }
            next &+= room.count
        }
    }

    /// One child gets the only packet, whose tag is computed with those of others.
    private mutating func sendOne(
        to lane: Int, _ key: MediaTagKey, on socket: borrowing UDPSocket
    ) {
        if group.isFull || outgoing.isFull { group.write() }
        if outgoing.isFull { outgoing.makeRoom(on: socket) }
        let room = outgoing.reserve(
            1, headerBytes: MediaHeader.bodyOffset, bodyBytes: run.pointee.bodyBytes,
            to: lanes[lane].address, lane: lane)
        let run = run
        group.add(
            run.pointee, link: lanes[lane].link, key, at: room.add(0, run.pointee.bodies[0]))
    }
}
