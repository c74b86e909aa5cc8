import Management
import NetBasics
import Testing

@testable import Simulation

@Suite struct TopologyFileTests {
    private func parse(_ text: String) throws -> Topology {
        let topology = try TopologyFile.parse(Array(text.utf8))
        try topology.validate()
        return topology
    }

    private let sample = """
        {"routers": 2, "links": [{"a": 0, "b": 1, "delay_ms": 2.5, "rate_mbps": 1000, "loss": 0.01}],
         "hosts": [{"name": "h0", "router": 0, "access_ms": 0.5, "uplink_mbps": 4},
                   {"name": "h1", "router": 1}]}
        """

    @Test func aDocumentIsReadAsWritten() throws {
        let topology = try parse(sample)

        let expected = Topology(
            routerCount: 2,
            links: [.init(a: 0, b: 1, delay: .microseconds(2500), rateMbps: 1000, loss: 0.01)],
            hosts: [
                .init(name: "h0", router: 0, access: .microseconds(500), uplinkMbps: 4),
                .init(name: "h1", router: 1),
            ])
        #expect(topology == expected)
    }

    @Test(arguments: ["transit-stub:200", "waxman:100", "barabasi-albert:95,2", "figure"])
    func whatIsWrittenIsReadBackAlike(text: String) throws {
        var topology = try madeTopology(text, hosts: 10)
        var generator = SeededGenerator(seed: 2)
        UplinkModel.residential.assign(to: &topology, generator: &generator)
        topology.links[3].loss = 0.025
        topology.links[4].rateMbps = 12.5

        let again = try parse(topology.json().description)

        #expect(again == topology)
    }

    @Test(arguments: ["pairwise:10-150", "king:50"])
    func computedDelaysAreWrittenAsAMatrix(text: String) throws {
        let topology = try madeTopology(text, hosts: 20)

        let again = try parse(topology.json().description)

        let (before, after) = (try Underlay(topology), try Underlay(again))
        for from in 0..<20 {
            for to in 0..<20 {
                #expect(before.delay(from: from, to: to) == after.delay(from: from, to: to))
            }
        }
        #expect(try parse(again.json().description) == again)
    }

    @Test func aMatrixTooLargeToWriteIsRefused() throws {
        let topology = try madeTopology("pairwise", hosts: 3000)

        #expect(throws: TopologyError.self) { try topology.json() }
    }

