import NetBasics
import Rendezvous
import Testing
import Wire

@Suite struct PeerChoiceTests {
    /// Members `1...near` in the caller's subnet and, from 1001 on, one in each other subnet.
    private func bench(near: Int, far: Int, seed: UInt64 = 1) -> ServerBench {
        let bench = ServerBench(seed: seed)
        for host in 0..<near { bench.reply(.register, UInt64(1 + host), from: endpoint(1 + host)) }
        for subnet in 0..<far {
            bench.reply(.register, UInt64(1001 + subnet), from: farEndpoint(1 + subnet))
        }
        return bench
    }

    private let caller = endpoint(250)

    @Test(arguments: [
        (near: 40, far: 40, nearListed: 8, farListed: 8),
        (near: 3, far: 40, nearListed: 3, farListed: 13),
        (near: 0, far: 40, nearListed: 0, farListed: 16),
        (near: 40, far: 0, nearListed: 16, farListed: 0),
        (near: 40, far: 5, nearListed: 11, farListed: 5),
        (near: 5, far: 5, nearListed: 5, farListed: 5),
        (near: 8, far: 8, nearListed: 8, farListed: 8),
        (near: 0, far: 0, nearListed: 0, farListed: 0),
    ])
    func subnetPeersComeFirstAndTakeHalf(near: Int, far: Int, nearListed: Int, farListed: Int) {
        let bench = bench(near: near, far: far)
        for _ in 0..<50 {
            let ids = bench.reply(.register, 500, from: caller)?.peerIDs ?? []

            #expect(ids.prefix(nearListed).allSatisfy { $0 < 500 }, "\(ids)")
            #expect(ids.dropFirst(nearListed).allSatisfy { $0 > 1000 }, "\(ids)")
            #expect(ids.count == nearListed + farListed)
            #expect(Set(ids).count == ids.count)
        }
    }

