import NetBasics

/// Figures of HyParView (Leitao, Pereira, Rodrigues, DSN 2007, section 5.1) and its transport.
package struct HyParViewParameters: Sendable {
    /// Neighbors at most; the paper's fan-out of 4, plus one.
    package var activeLimit = 5
    package var passiveLimit = 30
    package var activeWalkLength: UInt8 = 6
    package var passiveWalkLength: UInt8 = 3
    package var shuffleWalkLength: UInt8 = 6
    /// Members of the active and of the passive view that a shuffle carries.
    package var shuffledActive = 3
    package var shuffledPassive = 4
    /// The paper's membership cycle, whose length it leaves open; unmeasured default.
    package var shuffleInterval: Duration = .seconds(10)
    /// How long an answer may take from a host to which no round trip is known.
    package var answerTimeout: Duration = .milliseconds(500)
    /// Repetitions before a silent neighbor is given up.
    ///
    /// The papers run over TCP, where a dead
    /// process answers with a reset after one round trip: here a neighbor is given up that has not
    /// acknowledged within two round trips, and then again not within as much.
    package var repetitionLimit: UInt8 = 1
    /// A neighbor that nothing was sent to for this long is asked whether it is there.
    package var keepAliveInterval: Duration = .seconds(5)

    package init() {}
}

/// A message between HyParView processes.
package enum HyParViewMessage: Sendable {
    case join
    case forwardJoin(host: Int32, hopsLeft: UInt8)
    case neighborRequest(isUrgent: Bool)
    case neighborReply(isAccepted: Bool)
    case disconnect
    case shuffle(origin: Int32, hopsLeft: UInt8, hosts: ContiguousArray<Int32>)
    case shuffleReply(hosts: ContiguousArray<Int32>)

    /// Address and port of a member.
    static let hostBytes = 6
    /// Kind and length.
    static let headerBytes = 3

    /// Size on the wire without the headers of IP and the transport.
    var byteCount: Int {
        switch self {
        case .join, .disconnect: Self.headerBytes
        case .neighborRequest, .neighborReply: Self.headerBytes + 1
        case .forwardJoin: Self.headerBytes + Self.hostBytes + 1
        case .shuffle(_, _, let hosts):
            Self.headerBytes + Self.hostBytes + 2 + hosts.count * Self.hostBytes
        case .shuffleReply(let hosts): Self.headerBytes + 1 + hosts.count * Self.hostBytes
        }
    }
}

/// Membership by two partial views, a small active and a larger passive one.
///
/// Members that join much faster than views are shuffled can leave small islands behind, which do
/// not find back: their own places are taken by each other, and everybody else's views are full.
/// 4000 members in 10 s with a shuffle every 10 s did, the same within 60 s did not.
///
/// It answers with messages, and with the neighbors that came and went; which neighbors are dead
/// it is told (``linkFailed(_:at:)``).
struct HyParView: Sendable {
    enum Action: Sendable {
        case send(HyParViewMessage, to: Int32)
        case neighborUp(Int32)
        case neighborDown(Int32)
    }

    /// A request to become a neighbor that is not answered yet.
    struct Request: Sendable {
        var host: Int32
        var deadline: Instant
    }

    let own: Int32
    let parameters: HyParViewParameters
    var generator: SeededGenerator
    private(set) var active: ContiguousArray<Int32> = []
    private(set) var passive: ContiguousArray<Int32> = []
    private(set) var requests: ContiguousArray<Request> = []
    /// Whom a free place was offered since the last shuffle.
    private var tried: ContiguousArray<Int32> = []
    private var contacts: ContiguousArray<Int32> = []
    private var shuffleDue: Instant = .distantFuture
    private var shuffled: ContiguousArray<Int32> = []
    var actions: ContiguousArray<Action> = []

    init(host: Int, parameters: HyParViewParameters, generator: SeededGenerator) {
        own = Int32(host)
        self.parameters = parameters
        self.generator = generator
    }