    @Test(arguments: [
        (#"{"routers": 2, "links": [], "hosts": [{"name": "a", "router": 0}]}"#, "disconnected"),
        (#"{"routers": 1, "hosts": [{"name": "a", "router": 1}]}"#, "host 0 names router 1"),
        (#"{"routers": 1, "hosts": [{"name": "a", "router": -1}]}"#, "names router -1"),
        (#"{"routers": 1, "hosts": [{"name": "", "router": 0}]}"#, "name of 0 bytes"),
        (#"{"routers": 1, "hosts": [{"router": 0}]}"#, "host 0 has no name"),
        (#"{"routers": -1, "hosts": []}"#, "routers of the topology is -1"),
        (#"{"routers": 9000000000, "hosts": []}"#, "not 0 to 1000000"),
        (#"{"routers": 2.5, "hosts": []}"#, "no whole number"),
        (#"{"routers": 1, "links": [{"a": 0, "b": 0, "delay_ms": 1}]}"#, "no hosts"),
        (#"{"routers": 1, "links": [{"a": 0, "b": 0, "delay_ms": -1}]}"#, "is -1.0 ms"),
        (#"{"routers": 1, "links": [{"a": 0, "b": 0, "delay_ms": 1e300}]}"#, "not 0 to 60000"),
        (#"{"routers": 1, "links": [{"a": 0, "b": 0}]}"#, "no number of milliseconds"),
        (#"{"routers": 1, "links": [{"a": 0, "bee": 0}]}"#, "unknown member \"bee\""),
        (#"{"routers": 1, "links": [7]}"#, "link 0 is no JSON object"),
        (#"{"routers": 1, "links": {}}"#, "links of the topology is no list"),
        (#"{"hosts": [{"name": "a"}], "pairwise_ms": [[0], [0]]}"#, "2 rows"),
        (#"{"hosts": [{"name": "a"}], "pairwise_ms": [[0, 1]]}"#, "row 0"),
        (#"{"hosts": [{"name": "a"}], "pairwise_ms": [[3]]}"#, "the delay to itself"),
        (#"{"hosts": [{"name": "a"}], "pairwise_ms": [[0]], "routers": 1}"#, "both routers"),
        (#"{"hosts": [}"#, "no JSON: "), ("", "neither JSON nor a King matrix"),
        ("hello", "neither JSON nor a King matrix"),
    ])
    func badDocumentsSayWhatIsWrong(text: String, message: String) {
        #expect {
            try parse(text)
        } throws: {
            "\($0)".contains(message) && !"\($0)".contains("\n")
        }
    }

    @Test(arguments: [
        (#""a": 0, "b": 2, "delay_ms": 1"#, "link 0 names router 2, but there are only 2"),
        (#""a": 1, "b": 1, "delay_ms": 1"#, "joins router 1 to itself"),
        (#""a": 0, "b": 1, "delay_ms": 1, "loss": 1"#, "loss of 1.0"),
        (#""a": 0, "b": 1, "delay_ms": 1, "loss": -0.1"#, "loss of -0.1"),
        (#""a": 0, "b": 1, "delay_ms": 1, "rate_mbps": 0"#, "rate of 0.0 Mbit/s"),
        (#""a": 0, "b": 1, "delay_ms": 1, "rate_mbps": 1e9"#, "rate of 1000000000.0 Mbit/s"),
    ])
    func badLinksAreNamed(link: String, message: String) {
        #expect {
            try parse(
                #"{"routers": 2, "links": [{\#(link)}], "hosts": [{"name": "a", "router": 0}]}"#)
        } throws: {
            "\($0)".contains(message)
        }
    }

    @Test func twoHostsOfOneNameAreRefused() {
        #expect {
            try parse(
                #"{"routers": 1, "hosts": [{"name":"a","router":0},{"name":"a","router":0}]}"#)
        } throws: {
            "\($0)".contains("host 1 has the name \"a\" of another")
        }
    }

    @Test func noTruncationAndNoFlippedByteTraps() {
        let bytes = Array(sample.utf8)
        for length in bytes.indices {
            #expect(throws: TopologyError.self) { try TopologyFile.parse(Array(bytes[..<length])) }
        }
        for index in bytes.indices {
            for bit in 0..<8 {
                var flipped = bytes
                flipped[index] ^= 1 << bit
                if let topology = try? TopologyFile.parse(flipped) { _ = try? Underlay(topology) }
            }
        }
    }

    // MARK: - King

    private let king = """
        topology Matrix
        model None

        none
        node 1
        node 2
        node 3
        1,2 31000
        1,3 150001
        2,3 7000

        """

    @Test func halfOfARoundTripOfTheKingMatrixIsTheDelay() throws {
        let underlay = try Underlay(parse(king))

        #expect(underlay.hostCount == 3)
        #expect(underlay.delay(from: 0, to: 1) == .microseconds(15_500))
        #expect(underlay.delay(from: 2, to: 0) == .microseconds(75_001))
        #expect(underlay.delay(from: 1, to: 2) == .microseconds(3500))
    }

    @Test(arguments: [
        ("1,3 150001\n", "", "no latency for the pair 1,3"),
        ("1,3 150001", "1,4 150001", "line 9: no pair I < J of the 3 nodes"),
        ("1,3 150001", "3,1 150001", "line 9: no pair I < J"),
        ("1,3 150001", "1,2 150001", "line 9: a pair seen before"),
        ("1,3 150001", "1,3 -1", "line 9: I,J LATENCY expected"),
        ("1,3 150001", "1,3 999999999999", "line 9: a latency above 120000000"),
        ("1,3 150001", "1,3 99999999999999999999", "line 9: I,J LATENCY expected"),
        ("node 3", "node 4", "line 7: node 3 expected, not 4"),
    ])
    func aBadKingMatrixNamesTheLine(old: String, new: String, message: String) {
        let text = king.split(separator: old, maxSplits: 1, omittingEmptySubsequences: false)
            .joined(separator: new)
        #expect {
            try parse(text)
        } throws: {
            "\($0)".contains(message)
        }
    }
}
