import NetBasics
import Rendezvous
import Sealing
import Testing
import Wire

/// What a server takes from those who hold the group's secret, and from nobody else.
@Suite struct SignatureTests {
    private let bench = ServerBench()

    /// A request as a member makes it, with a valid cookie and signature.
    private func signed(
        _ operation: RendezvousRequest.Operation = .register, _ peer: UInt64 = 1,
        from sender: Endpoint = endpoint(1)
    ) -> RendezvousRequest {
        var request = bench.request(operation, peer, cookie: bench.cookie(for: sender))
        request.sign(with: keys(1), from: sender)
        return request
    }

    private func expectRefused(
        _ request: RendezvousRequest, from sender: Endpoint = endpoint(1),
        _ comment: Comment? = nil
    ) {
        let answer = bench.server.handle(request, from: sender, at: bench.now)
        let refusal = RendezvousMessage.refusal(
            transaction: request.transaction, reason: .badSignature)
        #expect(answer == refusal, comment)
    }

    @Test(arguments: RendezvousRequest.Operation.allCases)
    func everyOperationNeedsASignature(operation: RendezvousRequest.Operation) {
        var request = signed(operation)
        request.signature = [UInt8](repeating: 0, count: 64)

        expectRefused(request)
        #expect(bench.server.counters.refusals(.badSignature) == 1)
        #expect(bench.server.counters.members == 0)
    }

    @Test func aForgedSignatureIsRefused() {
        for place in 0..<64 {
            var request = signed()
            request.signature[place] ^= 1

            expectRefused(request, "byte \(place)")
        }
        #expect(bench.server.counters.refusals(.badSignature) == 64)
        #expect(bench.server.counters.members == 0)
    }

    @Test func theSignatureOfAnotherGroupIsRefused() {
        var request = signed()
        request.sign(with: keys(2), from: endpoint(1))
        expectRefused(request)

        request = signed()
        request.key = keys(2).publicKey.bytes
        expectRefused(request)

        request.key = [UInt8](repeating: 0, count: 32)
        request.signature = [UInt8](repeating: 0, count: 64)
        expectRefused(request, "the key of no point, or of a small order")
        #expect(bench.server.counters.members == 0)
    }

    @Test func aRegistrationIsForOneAddress() {
        var replayed = signed()
        for thief in [endpoint(2), endpoint(1, port: 7001)] {
            replayed.cookie = bench.cookie(for: thief)
            expectRefused(replayed, from: thief)
        }
        #expect(bench.server.counters.members == 0)
    }

    /// What is remembered of a member must not let anything else pass.
    @Test func aMembersSignatureIsGoodForNothingElse() {
        let request = signed()
        _ = bench.server.handle(request, from: endpoint(1), at: bench.now)
        let changes: [(inout RendezvousRequest) -> Void] = [
            { $0.operation = .leave }, { $0.operation = .lookUp },
            { $0.operation = .registerSource }, { $0.alias ^= 1 },
            { $0.peer = PeerID(rawValue: 2) }, { $0.code = .none },
            { $0.key = keys(2).publicKey.bytes },
        ]
        for (index, change) in changes.enumerated() {
            var changed = request
            change(&changed)
            expectRefused(changed, "change \(index)")
        }
        #expect(bench.server.counters.members == 1)
        #expect(bench.reply(.lookUp, 0, from: endpoint(2))?.sourceCount == 0)
    }

    @Test func flippedBitsNeverRegisterAnything() throws {
        let bytes = RendezvousMessage.request(signed()).encoded
        var answers: Set<String> = []
        for bit in 0..<bytes.count * 8 {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            guard
                case .rendezvous(.request(let request)) =
                    try? Datagram(decoding: flipped.span.bytes),
                !(4..<12).contains(bit / 8)
            else { continue }
            switch bench.server.handle(request, from: endpoint(1), at: bench.now) {
            case .challenge: answers.insert("challenge")
            case .refusal(_, .badSignature): answers.insert("refusal")
            case let answer: Issue.record("bit \(bit): \(String(describing: answer))")
            }
        }
        #expect(answers == ["challenge", "refusal"])
        #expect(bench.server.counters.members == 0)
    }

    // MARK: - Cost