    var nextWakeup: Instant {
        requests.reduce(shuffleDue) { min($0, $1.deadline) }
    }

    // MARK: - Events

    mutating func start(_ contacts: [Int], at now: Instant) {
        self.contacts = ContiguousArray(contacts.map { Int32($0) }.reversed())
        shuffleDue = now + generator.jittered(parameters.shuffleInterval, by: 0.5)
        joinNext(at: now)
    }

    mutating func wake(at now: Instant) {
        var place = 0
        while place < requests.count {
            if requests[place].deadline <= now {
                giveUp(requests.remove(at: place).host, at: now)
            } else {
                place += 1
            }
        }
        if shuffleDue <= now {
            shuffleDue = now + generator.jittered(parameters.shuffleInterval, by: 0.1)
            tried.removeAll(keepingCapacity: true)
            if active.isEmpty, passive.isEmpty { joinNext(at: now) }
            fill(at: now)
            shuffle()
        }
    }

    mutating func leave() {
        for host in active { actions.append(.send(.disconnect, to: host)) }
    }

    /// The transport found out that nobody answers at `host`.
    mutating func linkFailed(_ host: Int32, at now: Instant) {
        guard remove(host) else { return }
        tried.removeAll(keepingCapacity: true)
        fill(at: now)
    }

    mutating func receive(_ message: HyParViewMessage, from sender: Int32, at now: Instant) {
        switch message {
        case .join:
            receiveJoin(from: sender)
        case .forwardJoin(let host, let hopsLeft):
            receiveForwardJoin(host, hopsLeft, from: sender, at: now)
        case .neighborRequest(let isUrgent):
            let isAccepted = isUrgent || active.contains(sender) || hasRoom
            if isAccepted { addActive(sender) }
            actions.append(.send(.neighborReply(isAccepted: isAccepted), to: sender))
        case .neighborReply(let isAccepted):
            receiveReply(isAccepted, from: sender, at: now)
        case .disconnect:
            guard remove(sender) else { return }
            addPassive(sender)
            tried.append(sender)
            fill(at: now)
        case .shuffle(let origin, let hopsLeft, let hosts):
            receiveShuffle(of: origin, hopsLeft, hosts, from: sender)
        case .shuffleReply(let hosts):
            for host in hosts { addPassive(host) }
        }
    }

    // MARK: - Joining (section 4.2)

    private mutating func joinNext(at now: Instant) {
        guard let contact = contacts.popLast() else { return }
        request(contact, .join, at: now)
    }

    private mutating func request(_ host: Int32, _ message: HyParViewMessage, at now: Instant) {
        requests.append(Request(host: host, deadline: now + parameters.answerTimeout))
        actions.append(.send(message, to: host))
    }

    private mutating func receiveJoin(from sender: Int32) {
        addActive(sender)
        actions.append(.send(.neighborReply(isAccepted: true), to: sender))
        let walk = HyParViewMessage.forwardJoin(
            host: sender, hopsLeft: parameters.activeWalkLength)
        for host in active where host != sender { actions.append(.send(walk, to: host)) }
    }

    private mutating func receiveForwardJoin(
        _ host: Int32, _ hopsLeft: UInt8, from sender: Int32, at now: Instant
    ) {
        guard host != own, !active.contains(host) else { return }
        let next = pick { $0 != sender && $0 != host }
        guard hopsLeft > 0, active.count > 1, let next else {
            if !isRequested(host) { request(host, .neighborRequest(isUrgent: true), at: now) }
            return
        }
        if hopsLeft == parameters.passiveWalkLength { addPassive(host) }
        let walk = HyParViewMessage.forwardJoin(host: host, hopsLeft: hopsLeft - 1)
        actions.append(.send(walk, to: next))
    }

    // MARK: - The active view (section 4.3)

    private var hasRoom: Bool { active.count < parameters.activeLimit }

    private func isRequested(_ host: Int32) -> Bool { requests.contains { $0.host == host } }

