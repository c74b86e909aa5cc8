import DataPath
import Forwarding
import Glibc
import Links
import Management
import Media
import NetBasics
import Overlay
import Rendezvous
import Sealing
import Sockets
import Wire

/// One running peer: the cores, their sockets and one loop around them.
///
/// A class, because closures and the management plane refer to it; one thread owns it. The loop
/// waits for a descriptor or the earliest deadline, lets the cores work, and performs what they
/// order. See `+Control` (cores), `+Publishing`, `+Management` and `+Reports`.
final class PeerDaemon {
    let configuration: PeerConfiguration
    let peer: PeerID
    let name: MemberName
    let server: [Endpoint]
    let startedAt: Instant
    /// Whether it can read media; a relay cannot.
    let isReader: Bool
    var console: Console

    // Cores
    var overlay: OverlayPeer
    var links: SealedLinks
    var rendezvous: RendezvousClient
    var generator: SeededGenerator

    // Edges
    let socket: UDPSocket
    var loop: EventLoop
    let signals: Signals
    let listener: UnixListener
    var media: MediaPlane
    var publishers: [Publisher] = []
    /// Whether the own streams have their first sequence numbers.
    var hasStartedSequences = false
    var sessions: [PeerID: MemberSession] = [:]
    var directory: SessionDirectory?
    var clients: [Int: ManagementClientConnection] = [:]
    var nextClientKey = Key.firstClient

    // Storage that is reused
    private var incoming = PacketBatch()
    /// Batches received, as an index that goes round.
    private var batchCount = 0
    var published = PacketBatch()
    let patternBuffers = PatternBuffers()
    private var ready: [Int] = []
    private var actions: [OverlayPeer.Action] = []
    private var wantedRepairs: [WantedRepair] = []
    /// When to look at how much parity is wanted; `nil` without parity.
    private var parityDue: Instant?

    // State that people ask about
    var drops: [String: UInt64] = [:]
    var sources: [PeerID: [StreamDescription]] = [:]
    /// Remote streams that are there now, in order of appearance.
    var knownStreams: [StreamDescription] = []
    /// What became of those that have gone, the last few; for the summary.
    var finishedStreams: [JoinSummary.Stream] = []
    var rendezvousView = RendezvousView()
    var joinedAt: Instant?
    var ending: Ending?
    /// Which of the server's addresses answers.
    var answeringServer: Endpoint?
    /// Links open when the end began.
    private(set) var linksAtEnd = 0
    var statusSample: (at: Instant, bytes: UInt64) = (.zero, 0)
    private var statusDue: Instant

    /// How the join comes to its end.
    enum Ending: Equatable {
        case durationOver
        case signal(Int32)
        case asked
    }

    /// What the event loop's keys mean.
    enum Key {
        static let socket = 0
        static let signals = 1
        static let listener = 2
        static let firstPublisher = 100
        static let firstClient = 1000
    }

    init(_ parts: consuming PeerParts) throws(SystemError) {
        configuration = parts.configuration
        peer = parts.peer
        name = parts.name
        server = parts.server
        startedAt = parts.startedAt
        statusDue = parts.startedAt
        console = Console(verbosity: parts.configuration.verbosity, showsStatus: true)
        overlay = parts.overlay
        links = parts.links
        rendezvous = parts.rendezvous
        generator = parts.generator
        directory = parts.directory
        publishers = parts.publishers
        socket = parts.socket
        signals = parts.signals
        listener = parts.listener
        isReader = parts.keys.mediaKey != nil
        var repair = RepairConfiguration()
        if parts.configuration.hasParity {
            repair.parityRows = ParityHeader.rowLimit
            parityDue = .zero
        }
        media = MediaPlane(
            delivery: parts.delivery,
            outgoing: try SendCrew(
                workers: configuration.workers, joinsDatagrams: socket.canSegment),
            mediaKey: parts.keys.mediaKey, peer: parts.peer, repair: repair)
        loop = parts.loop
        try watchDescriptors()
    }

    private func watchDescriptors() throws(SystemError) {
        loop.watchSender(socket.number, key: Key.socket)
        try loop.watch(signals.number, key: Key.signals)
        try loop.watch(listener.number, key: Key.listener)
        for (index, publisher) in publishers.enumerated() {
            for (port, number) in publisher.edge?.descriptors ?? [] {
                try loop.watch(number, key: Key.publisher(index, port))
            }
        }
    }

    // MARK: - The loop

    /// Joins, runs until something ends the join, and leaves.
    func run() throws(Failure) {
        start()
        while !isOver {
            loop.wait(until: nextDeadline, ready: &ready)
            do {
                for key in ready { try serve(key) }
            } catch {
                throw Failure(.runtimeFailure, "\(error)")
            }
            work(at: Clocks.now)
            try checkRendezvous()
        }
        console.clearStatus()
        directory?.removeAll()
    }