    @Test func aRefreshIsNotVerifiedAgain() {
        let request = signed()
        for seconds in 0..<10 {
            bench.now = .zero + .seconds(Int64(seconds) * 10)
            var refresh = request
            refresh.transaction = UInt64(seconds)
            refresh.cookie = bench.cookie(for: endpoint(1))
            guard case .reply = bench.server.handle(refresh, from: endpoint(1), at: bench.now)
            else {
                Issue.record("refused at \(bench.now)")
                return
            }
        }
        #expect(bench.server.counters.verifications == 1)
        #expect(bench.server.counters.refreshed == 9)

        bench.reply(.registerSource, 1, from: endpoint(1))
        bench.reply(.registerSource, 1, from: endpoint(1))
        #expect(bench.server.counters.verifications == 2)
    }

    @Test func anAddressIsVerifiedNoMoreOftenThanItMayAsk() {
        let bench = ServerBench { $0.requestBurst = 200 }
        let cookie = bench.cookie(for: endpoint(1))
        func forge(_ count: Int) {
            for _ in 0..<count {
                let forged = bench.request(.register, 1, cookie: cookie)
                _ = bench.server.handle(forged, from: endpoint(1), at: bench.now)
            }
        }
        forge(500)

        // Each costs what may be asked in a second.
        #expect(bench.server.counters.verifications == 4)
        #expect(bench.server.counters.refusals(.badSignature) == 4)
        #expect(bench.server.counters.refusals(.requestRate) == 496)

        for step in 1...1000 {
            bench.now = .zero + .milliseconds(step * 10)
            forge(1)
        }
        #expect(bench.server.counters.verifications == 4 + 10)
    }

    @Test func aThousandAddressesWithoutCookiesLeaveNothingBehind() {
        bench.reply(.register, 1, from: endpoint(1))
        func memory() -> [Substring] {
            var text = ""
            dump(bench.server, to: &text)
            return text.split(separator: "\n").filter { !$0.contains("challenges") }
        }
        let before = memory()
        var generator = SeededGenerator(seed: 4)

        for address in 1...1000 {
            let sender = farEndpoint(address)
            for peer in 0..<3 as Range<UInt64> {
                var request = bench.request(
                    .register, peer, cookie: Cookie(high: generator.next(), low: 0))
                request.sign(with: keys(2), from: sender)
                let sent = RendezvousMessage.request(request).encoded.count

                let answer = bench.server.handle(request, from: sender, at: bench.now)

                #expect((answer?.encoded.count ?? 0) <= sent)
            }
        }

        #expect(memory() == before)
        #expect(bench.server.counters.challenges == 3001)
        #expect(bench.server.counters.verifications == 1)
    }
}

/// What members take from a server.
@Suite struct EntryTests {
    /// The registration's report when the server answers with these entries.
    private func listing(_ entries: [PeerEntry]) throws -> RendezvousListing {
        let bench = ClientBench()
        let first = try #require(bench.request(.started))
        let proven = try #require(bench.request(.messageReceived(goodChallenge(first))))
        var reply = reply(to: proven)
        reply.peers = entries
        guard
            case .report(.registered(let listing)) =
                bench.handle(.messageReceived(.reply(reply))).first
        else {
            Issue.record("no registration")
            return RendezvousListing(
                observed: endpoint(0), peers: [], memberCount: 0, sourceCount: 0)
        }
        return listing
    }

    @Test func onlyEntriesThatMembersMadeAreTaken() throws {
        let genuine = entry(8, at: 8)
        var moved = genuine
        moved.contact.endpoint = endpoint(9)
        var otherPort = genuine
        otherPort.contact.endpoint = endpoint(8, port: 53)
        var renamed = genuine
        renamed.contact.peer = PeerID(rawValue: 9)
        var invented = entry(10, at: 10)
        invented.code = EntryCode(high: 1, low: 2)
        var uncoded = entry(11, at: 11)
        uncoded.code = .none
        var ofAnotherGroup = entry(12, at: 12)
        ofAnotherGroup.code = keys(2).code(of: PeerID(rawValue: 12), at: endpoint(12))

        let listing = try listing(
            [moved, otherPort, genuine, renamed, invented, uncoded, ofAnotherGroup])

        #expect(listing.peers == [genuine.contact])
        #expect(listing.forgedCount == 6)
    }

