import Links
import NetBasics
import Sealing
import Testing
import Wire

/// Two linked ends and the path between them, in virtual time.
private final class Path {
    let ends: [End]
    /// Where each end sends from; a NAT or a new network changes it.
    var addresses: [Endpoint]
    var now = Instant.zero
    var loss = 0.0
    /// Shortest time that a datagram takes.
    var delay = Duration.milliseconds(20)
    /// Longest UDP payload that passes.
    var limit = Int.max
    private var generator: SeededGenerator
    private var flying: [(at: Instant, to: Int, from: Endpoint, bytes: [UInt8])] = []
    private(set) var heard = [0, 0]
    private(set) var moves: [[Endpoint]] = [[], []]
    private(set) var keyChanges = 0
    /// Bytes that went to each address.
    private(set) var bytesTo: [Endpoint: Int] = [:]
    private(set) var keys: [[LinkToken: LinkTagKeys]] = [[:], [:]]

    init(seed: UInt64) throws {
        generator = SeededGenerator(seed: seed)
        ends = [try End(1), try End(2)]
        addresses = ends.map(\.endpoint)
        try ends[0].link(with: ends[1])
        takeKeys()
    }

    var limits: [Int] {
        (0...1).map { keys[$0][ends[$0].token]?.datagramLimit ?? 0 }
    }

    func send(_ bytes: [UInt8], from sender: Int, to endpoint: Endpoint) {
        bytesTo[endpoint, default: 0] += bytes.count
        guard let receiver = addresses.firstIndex(of: endpoint), receiver != sender,
            bytes.count <= limit, generator.uniformFraction() >= loss
        else { return }
        let delay = delay + .milliseconds(Int64(generator.uniform(below: 30)))
        flying.append((now + delay, receiver, addresses[sender], bytes))
    }

    /// One end says something; returns whether it could.
    @discardableResult
    func say(_ sender: Int) -> Bool {
        let other = ends[1 - sender]
        let known = moves[sender].last ?? other.endpoint
        guard let bytes = ends[sender].say([.ping(time: 7)], to: other, there: known, at: now)
        else {
            return false
        }
        send(bytes, from: sender, to: known)
        return true
    }

    /// New media of the other end has reached `receiver` from `sender`, every 5 ms for `time`.
    func feed(_ receiver: Int, from sender: (Int) -> Endpoint, for time: Duration) throws {
        let end = ends[receiver]
        for number in 0..<Int(time.milliseconds / 5) {
            end.links.noteMedia(
                on: end.token, from: sender(number), at: now, into: &end.orders)
            obey()
            try run(for: .milliseconds(5))
        }
    }

    func run(for time: Duration) throws {
        let end = now + time
        while true {
            let arrival = flying.indices.min { (flying[$0].at, $0) < (flying[$1].at, $1) }
            let due = ends.compactMap(\.links.nextWakeup).min() ?? .distantFuture
            let next = min(arrival.map { flying[$0].at } ?? .distantFuture, due)
            guard next <= end else { break }
            now = max(now, next)
            if let arrival, flying[arrival].at <= now {
                let letter = flying.remove(at: arrival)
                if try ends[letter.to].hear(letter.bytes, from: letter.from, at: now) != nil {
                    heard[letter.to] += 1
                }
            } else {
                for end in ends { end.links.wake(at: now, into: &end.orders) }
            }
            obey()
        }
        now = end
    }

    private func obey() {
        for index in 0...1 {
            for case .moved(_, let endpoint) in ends[index].orders { moves[index].append(endpoint) }
            for (bytes, endpoint) in ends[index].takeSent() {
                send(bytes, from: index, to: endpoint)
            }
        }
        takeKeys()
    }

    private func takeKeys() {
        for index in 0...1 {
            guard let taken = ends[index].links.takeTagKeys() else { continue }
            keys[index] = taken
            keyChanges += 1
        }
    }

    /// Whether each end can verify what the other tags now.
    var areTagsUnderstood: Bool {
        (0...1).allSatisfy { index in
            guard let sending = keys[index][ends[index].token],
                let receiving = keys[1 - index][ends[1 - index].token]
            else { return false }
            let key = sending.sendPhase == 0 ? receiving.receive.0 : receiving.receive.1
            return key.map { Self.tag($0) == Self.tag(sending.send) } ?? false
        }
    }

    private static func tag(_ key: MediaTagKey) -> MediaTag {
        [UInt8](repeating: 1, count: 20).withUnsafeBytes { key.tag(of: $0) }
    }
}

@Suite struct UpkeepTests {
    // MARK: - New keys