    private var hasLeftOverlay = false
    var hasLeftRendezvous = false
    /// When the rendezvous' answer to the farewell is no longer waited for.
    private var farewellEnd = Instant.distantFuture
    private static let farewellLimit = Duration.milliseconds(500)

    private var isOver: Bool {
        hasLeftOverlay && (hasLeftRendezvous || farewellEnd <= Clocks.now)
    }

    private var nextDeadline: Instant {
        var earliest = overlay.nextWakeup ?? .distantFuture
        if let due = rendezvous.nextWakeup { earliest = min(earliest, due) }
        if let due = links.nextWakeup { earliest = min(earliest, due) }
        if let due = media.forwarder.nextWakeup { earliest = min(earliest, due) }
        if let due = media.nextRateWakeup { earliest = min(earliest, due) }
        for publisher in publishers {
            if let due = publisher.nextDue { earliest = min(earliest, due) }
        }
        if console.showsStatus { earliest = min(earliest, statusDue) }
        if let end = endDeadline { earliest = min(earliest, end) }
        return min(earliest, rateDue, farewellEnd)
    }

    private var endDeadline: Instant? {
        guard ending == nil else { return nil }
        return configuration.duration.map { startedAt + $0 }
    }

    private func serve(_ key: Int) throws(SystemError) {
        switch key {
        case Key.socket: try receive()
        case Key.signals:
            if let number = signals.next() { end(.signal(number)) }
        case Key.listener: acceptClients()
        case Key.firstClient...: serveClient(key)
        default: try receiveFromPublisher(key)
        }
    }

    /// Takes what has arrived, but not for ever.
    ///
    /// While others send, parts are received behind each other, round and round in the batch.
    private func receive() throws(SystemError) {
        let start = Clocks.now
        var (keeps, hasTime) = (false, true)
        repeat {
            try socket.receive(
                into: &incoming, upTo: media.messageLimit(after: incoming), keepingEarlier: keeps)
            let now = Clocks.now
            let wall = Clocks.wallNanoseconds
            let sample = takeSample()
            var index = 0
            while index < incoming.count {
                let datagram = incoming.datagram(at: index)
                var count = 1
                if Datagram.isMedia(datagram.bytes) {
                    let link: LinkToken?
                    (count, link) = media.receive(
                        incoming, from: index, at: now, wallNanoseconds: wall, on: socket)
                    if (index..<index + count).contains(sample) {
                        noteMedia(on: link, from: incoming.sender(at: sample), at: now)
                    }
                } else if ParityHeader.isParity(datagram.bytes) {
                    media.receiveParity(datagram, at: now, wallNanoseconds: wall, on: socket)
                } else if let sender = incoming.sender(at: index) {
                    receive(datagram, from: sender, at: now)
                }
                index += count
            }
            hasTime = now - start < MediaPlane.receiveLimit
            keeps = hasTime && media.goesOn(after: incoming)
            if keeps { media.sendOn(on: socket) } else { media.flush(on: socket) }
        } while incoming.wasFilled && hasTime
    }

    /// The datagram of the received batch that shows, if it is media, where its neighbor sends from.
    ///
    /// One of a batch, since there may be thousands each second; another place each time, lest one
    /// neighbor's is always there.
    private func takeSample() -> Int {
        batchCount &+= 1
        return incoming.count > 0 ? batchCount % incoming.count : 0
    }

    private func work(at now: Instant) {
        sendTestPatterns(at: now)
        if let unexpected = media.forwarder.takeUnexpected() {
            handle(.unexpectedMedia(unexpected.token, source: unexpected.source), at: now)
        }
        if let offTree = media.forwarder.takeOffTree() {
            handle(.mediaOffTree(offTree.token, source: offTree.source), at: now)
        }
        if media.forwarder.takeProgressBegun() { handle(.mediaBegan, at: now) }
        if let source = media.forwarder.takeOverlapping() {
            handle(.feedsOverlap(source: source), at: now)
        }
        askForRepair(at: now)
        probePaths(at: now)
        serveFlows(at: now)
        if let due = parityDue, due <= now { askForParity(at: now) }
        if let due = overlay.nextWakeup, due <= now { handle(.wakeupReached, at: now) }
        if let due = links.nextWakeup, due <= now { keepLinks(at: now) }
        if let due = rendezvous.nextWakeup, due <= now { handleRendezvous(.wakeupReached, at: now) }
        if rateDue <= now { measureRate(at: now) }
        if let end = endDeadline, end <= now { self.end(.durationOver) }
        if console.showsStatus, statusDue <= now {
            statusDue = now + .seconds(1)
            console.show(status: statusLine(at: now))
        }
    }