    private mutating func receiveReply(_ isAccepted: Bool, from sender: Int32, at now: Instant) {
        let place = requests.firstIndex { $0.host == sender }
        if let place { requests.remove(at: place) }
        if !isAccepted { return fill(at: now) }
        // An answer that came too late: the other side holds a link that this one gave up.
        if place == nil, !hasRoom, !active.contains(sender) {
            return actions.append(.send(.disconnect, to: sender))
        }
        addActive(sender)
    }

    private mutating func giveUp(_ host: Int32, at now: Instant) {
        passive.removeAll { $0 == host }
        if active.isEmpty, !contacts.isEmpty { joinNext(at: now) } else { fill(at: now) }
    }

    /// Offers free places to members of the passive view, each once between shuffles.
    private mutating func fill(at now: Instant) {
        var free = parameters.activeLimit - active.count - requests.count
        while free > 0 {
            let candidates = passive.filter { !tried.contains($0) && !isRequested($0) }
            guard !candidates.isEmpty else { return }
            let host = candidates[generator.uniform(below: candidates.count)]
            tried.append(host)
            request(host, .neighborRequest(isUrgent: active.isEmpty), at: now)
            free -= 1
        }
    }

    private mutating func addActive(_ host: Int32) {
        guard host != own, !active.contains(host) else { return }
        if !hasRoom {
            let dropped = active[generator.uniform(below: active.count)]
            actions.append(.send(.disconnect, to: dropped))
            _ = remove(dropped)
            addPassive(dropped)
        }
        passive.removeAll { $0 == host }
        active.append(host)
        actions.append(.neighborUp(host))
    }

    private mutating func remove(_ host: Int32) -> Bool {
        guard let place = active.firstIndex(of: host) else { return false }
        active.remove(at: place)
        actions.append(.neighborDown(host))
        return true
    }

    private mutating func pick(_ isSuitable: (Int32) -> Bool) -> Int32? {
        let candidates = active.filter(isSuitable)
        return candidates.isEmpty ? nil : candidates[generator.uniform(below: candidates.count)]
    }

    // MARK: - The passive view (section 4.4)

    /// Makes room first from what was sent away in the last shuffle, then at random.
    private mutating func addPassive(_ host: Int32) {
        guard host != own, !active.contains(host), !passive.contains(host) else { return }
        if passive.count >= parameters.passiveLimit {
            var place = generator.uniform(below: passive.count)
            while let sent = shuffled.popLast() {
                guard let known = passive.firstIndex(of: sent) else { continue }
                place = known
                break
            }
            passive.remove(at: place)
        }
        passive.append(host)
    }

    private mutating func shuffle() {
        guard let target = pick({ _ in true }) else { return }
        var hosts = sample(parameters.shuffledActive, of: active.filter { $0 != target })
        shuffled = sample(parameters.shuffledPassive, of: passive)
        hosts.append(contentsOf: shuffled)
        let message = HyParViewMessage.shuffle(
            origin: own, hopsLeft: parameters.shuffleWalkLength, hosts: hosts)
        actions.append(.send(message, to: target))
    }

    private mutating func receiveShuffle(
        of origin: Int32, _ hopsLeft: UInt8, _ hosts: ContiguousArray<Int32>, from sender: Int32
    ) {
        if hopsLeft > 1, active.count > 1, let next = pick({ $0 != sender && $0 != origin }) {
            let message = HyParViewMessage.shuffle(
                origin: origin, hopsLeft: hopsLeft - 1, hosts: hosts)
            return actions.append(.send(message, to: next))
        }
        guard origin != own else { return }
        let answer = sample(hosts.count + 1, of: passive)
        actions.append(.send(.shuffleReply(hosts: answer), to: origin))
        shuffled = answer
        for host in hosts { addPassive(host) }
        addPassive(origin)
    }

    private mutating func sample(
        _ count: Int, of hosts: ContiguousArray<Int32>
    ) -> ContiguousArray<Int32> {
        ContiguousArray(generator.sample(count, of: Array(hosts)))
    }
}