    /// Of a subnet without others, whoever shares the /20 comes first, then the /16, then the /12.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func membersOfSmallerBlocksComeFirst(seed: UInt64) {
        let bench = bench(near: 0, far: 40, seed: seed)
        // Subnets of one /20, of one /16 and of one /12 with the caller's, and some that come and go.
        let subnets = Array(1...3) + Array(17...18) + Array(300...320)
        for subnet in subnets + Array(4...15) {
            bench.reply(.register, UInt64(subnet), from: endpoint(subnet * 256 + 1))
        }
        for subnet in 4...15 {
            bench.reply(.leave, UInt64(subnet), from: endpoint(subnet * 256 + 1))
        }
        var others: Set<UInt64> = []
        for _ in 0..<100 {
            let ids = bench.reply(.lookUp, 0, from: caller)?.peerIDs ?? []

            #expect(Set(ids.prefix(3)) == [1, 2, 3])
            #expect(Set(ids[3..<5]) == [17, 18])
            #expect(ids[5..<8].allSatisfy { (300...320).contains($0) }, "\(ids)")
            #expect(ids.count == 16 && Set(ids).count == 16)
            others.formUnion(ids[5..<8])
        }
        #expect(others == Set(300...320))
    }

    @Test func blocksOfIPv6AreLikewise() {
        let bench = ServerBench()
        func member(_ high: UInt64) -> Endpoint {
            Endpoint(address: .v6(IPv6Address(high: high, low: 1)), port: 7000)
        }
        let caller: UInt64 = 0x2001_0DB8_0001_0200
        for far in 0..<40 as Range<UInt64> {
            bench.reply(.register, 1000 + far, from: member(0x2A00_0000_0000_0000 + far << 32))
        }
        bench.reply(.register, 3, from: member(0x2001_0DB8_7777_0000))
        bench.reply(.register, 2, from: member(0x2001_0DB8_0001_7700))
        bench.reply(.register, 1, from: member(0x2001_0DB8_0001_0277))

        let ids = bench.reply(.lookUp, 0, from: member(caller))?.peerIDs ?? []

        #expect(ids.prefix(3) == [1, 2, 3])
        #expect(ids.count == 16)
    }

    @Test func theCallerIsNeverListed() {
        let bench = bench(near: 10, far: 3)
        for host in 1...10 {
            for operation in [RendezvousRequest.Operation.register, .lookUp] {
                let ids = bench.reply(operation, UInt64(host), from: endpoint(host))?.peerIDs ?? []
                #expect(Set(ids) == Set(1...10).union(1001...1003).subtracting([UInt64(host)]))
            }
        }
    }

    @Test func eachReplyIsAFreshChoice() {
        let bench = bench(near: 0, far: 200)

        let lists = (0..<20).map { _ in bench.reply(.lookUp, 0, from: caller)?.peerIDs ?? [] }

        #expect(Set(lists).count == 20)
    }

    // MARK: - Uniformity

    /// Chi-square of how often each of `ids` was listed, for draws without replacement.
    ///
    /// Listing `k` of `n` at a time shrinks the variance of a count by `1 - k/n`.
    private func chiSquare(
        of ids: ClosedRange<UInt64>, listedAtATime: Int, in bench: ServerBench
    ) -> Double {
        var counts = [Double](repeating: 0, count: ids.count)
        let rounds = 4000
        for _ in 0..<rounds {
            for id in bench.reply(.lookUp, 0, from: caller)?.peerIDs ?? [] where ids.contains(id) {
                counts[Int(id - ids.lowerBound)] += 1
            }
        }
        let share = Double(listedAtATime) / Double(ids.count)
        let expected = Double(rounds) * share
        #expect(counts.reduce(0, +) == Double(rounds * listedAtATime))
        let sum = counts.reduce(0) { $0 + ($1 - expected) * ($1 - expected) / expected }
        return sum / (1 - share) * Double(ids.count - 1) / Double(ids.count)
    }

    private func expectUniform(_ chiSquare: Double, freedom: Int) {
        let spread = (2 * Double(freedom)).squareRoot()
        #expect(abs(chiSquare - Double(freedom)) < 4 * spread, "\(chiSquare) of \(freedom)")
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func farMembersAreListedEquallyOften(seed: UInt64) {
        let bench = bench(near: 0, far: 100, seed: seed)

        let result = chiSquare(of: 1001...1100, listedAtATime: 16, in: bench)

        expectUniform(result, freedom: 99)
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func nearMembersAreListedEquallyOften(seed: UInt64) {
        let bench = bench(near: 60, far: 20, seed: seed)

        let result = chiSquare(of: 1...60, listedAtATime: 8, in: bench)

        expectUniform(result, freedom: 59)
    }

    /// The sample is of members, not of subnets: a full subnet counts by its size.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func subnetsCountByTheirMembers(seed: UInt64) {
        let bench = bench(near: 20, far: 0, seed: seed)
        for host in 0..<50 {
            bench.reply(.register, UInt64(2001 + host), from: endpoint(512 + host))
        }
        for subnet in 0..<30 {
            bench.reply(.register, UInt64(2051 + subnet), from: farEndpoint(10 + subnet))
        }

        let result = chiSquare(of: 2001...2080, listedAtATime: 8, in: bench)

        expectUniform(result, freedom: 79)
    }

    /// Removal moves members and subnets about; the choice must not notice.
    @Test func churnDoesNotBias() {
        let bench = bench(near: 0, far: 150)
        for subnet in 50..<100 {
            bench.reply(.leave, UInt64(1001 + subnet), from: farEndpoint(1 + subnet))
        }
        for subnet in 100..<150 {
            let sender = farEndpoint(1 + subnet)
            bench.reply(.leave, UInt64(1001 + subnet), from: sender)
            bench.reply(.register, UInt64(951 + subnet), from: sender)
        }

        let result = chiSquare(of: 1001...1100, listedAtATime: 16, in: bench)

        expectUniform(result, freedom: 99)
    }
}