    private func askForRepair(at now: Instant) {
        guard let due = media.forwarder.nextWakeup, due <= now else { return }
        wantedRepairs.removeAll(keepingCapacity: true)
        media.forwarder.takeRepairRequests(at: now, into: &wantedRepairs)
        if !wantedRepairs.isEmpty { handle(.repairWanted(wantedRepairs), at: now) }
    }

    private func askForParity(at now: Instant) {
        parityDue = now + ParityWish.interval
        var wishes: [ParityWish] = []
        media.forwarder.takeParityWishes(into: &wishes)
        if !wishes.isEmpty { handle(.parityWanted(wishes), at: now) }
    }

    func end(_ ending: Ending) {
        guard self.ending == nil else { return }
        self.ending = ending
        linksAtEnd = overlay.view.neighbors.count
        let now = Clocks.now
        handleRendezvous(.stopRequested, at: now)
        farewellEnd = now + Self.farewellLimit
        handle(.leaveRequested, at: now)
    }

    // MARK: - Driving the overlay

    func handle(_ event: OverlayPeer.Event, at now: Instant) {
        let heard = media.takeMediaSigns()
        actions.removeAll(keepingCapacity: true)
        if !heard.isEmpty { overlay.handle(.mediaHeard(heard), at: now, into: &actions) }
        overlay.handle(event, at: now, into: &actions)
        for action in actions { perform(action, at: now) }
    }

    private func perform(_ action: OverlayPeer.Action, at now: Instant) {
        switch action {
        case .sendLink(let message, let endpoint):
            if let bytes = links.seal(message, to: endpoint, at: now) {
                socket.send(bytes, to: endpoint)
            }
            installKeys()
        case .sendControl(let datagram, let endpoint):
            for bytes in links.seal(datagram, to: endpoint, at: now) {
                socket.send(bytes, to: endpoint)
            }
        case .install(let table):
            links.retain(table.links, at: now)
            media.install(table, on: socket)
            installKeys()
            startSequences(in: table)
        case .sourceDescribed(let source, let streams):
            open(source, streams)
        case .sourceGone(let source):
            close(source)
        case .reportProgress:
            handle(.mediaAdvanced(media.forwarder.takeProgress()), at: now)
        case .repairRequested(let request, let asker):
            media.answer(request, to: asker, at: now, on: socket)
        case .parityRequested(let wish, let asker):
            media.forwarder.noteParityWish(wish, by: asker, at: now)
        case .highestHeard(let stream, let highest):
            media.forwarder.noteHighest(stream, highest, at: now)
        case .rateHeard(let message, let neighbor):
            hearRate(message, from: neighbor, at: now)
        case .childDelayed(let child):
            media.noteDelay(of: child, at: now)
        case .report(let occurrence):
            note(occurrence)
        case .left:
            hasLeftOverlay = true
        }
    }

    // MARK: - Media rate

    private(set) var rateDue: Instant = .distantFuture
    private var measuredBytes: UInt64 = 0
    private var rateEstimate: RateEstimate?

    /// Starts with a guess for what nobody declared, so that nobody is promised what cannot be kept.
    func guessRate(at now: Instant) {
        guard publishers.contains(where: { $0.description.rate == 0 }) else {
            rateDue = .distantFuture
            return
        }
        let guess = publishers.reduce(0 as UInt32) { $0 &+ $1.expectedRate }
        rateEstimate = RateEstimate(guess: guess)
        rateDue = now + .seconds(1)
        handle(.rateMeasured(guess), at: now)
    }

    /// Tells the control plane what undeclared streams turn out to need, once a second.
    private func measureRate(at now: Instant) {
        rateDue = now + .seconds(1)
        let wireBytes = publishers.reduce(0 as UInt64) { sum, publisher in
            let count = media.forwarder.count(of: publisher.description.stream)
            return sum &+ count.bytes &+ count.packets &* Self.packetOverhead
        }
        let rate = UInt32(clamping: (wireBytes &- measuredBytes) * 8 / 1000)
        measuredBytes = wireBytes
        if let estimate = rateEstimate?.add(rate) { handle(.rateMeasured(estimate), at: now) }
    }

    /// Bytes of IP, UDP, media header and tag in front of each body, for budgets.
    static let packetOverhead = UInt64(28 + MediaHeader.bodyOffset)
}

extension PeerDaemon.Key {
    static func publisher(_ index: Int, _ port: PublishEdge.Port) -> Int {
        firstPublisher + 2 * index + (port == .control ? 1 : 0)
    }
}
