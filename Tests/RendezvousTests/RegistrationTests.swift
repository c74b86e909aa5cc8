import NetBasics
import Rendezvous
import Testing
import Wire

@Suite struct RegistrationTests {
    @Test func aMemberIsToldItsAddressAndTheOthers() throws {
        let bench = ServerBench()

        let first = try #require(bench.reply(.register, 1, from: endpoint(1)))
        let second = try #require(bench.reply(.register, 2, from: endpoint(2)))

        #expect(first.observed == endpoint(1))
        #expect(first.lease == .seconds(30))
        #expect(first.memberCount == 1)
        #expect(first.peers == [])
        #expect(second.memberCount == 2)
        #expect(second.contacts == [Contact(peer: PeerID(rawValue: 1), endpoint: endpoint(1))])
    }

    @Test func sourcesAreCountedWhileTheyAreRegisteredAsSuch() throws {
        let bench = ServerBench()
        func sourceCount(_ operation: RendezvousRequest.Operation, _ host: Int) -> Int? {
            bench.reply(operation, UInt64(host), from: endpoint(host))?.sourceCount
        }

        #expect(sourceCount(.registerSource, 1) == 1)
        #expect(sourceCount(.registerSource, 2) == 2)
        #expect(sourceCount(.registerSource, 1) == 2)
        #expect(sourceCount(.register, 3) == 2)
        #expect(sourceCount(.register, 2) == 1)
        #expect(bench.reply(.registerSource, 4, in: 2, from: endpoint(4))?.sourceCount == 1)
        #expect(sourceCount(.leave, 1) == 0)
        #expect(sourceCount(.registerSource, 5) == 1)
        bench.now = .zero + .seconds(31)
        #expect(sourceCount(.lookUp, 6) == 0)
    }

    @Test func aReplyRepeatsTheTransaction() {
        let bench = ServerBench()
        var request = bench.request(.register, 1, cookie: bench.cookie(for: endpoint(1)))
        request.transaction = 0xABCD
        request.sign(with: keys(1), from: endpoint(1))

        let expected = RendezvousReply(
            transaction: 0xABCD, lease: .seconds(30), memberCount: 1, sourceCount: 0,
            namesakeCount: 0, observed: endpoint(1), peers: [])
        #expect(bench.server.handle(request, from: endpoint(1), at: .zero) == .reply(expected))
    }

    @Test func groupsDoNotSeeEachOther() throws {
        let bench = ServerBench()
        bench.reply(.register, 1, in: 1, from: endpoint(1))

        let other = try #require(bench.reply(.register, 2, in: 2, from: endpoint(2)))

        #expect(other.peers == [])
        #expect(bench.server.counters.groups == 2)
    }

    @Test func aLeaseEndsUnlessItIsRefreshed() throws {
        let bench = ServerBench()
        bench.reply(.register, 1, from: endpoint(1))
        bench.reply(.register, 2, from: endpoint(2))
        bench.now = .zero + .seconds(20)
        bench.reply(.register, 1, from: endpoint(1))
        #expect(bench.server.nextWakeup == .zero + .seconds(30))

        bench.now = .zero + .seconds(30) + .nanoseconds(-1)
        #expect(try #require(bench.reply(.lookUp, 0, from: endpoint(3))).memberCount == 2)
        bench.now = .zero + .seconds(30)
        #expect(try #require(bench.reply(.lookUp, 0, from: endpoint(3))).peerIDs == [1])
        #expect(bench.server.nextWakeup == .zero + .seconds(50))

        bench.server.expire(at: .zero + .seconds(50))
        #expect(bench.server.nextWakeup == nil)
        let counters = bench.server.counters
        #expect(counters.registered == 2 && counters.refreshed == 1 && counters.expired == 2)
        #expect(counters.members == 0 && counters.groups == 0)
    }

    @Test func onlyTheRegisteredEndpointMayLeave() throws {
        let bench = ServerBench()
        bench.reply(.register, 1, from: endpoint(1))

        let foreign = try #require(bench.reply(.leave, 1, from: endpoint(1, port: 7001)))
        #expect(foreign.memberCount == 1)
        #expect(bench.server.counters.left == 0)

        let own = try #require(bench.reply(.leave, 1, from: endpoint(1)))
        #expect(own.memberCount == 0 && own.lease == .zero && own.peers == [])
        #expect(bench.server.counters.left == 1)
        #expect(bench.server.nextWakeup == nil)
    }

    @Test func leavingAgainIsAnsweredAlike() {
        let bench = ServerBench()
        bench.reply(.register, 1, from: endpoint(1))
        bench.reply(.leave, 1, from: endpoint(1))

        #expect(bench.reply(.leave, 1, from: endpoint(1))?.memberCount == 0)
        #expect(bench.server.counters.left == 1)
    }

    @Test func aLookupRegistersNobody() throws {
        let bench = ServerBench()
        bench.reply(.register, 1, from: endpoint(1))

        let reply = try #require(bench.reply(.lookUp, 9, from: endpoint(2)))

        #expect(reply.peerIDs == [1] && reply.memberCount == 1 && reply.lease == .zero)
        #expect(bench.server.counters.members == 1)
        #expect(bench.server.counters.lookups == 1)
        #expect(bench.reply(.lookUp, 9, in: 7, from: endpoint(2))?.memberCount == 0)
        #expect(bench.server.counters.groups == 1)
    }

    @Test func aPeerIDBelongsToOneEndpointWhileItsLeaseLasts() {
        let bench = ServerBench()
        bench.reply(.register, 1, from: endpoint(1))

        #expect(bench.refusal(.register, 1, from: endpoint(2)) == .peerIDTaken)
        #expect(bench.refusal(.register, 1, from: endpoint(1, port: 1)) == .peerIDTaken)
        #expect(bench.reply(.register, 1, in: 2, from: endpoint(2)) != nil)

        bench.now = .zero + .seconds(30)
        #expect(bench.reply(.register, 1, from: endpoint(2))?.observed == endpoint(2))
        #expect(bench.server.counters.refusals(.peerIDTaken) == 2)
    }

    @Test func anEndpointIsOneMember() {
        let bench = ServerBench()
        bench.reply(.register, 1, from: endpoint(1))

        let restarted = bench.reply(.register, 2, from: endpoint(1))

        #expect(restarted?.memberCount == 1 && restarted?.peers == [])
        #expect(bench.reply(.lookUp, 0, from: endpoint(9))?.peerIDs == [2])
        #expect(bench.server.counters.replaced == 1)
        #expect(bench.reply(.register, 1, from: endpoint(3))?.memberCount == 2)
    }

    @Test func ipv6AndIPv4MembersMeet() throws {
        let bench = ServerBench()
        let six = try #require(Endpoint("[2001:db8::1]:7000"))
        bench.reply(.register, 1, from: endpoint(1))

        let reply = try #require(bench.reply(.register, 2, from: six))

        #expect(reply.observed == six)
        #expect(reply.peerIDs == [1])
        #expect(bench.reply(.register, 1, from: endpoint(1))?.contacts.first?.endpoint == six)
    }
}
