import NetBasics
import Rendezvous
import Testing
import Wire

/// Clients and a server over datagrams that get lost, late and twice; virtual time only.
final class Exchange {
    private enum Delivery {
        case toServer(RendezvousRequest, client: Int)
        case toClient(RendezvousMessage, client: Int)
    }

    private(set) var server: RendezvousServer?
    private(set) var clients: [RendezvousClient] = []
    private(set) var reports: [[RendezvousClient.Occurrence]] = []
    private(set) var now = Instant.zero
    private var inFlight: [(due: Instant, delivery: Delivery)] = []
    private var generator: SeededGenerator
    private let loss: Double

    init(seed: UInt64, clients count: Int, loss: Double) {
        generator = SeededGenerator(seed: seed)
        self.loss = loss
        for index in 0..<count {
            clients.append(
                RendezvousClient(
                    keys: keys(1), groupName: "group 1", peer: PeerID(rawValue: UInt64(1 + index)),
                    generator: generator.child()))
            reports.append([])
        }
    }

    func endpoint(of client: Int) -> Endpoint { RendezvousTests.endpoint(1 + client * 100) }

    /// A server that remembers nothing, with a cookie secret of its own.
    func startServer() {
        let secret = (0..<32).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        server = RendezvousServer(
            configuration: RendezvousConfiguration(), cookieSecret: secret,
            generator: generator.child())
    }

    func stopServer() { server = nil }

    func send(_ event: RendezvousClient.Event, to client: Int) {
        var actions: [RendezvousClient.Action] = []
        clients[client].handle(event, at: now, into: &actions)
        for action in actions {
            switch action {
            case .send(let request): transmit(.toServer(request, client: client))
            case .report(let occurrence): reports[client].append(occurrence)
            case .left: break
            }
        }
    }

    /// Members that the server lists now.
    var memberCount: Int { server?.counters.members ?? 0 }

    /// Runs until the condition holds or the time has come; says when it ended.
    func run(until end: Instant, orWhen isDone: () -> Bool = { false }) {
        while !isDone(), let due = nextMoment, due <= end {
            now = due
            deliverDue()
            server?.expire(at: now)
            for client in clients.indices {
                if let wakeup = clients[client].nextWakeup, wakeup <= now {
                    send(.wakeupReached, to: client)
                }
            }
        }
        if !isDone() { now = end }
    }

    private var nextMoment: Instant? {
        (inFlight.map(\.due) + clients.compactMap(\.nextWakeup)
            + [server?.nextWakeup].compactMap(\.self))
            .min()
    }

    private func deliverDue() {
        let due = inFlight.filter { $0.due <= now }
        inFlight.removeAll { $0.due <= now }
        for (_, delivery) in due {
            switch delivery {
            case .toServer(let request, let client):
                let answer = server?.handle(request, from: endpoint(of: client), at: now)
                if let answer { transmit(.toClient(answer, client: client)) }
            case .toClient(let message, let client):
                send(.messageReceived(message), to: client)
            }
        }
    }

    private func transmit(_ delivery: Delivery) {
        let copies = generator.uniformFraction() < 0.05 ? 2 : 1
        for _ in 0..<copies where generator.uniformFraction() >= loss {
            // Up to 300 ms one way, so that answers also come after the first retransmission.
            let delay = Duration.milliseconds(Int64(5 + generator.uniform(below: 295)))
            inFlight.append((now + delay, delivery))
        }
    }
}

@Suite struct OutageTests {
    @Test(arguments: 0..<200 as Range<UInt64>)
    func afterARestartAllAreListedWithinOneLease(seed: UInt64) {
        let exchange = Exchange(seed: seed, clients: 5, loss: 0.1)
        exchange.startServer()
        for client in 0..<5 { exchange.send(.started, to: client) }
        exchange.run(until: .zero + .seconds(40))
        #expect(exchange.memberCount == 5)

        exchange.stopServer()
        // From no time at all, when nobody notices, to an outage with the longest back-off.
        exchange.run(until: exchange.now + .milliseconds(Int64(seed) * 500))
        exchange.startServer()
        let restart = exchange.now
        exchange.run(until: restart + .seconds(30)) { exchange.memberCount == 5 }

        #expect(exchange.memberCount == 5, "after \(exchange.now - restart)")
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func membersStayListedDespiteLoss(seed: UInt64) {
        let exchange = Exchange(seed: seed, clients: 5, loss: 0.1)
        exchange.startServer()
        for client in 0..<5 { exchange.send(.started, to: client) }
        exchange.run(until: .zero + .seconds(30))

        exchange.run(until: .zero + .seconds(600)) { exchange.memberCount != 5 }

        #expect(exchange.now == .zero + .seconds(600))
        #expect(exchange.server?.counters.expired == 0)
    }

    @Test func outagesAreReportedInPairs() {
        let exchange = Exchange(seed: 7, clients: 3, loss: 0)
        exchange.startServer()
        for client in 0..<3 { exchange.send(.started, to: client) }
        for _ in 0..<3 {
            exchange.run(until: exchange.now + .seconds(60))
            exchange.stopServer()
            exchange.run(until: exchange.now + .seconds(60))
            exchange.startServer()
        }
        exchange.run(until: exchange.now + .seconds(60))

        for reports in exchange.reports {
            let marks = reports.compactMap { report -> String? in
                switch report {
                case .registered, .refused: nil
                case .unreachable: "down"
                case .reachableAgain: "up"
                }
            }
            let changes = marks.indices.filter { $0 == 0 || marks[$0] != marks[$0 - 1] }
            #expect(
                changes.map { marks[$0] } == ["down", "up", "down", "up", "down", "up"])
        }
    }

    @Test func whoLeavesIsGoneAtOnce() {
        let exchange = Exchange(seed: 8, clients: 4, loss: 0)
        exchange.startServer()
        for client in 0..<4 { exchange.send(.started, to: client) }
        exchange.run(until: .zero + .seconds(20))

        exchange.send(.stopRequested, to: 2)
        exchange.run(until: .zero + .seconds(22))

        #expect(exchange.memberCount == 3)
        #expect(exchange.clients[2].nextWakeup == nil)
    }

    /// The first member does not poll: the second finds it and makes itself known.
    @Test func theSecondMemberFindsTheFirst() {
        let exchange = Exchange(seed: 9, clients: 2, loss: 0)
        exchange.startServer()
        exchange.send(.started, to: 0)
        exchange.run(until: .zero + .seconds(5))
        #expect(exchange.reports[0].count == 1)

        exchange.send(.started, to: 1)
        exchange.run(until: .zero + .seconds(7))

        let first = Contact(peer: PeerID(rawValue: 1), endpoint: exchange.endpoint(of: 0))
        #expect(
            exchange.reports[1] == [
                .registered(
                    RendezvousListing(
                        observed: exchange.endpoint(of: 1), peers: [first], memberCount: 2,
                        sourceCount: 0))
            ])
    }
}