    /// An hour with a fifth of all datagrams lost: all others open, whatever the keys.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func anHourOfNewKeysLosesNothing(seed: UInt64) throws {
        let path = try Path(seed: seed)
        path.loss = 0.2
        var said = 0
        for _ in 0..<7200 {
            for sender in 0...1 where path.say(sender) { said += 1 }
            try path.run(for: .milliseconds(500))
            #expect(path.areTagsUnderstood)
        }
        try path.run(for: .seconds(1))

        #expect(said == 14_400, "no key ran out")
        let drops = path.ends.map(\.links.drops)
        #expect(drops.allSatisfy { $0.isEmpty }, "\(drops)")
        #expect((11_000...12_000).contains(path.heard.reduce(0, +)))
        // Keys are renewed every two minutes, and each time both ends take up one and use it.
        #expect((60...160).contains(path.keyChanges), "\(path.keyChanges)")
    }

    @Test func withoutAnAnswerKeysRunOutAfterThreeMinutes() throws {
        let path = try Path(seed: 4)
        path.loss = 1
        try path.run(for: .seconds(179))
        #expect(path.say(0))
        try path.run(for: .seconds(1))
        #expect(!path.say(0))
        #expect(path.ends[0].links.drops[.expired] ?? 0 > 0)
    }

    // MARK: - New addresses

    private static let elsewhere = Endpoint(
        address: .v4(IPv4Address(rawValue: 0x0A09_0909)), port: 9999)

    @Test func aPeerIsFollowedToItsNewAddressWithinARoundTrip() throws {
        let path = try Path(seed: 5)
        path.addresses[0] = Self.elsewhere
        path.say(0)
        try path.run(for: .milliseconds(200))

        #expect(path.moves[1] == [Self.elsewhere])
        path.say(1)
        try path.run(for: .milliseconds(200))
        #expect(path.heard == [1, 1])
    }

    /// Whose media comes from elsewhere need say nothing to be followed, be the way longer than the
    /// time between two questions.
    @Test(arguments: [20, 200, 400] as [Int64])
    func whoOnlySendsMediaIsFollowedWithinARoundTrip(delay: Int64) throws {
        let path = try Path(seed: 12)
        path.delay = .milliseconds(delay)
        try path.feed(1, from: { _ in path.ends[0].endpoint }, for: .seconds(1))
        #expect(path.bytesTo.isEmpty, "it is where it was")
        path.addresses[0] = Self.elsewhere
        try path.feed(1, from: { _ in Self.elsewhere }, for: .milliseconds(2 * delay + 70))

        #expect(path.moves == [[], [Self.elsewhere]])
        path.say(1)
        try path.run(for: .seconds(1))
        #expect(path.heard == [1, 0])
    }

    @Test func aLostQuestionIsAskedAgain() throws {
        let path = try Path(seed: 13)
        path.addresses[0] = Self.elsewhere
        path.loss = 1
        try path.feed(1, from: { _ in Self.elsewhere }, for: .milliseconds(200))
        path.loss = 0
        try path.feed(1, from: { _ in Self.elsewhere }, for: .milliseconds(200))
        #expect(path.moves[1] == [Self.elsewhere])
    }

    /// Who sees media can be first to deliver it, from any address: that costs one short question in a
    /// tenth of a second, to however many addresses, and fewer to one that does not answer.
    @Test(arguments: [1, 250]) func mediaThatSomebodyElseDeliversMovesNobody(count: Int) throws {
        let path = try Path(seed: 14)
        let places = (0..<count).map { number in
            Endpoint(address: .v4(IPv4Address(rawValue: 0x0A09_0000 + UInt32(number))), port: 9)
        }
        try path.feed(1, from: { places[$0 % count] }, for: .seconds(5))

        #expect(path.moves[1].isEmpty)
        let bytes = path.bytesTo.values.reduce(0, +)
        #expect((1...(count == 1 ? 12 : 50) * 36).contains(bytes), "\(bytes)")
        path.addresses[0] = Self.elsewhere
        try path.feed(1, from: { _ in Self.elsewhere }, for: .milliseconds(400))
        #expect(path.moves[1] == [Self.elsewhere], "the true one is followed all the same")
    }

    @Test func mediaOfNoLinkAsksNothing() throws {
        let bob = try End(2)
        bob.links.noteMedia(on: bob.token, from: Self.elsewhere, at: .zero, into: &bob.orders)
        #expect(bob.orders.isEmpty)
    }

    /// Who sees a datagram can send it again from where it likes, first: nothing is sent there but one
    /// short question, and nobody moves.
    @Test func aDatagramThatSomebodyElseDeliversMovesNobody() throws {
        let path = try Path(seed: 6)
        for _ in 0..<20 {
            let bytes = try #require(
                path.ends[0].say([.ping(time: 1)], to: path.ends[1], at: path.now))
            let victim = path.ends[1]
            #expect(try victim.hear(bytes, from: Self.elsewhere, at: path.now) == [.ping(time: 1)])
            try path.run(for: .milliseconds(100))
            #expect(try victim.hear(bytes, from: path.ends[0].endpoint, at: path.now) == nil)
        }

        #expect(path.moves[1].isEmpty)
        #expect(
            path.bytesTo[Self.elsewhere] ?? 0 <= 20 * 36, "one question in a tenth of a second")
        path.say(1)
        try path.run(for: .milliseconds(200))
        #expect(path.heard[0] == 1, "alice is where she was")
    }

    @Test func anOlderDatagramMovesNobody() throws {
        let path = try Path(seed: 7)
        let (alice, bob) = (path.ends[0], path.ends[1])
        let older = try #require(alice.say([], to: bob))
        let newer = try #require(alice.say([], to: bob))
        _ = try bob.hear(newer, from: alice.endpoint)
        _ = try bob.hear(older, from: Self.elsewhere)

        #expect(bob.takeSent().isEmpty)
    }

    @Test func roamsAllThroughAnHourLoseOnlyWhatIsOnTheWay() throws {
        let path = try Path(seed: 8)
        for minute in 0..<60 {
            let address = Endpoint(
                address: .v4(IPv4Address(rawValue: 0x0A05_0000 + UInt32(minute))), port: 7000)
            path.addresses[minute % 2] = address
            for _ in 0..<120 {
                path.say(0)
                path.say(1)
                try path.run(for: .milliseconds(500))
            }
        }
        #expect(path.moves.map(\.count) == [30, 30])
        // What was sent to the former address before the first word from the new one.
        #expect(path.heard.reduce(0, +) >= 14_400 - 60)
        #expect(path.areTagsUnderstood)
    }

    // MARK: - Length of datagrams

    @Test(
        arguments: [
            (1200, 1200), (1300, 1232), (1400, 1392), (1452, 1452), (1472, 1472), (9000, 8932),
        ] as [(Int, Int)])
    func theLongestDatagramIsFound(limit: Int, found: Int) throws {
        let path = try Path(seed: 9)
        path.limit = limit
        #expect(path.limits == [1200, 1200])
        path.ends[0].links.wantLongDatagrams(on: path.ends[0].token, at: path.now)
        try path.run(for: .seconds(5))

        #expect(path.limits == [found, 1200])
    }

    @Test func aPathThatShrinksIsNoticed() throws {
        let path = try Path(seed: 10)
        path.limit = 1472
        for second in 0..<120 {
            if second == 20 { path.limit = 1400 }
            path.ends[0].links.wantLongDatagrams(on: path.ends[0].token, at: path.now)
            try path.run(for: .seconds(1))
            if second == 10 { #expect(path.limits[0] == 1472) }
        }
        #expect(path.limits[0] == 1392)
    }

    @Test func nobodyProbesWithoutNeed() throws {
        let path = try Path(seed: 11)
        try path.run(for: .seconds(100))
        #expect(path.bytesTo.isEmpty)
    }
}

