import Foundation
import Management
import Testing

extension LabTests {
    /// Paths that change under a running conference: another address, a shorter MTU.
    @Suite struct PathTests {
        /// A laptop goes to another network: its address changes and nobody tells the others.
        @Test(.timeLimit(.minutes(1)))
        func aMemberThatChangesItsAddressLosesNothing() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let conference = try Conference(.ipv4, lab: lab)
            let receivers = try await conference.startPattern(size: 1000, receivers: [.a2, .b1])
            try await Task.sleep(for: .seconds(3))
            let before = receivers.map { $0.received(from: "a1") }
            let lostBefore = receivers.map(\.lost)

            for place in [77, 78, 79] {
                try lab.renumber(.b1, to: "198.51.100.\(place)", gateway: "198.51.100.1")
                try await Task.sleep(for: .seconds(3))
            }

            let gained = zip(receivers, before).map { $0.received(from: "a1") - $1 }
            let lost = zip(receivers, lostBefore).map { $0.lost - $1 }
            let summaries = try await conference.end()
            let streams = receivers.compactMap { summaries[$0.name]?.streams.first }
            print("received \(gained), lost \(lost), \(streams.map(\.latency))")
            #expect(gained.allSatisfy { $0 > 2000 }, "9 s of 250 packets: \(gained)")
            #expect(lost == [0, 0])
            #expect(streams.map(\.duplicates) == [0, 0])
        }

        /// Whoever feeds others changes its address while packets are lost on the way: what is
        /// missed is asked for where the parent is now, early enough.
        @Test(.timeLimit(.minutes(1)), arguments: [[.b1], [.a2, .b1]] as [[NetworkLab.Host]])
        func aParentThatChangesItsAddressRepairsAtOnce(hosts: [NetworkLab.Host]) async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let conference = try Conference(.ipv4, lab: lab)
            let receivers = try await conference.startPattern(size: 1000, receivers: hosts)
            try await Task.sleep(for: .seconds(3))
            let lostBefore = receivers.map(\.lost)

            try lab.lose(3, bursts: 0)
            for place in 77...82 {
                try lab.renumber(.a1, to: "192.0.2.\(place)", gateway: "192.0.2.1")
                try await Task.sleep(for: .seconds(2))
            }
            try lab.lose(0, bursts: 0)
            try await Task.sleep(for: .seconds(1))

            let lost = zip(receivers, lostBefore).map { $0.lost - $1 }
            let repairs = receivers.compactMap(\.status?.repair)
            let parents = receivers.map { $0.place(inTreeOf: "a1")?.parent?.name }
            let drops = try await conference.end().mapValues(\.drops)
            print("\(hosts): lost \(lost), from \(parents), \(repairs), \(drops)")
            #expect(parents.contains("a1"), "nobody's parent has moved: \(parents)")
            #expect(lost.allSatisfy { $0 == 0 }, "\(lost)")
            // What does not come within half a second is given up.
            #expect(repairs.map(\.gaveUp).allSatisfy { $0 == 0 }, "\(repairs)")
            #expect(repairs.count == hosts.count && repairs.allSatisfy { $0.repaired > 90 })
        }

        /// Packets of 1400 bytes over a router whose second LAN carries no more than 1400 in all.
        @Test(.timeLimit(.minutes(1)), arguments: NetworkLab.Family.allCases)
        func noPacketIsCutByIPAndNoneIsLost(family: NetworkLab.Family) async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            for host in [NetworkLab.Host.b1, .b2] { try lab.limitPath(of: host, to: 1400) }
            let conference = try Conference(family, lab: lab)
            let receivers = try await conference.startPattern(
                size: 1400, receivers: [.a2, .b1, .b2])
            try await Task.sleep(for: .seconds(6))

            let summaries = try await conference.end()
            for receiver in receivers {
                let stream = try #require(summaries[receiver.name]?.streams.first)
                #expect(stream.lost == 0, "\(receiver.name): \(stream)")
                #expect(stream.received > 500, "\(receiver.name): \(stream)")
            }
            for host in NetworkLab.Host.members {
                #expect(try lab.fragments(at: host) == 0, "\(host)")
            }
        }
    }
}

extension Peer {
    fileprivate var lost: Int { (status?.streams ?? []).reduce(0) { $0 + $1.lost } }
}

extension Conference {
    /// A rendezvous, a1 with 2 Mbit/s of the test pattern, and receivers that get it.
    fileprivate func startPattern(
        size: Int, receivers: [NetworkLab.Host]
    ) async throws -> [Peer] {
        try startRendezvous()
        try join(.a1, "--publish", "test:rate=2M,size=\(size)", "--uplink", "8M")
        let peers = try receivers.map { try join($0, "--uplink", "8M") }
        let areFed = try await eventually(within: .seconds(10)) {
            peers.allSatisfy { $0.received(from: "a1") > 10 }
        }
        guard areFed else { throw LabError("not all receive: \(picture(of: "a1"))") }
        return peers
    }
}

extension NetworkLab {
    private func run(in host: Host, _ command: String) throws {
        let (status, output) = try Program.outcome(runner(host) + ["bash", "-c", command])
        guard status == 0 else { throw LabError("\(host): \(command): \(output)") }
    }

    /// Gives a host another address, and takes the one it had.
    fileprivate func renumber(_ host: Host, to address: String, gateway: String) throws {
        try run(
            in: host,
            """
            old=$(ip -4 -o address show dev eth0 | awk '{print $4}')
            ip address add \(address)/24 dev eth0 && ip address del "$old" dev eth0
            ip address replace \(address)/24 dev eth0
            ip route replace default via \(gateway)
            """)
    }

    /// Lets no frame longer than an IP packet of `bytes` reach the host, or leave it.
    fileprivate func limitPath(of host: Host, to bytes: Int) throws {
        try run(in: host, "ip link set dev eth0 mtu \(bytes)")
        // Its own end drops what is longer; nobody is told.
        try filter(
            on: host, "add", "chain", "inet", "lab", "short",
            "{ type filter hook input priority 5; policy accept; }")
        try filter(
            on: host, "add", "rule", "inet", "lab", "short", "iifname", "eth0", "meta", "length",
            ">", "\(bytes)", "drop")
    }

    /// IP fragments that a host has made or put together.
    fileprivate func fragments(at host: Host) throws -> Int {
        let (_, output) = try Program.outcome(
            runner(host) + [
                "nstat", "-asz", "IpFragCreates", "IpReasmReqds", "Ip6FragCreates", "Ip6ReasmReqds",
            ])
        return output.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            return words.count > 1 ? Int(words[1]) : nil
        }.reduce(0, +)
    }
}