    @Test func everyFlippedBitOfAnEntryIsNoticed() throws {
        let genuine = entry(8, at: 8)
        for bit in 0..<64 {
            let mask = (1 as UInt64) << UInt64(bit)
            var entries = [genuine, genuine, genuine]
            entries[0].code = EntryCode(high: genuine.code.high ^ mask, low: genuine.code.low)
            entries[1].code = EntryCode(high: genuine.code.high, low: genuine.code.low ^ mask)
            entries[2].contact.peer = PeerID(rawValue: 8 ^ mask)
            #expect(try listing(entries).forgedCount == 3, "bit \(bit)")
        }
    }

    @Test func aMemberVouchesForTheEndpointItIsSeenAt() throws {
        let bench = ClientBench()
        let first = try #require(bench.request(.started))

        let proven = try #require(bench.request(.messageReceived(goodChallenge(first))))

        #expect(proven.code == keys(1).code(of: PeerID(rawValue: 7), at: endpoint(7)))
        #expect(
            keys(1).publicKey.verifies(
                proven.signature, of: proven.signedBytes(from: endpoint(7)), for: .registration))
        _ = bench.handle(.messageReceived(.reply(reply(to: proven))))
        let leave = try #require(bench.request(.stopRequested))
        #expect(leave.code == .none)
        #expect(
            keys(1).publicKey.verifies(
                leave.signature, of: leave.signedBytes(from: endpoint(7)), for: .registration))
    }

    /// Somebody on the path says that we are elsewhere: for a while, and not for good.
    @Test func aWrongEndpointInAChallengeIsForgotten() throws {
        let server = ServerBench()
        let bench = ClientBench()
        var lies = 0
        var reports: [RendezvousClient.Action] = []
        var actions = bench.handle(.started)
        for _ in 0..<12 {
            var next: [RendezvousClient.Action] = []
            for action in actions {
                guard case .send(let request) = action else {
                    reports.append(action)
                    continue
                }
                var answer = server.server.handle(request, from: endpoint(7), at: bench.now)
                if case .challenge(let transaction, let cookie, _) = answer, lies == 0 {
                    lies += 1
                    answer = .challenge(
                        transaction: transaction, cookie: cookie, observed: endpoint(66))
                }
                next += bench.handle(.messageReceived(try #require(answer)))
            }
            actions = next
            if actions.isEmpty, reports.count < 2 { actions = bench.wake() }
        }

        #expect(reports.first == .report(.refused(.badSignature)))
        guard case .report(.registered(let listing))? = reports.dropFirst().first else {
            Issue.record("\(reports)")
            return
        }
        #expect(listing.observed == endpoint(7) && listing.memberCount == 1)
    }
}

/// Groups of one name and different keys: how a wrong secret is told from an empty group.
@Suite struct NamesakeTests {
    private let bench = ServerBench()

    private func count(
        _ operation: RendezvousRequest.Operation, _ peer: Int, in group: UInt64,
        name: String = "standup"
    ) -> Int? {
        let sender = endpoint(peer)
        var request = bench.request(
            operation, UInt64(peer), in: group, cookie: bench.cookie(for: sender))
        request.alias = GroupKeys.alias(ofName: name)
        request.sign(with: keys(group), from: sender)
        guard case .reply(let reply) = bench.server.handle(request, from: sender, at: bench.now)
        else { return nil }
        return reply.namesakeCount
    }

    @Test func membersWithOtherKeysAreCounted() {
        #expect(count(.register, 1, in: 1) == 0)
        #expect(count(.register, 2, in: 1) == 0)
        #expect(count(.register, 3, in: 2) == 2)
        #expect(count(.register, 1, in: 1) == 1)
        #expect(count(.lookUp, 4, in: 3) == 3)
        #expect(count(.lookUp, 4, in: 3, name: "retro") == 0)
        #expect(count(.leave, 2, in: 1) == 1)
        #expect(count(.lookUp, 4, in: 3) == 2)
        bench.now = .zero + .seconds(30)
        #expect(count(.lookUp, 4, in: 3) == 0)
    }

    @Test func whoChangesTheNameIsCountedOnce() {
        #expect(count(.register, 1, in: 1) == 0)
        #expect(count(.register, 1, in: 1, name: "retro") == 0)

        #expect(count(.lookUp, 4, in: 2) == 0)
        #expect(count(.lookUp, 4, in: 2, name: "retro") == 1)
        #expect(count(.lookUp, 4, in: 1) == 0, "the same keys are no namesakes")
    }
}