@Suite struct ControlTests {
    @Test func datagramsOpenOnceAndUnaltered() throws {
        let (alice, bob) = (try End(1), try End(2))
        try alice.link(with: bob)
        let bytes = try #require(alice.say([.ping(time: 5)], to: bob))

        for altered in flipped(bytes) + bytes.indices.map({ Array(bytes[..<$0]) }) {
            #expect((try? bob.open(altered, from: alice.endpoint)) ?? nil == nil)
        }
        #expect(try bob.hear(bytes, from: alice.endpoint) == [.ping(time: 5)])
        #expect(try bob.hear(bytes, from: alice.endpoint) == nil)
        #expect(bob.links.drops[.replayed] == 1)
    }

    @Test func garbageUnderGoodKeysIsRefusedWhole() throws {
        let (alice, bob) = (try End(1), try End(2))
        try alice.link(with: bob)
        let long = ControlMessage.probe(nonce: 1, padding: 3000)
        let bytes = try #require(alice.say([long], to: bob))
        #expect(try bob.hear(bytes, from: alice.endpoint) == nil, "it is for the link layer")
        #expect(bob.takeSent().map(\.bytes.count) == [33], "the answer to 3027 bytes")
    }

    @Test func linksThatTheControlPlaneHasNotAreForgotten() throws {
        let (alice, bob) = (try End(1), try End(2))
        try alice.link(with: bob)
        alice.links.retain([], at: .zero + .seconds(5))
        #expect(alice.say([.close], to: bob) != nil, "last words")
        alice.links.retain([alice.token], at: .zero + .seconds(60))
        #expect(alice.say([], to: bob) != nil)
        alice.links.retain([], at: .zero + .seconds(60))
        #expect(alice.say([], to: bob) == nil)
        #expect(alice.links.takeTagKeys()?.isEmpty == true)
    }
}
