import Forwarding
import Media
import NetBasics
import Overlay
import Sockets
import Wire

// Streams in and out: what this peer publishes, and what it opens for remote sources.

extension PeerDaemon {
    // MARK: - Own streams

    /// Tells the control plane what this peer publishes.
    func startPublishing(at now: Instant) {
        guard !publishers.isEmpty else { return }
        let count = UInt8(publishers.count)
        let descriptions = publishers.map { publisher in
            var description = publisher.description
            description.streamCount = count
            return description
        }
        for description in descriptions { media.setPriority(of: description) }
        handle(.published(descriptions), at: now)
        guessRate(at: now)
        warnIfUplinkIsShort()
    }

    /// Gives own streams their first numbers once the forwarding plane knows the source.
    func startSequences(in table: ForwardingTable) {
        guard !hasStartedSequences, table.routes.contains(where: { $0.source == peer }) else {
            return
        }
        hasStartedSequences = true
        for publisher in publishers {
            media.forwarder.startSequence(
                of: publisher.description.stream,
                at: UInt32(truncatingIfNeeded: generator.next()))
        }
    }

    private func warnIfUplinkIsShort() {
        let rate = publishers.reduce(0) { $0 + Int64($1.expectedRate) * 1000 }
        guard rate > configuration.uplink.bitsPerSecond else { return }
        console.log(
            "the streams need \(rate / 1000) kbit/s and the uplink is \(configuration.uplink): "
                + "nobody can be served; raise --uplink or lower the rate")
    }

    func receiveFromPublisher(_ key: Int) throws(SystemError) {
        let (index, isControl) = (key - Key.firstPublisher).quotientAndRemainder(dividingBy: 2)
        guard publishers.indices.contains(index), let edge = publishers[index].edge else { return }
        let stream = publishers[index].description.stream
        let now = Clocks.now
        try edge.receive(on: isControl == 1 ? .control : .data, into: &published) { body, isRTCP in
            media.publish(body, of: stream, isControlFlow: isRTCP, at: now, on: socket)
        }
        media.flush(on: socket)
    }

    func sendTestPatterns(at now: Instant) {
        for index in publishers.indices {
            guard let test = publishers[index].pattern?.pattern else { continue }
            let stream = publishers[index].description.stream
            var used = 0
            while let sequence = publishers[index].pattern?.takeDue(at: now) {
                let buffer = patternBuffers.buffer(at: used, byteCount: test.payloadByteCount)
                TestPayload(sequence: sequence, sendTime: Clocks.wallNanoseconds)
                    .store(into: buffer)
                media.publish(
                    UnsafeRawBufferPointer(buffer), of: stream, isControlFlow: false, at: now,
                    on: socket)
                used += 1
                if used == PatternBuffers.count {
                    media.flush(on: socket)
                    used = 0
                }
            }
            media.flush(on: socket)
        }
    }

    // MARK: - Remote streams

    func open(_ source: PeerID, _ streams: [StreamDescription]) {
        sources[source] = streams
        knownStreams.removeAll { $0.stream.source == source }
        knownStreams += streams
        for stream in streams where !media.open(stream) {
            console.log("no port is left for stream \(stream.stream.index) of \(stream.member)")
        }
        guard let first = streams.first else { return }
        console.log("\(first.member) publishes \(Self.summary(of: streams))")
        writeSession(source, first.member, streams)
    }

    /// Streams that have gone and are remembered for the summary at most.
    private static let finishedLimit = 256

    func close(_ source: PeerID) {
        finishedStreams += knownStreams.filter { $0.stream.source == source }.map(streamSummary)
        finishedStreams.removeFirst(max(0, finishedStreams.count - Self.finishedLimit))
        knownStreams.removeAll { $0.stream.source == source }
        media.close(source)
        directory?.remove(source)
        sessions[source] = nil
        if let member = sources.removeValue(forKey: source)?.first?.member {
            console.log("\(member) has stopped publishing")
        }
    }

    static func summary(of streams: [StreamDescription]) -> String {
        streams.map { "\($0.kind.name) (\($0.format.name))" }.joined(separator: ", ")
    }

    /// Writes the member's session description, if there is a directory for it and RTP to play.
    private func writeSession(
        _ source: PeerID, _ member: MemberName, _ streams: [StreamDescription]
    ) {
        guard directory != nil else { return }
        let placed = streams.compactMap { stream in
            media.delivery.endpoints(of: stream.stream).first.map { (stream, $0) }
        }
        guard let address = placed.first?.1.address else { return }
        var session = MemberSession(source: source, member: member, address: address)
        do {
            for (stream, endpoint) in placed {
                try session.update(stream, port: endpoint.port)
            }
            sessions[source] = session
            try directory?.update(session)
        } catch {
            console.log("no session description for \(member): \(error)")
        }
    }
}
