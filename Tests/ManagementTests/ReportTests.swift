import Foundation
import Management
import Testing

@Suite struct ReportTests {
    @Test func joinSummariesAreReadBackAsPrinted() throws {
        #expect(
            try JoinSummary(json: JSONValue(parsing: joinSummary.json.description))
                == joinSummary)
    }

    @Test func joinSummariesHaveTheDocumentedMembersInOrder() {
        #expect(
            joinSummary.json.description == """
                {"schema":"polycast.join/1","group":"standup","peer":"00000000000000a1",\
                "name":"ada","seconds":30.0,"joined_ms":12.25,"first_packet_ms":80.5,\
                "streams":[{"member":"bob","stream":0,"kind":"video","format":"test",\
                "received":1234567,"bytes":1481480400,"lost":3,"duplicates":1,"reordered":2,\
                "corrupted":0,"overdue":4,"latency_ms":{"p50":1.5,"p99":9.0}},\
                {"member":"bob","stream":1,"kind":"audio","format":"rtp","received":0,"bytes":0,"lost":0,"duplicates":0,\
                "reordered":0,"corrupted":0,"overdue":0,"latency_ms":null}],\
                "sent":[{"stream":0,"packets":100,"copies":200}],"links":3,\
                "drops":{"truncated":2,"unknown_type":0}}
                """)
    }

    @Test func joinSummariesEndInOneLineForPeople() {
        #expect(
            joinSummary.table == """
                MEMBER  STREAM  KIND    RECEIVED  LOST  DUP  DELAY P50     P99
                bob          0  video  1,234,567     3    1     1.5 ms  9.0 ms
                bob          1  audio          0     0    0          -       -
                SENT STREAM  PACKETS  COPIES
                0                100     200
                dropped: 2 truncated
                standup: 30 s, joined in 12.3 ms, first packet after 80.5 ms, 1,234,567 rx, \
                1 dup, loss 0.00 %

                """)
    }

    @Test func joinsThatNeverSucceededSaySo() {
        let summary = JoinSummary(
            group: "g", peer: "1", name: "n", seconds: 5, joinedMilliseconds: nil,
            firstPacketMilliseconds: nil, streams: [], sent: [], links: 0, drops: [])

        #expect(summary.table == "g: 5.0 s, never joined, 0 rx, 0 dup, loss -\n")
        #expect(summary.json["joined_ms"] == .null)
        #expect((try? JoinSummary(json: summary.json)) == summary)
    }

    @Test func statusIsReadBackAsPrinted() throws {
        #expect(try PeerStatus(json: JSONValue(parsing: status.json.description)) == status)
    }

    @Test func statusReadsAsAPage() {
        #expect(
            status.table == """
                group       standup, public: whoever knows its name can take part
                peer        ada (00000000000000a1)
                endpoint    192.0.2.7:40000
                up          2 m 05 s
                rendezvous  192.0.2.1:7400 unreachable, answered 40 s ago (no answer for 40 s)
                uplink      2.50 Mbit/s of 10.00 Mbit/s reserved
                repair      requested 0, repaired 0, gave up 0, answered 0, refused 0, \
                left out 0

                LINK  ENDPOINT            RTT  SUBNET  STATE
                bob   192.0.2.8:40001  0.8 ms  same    open
                eve   198.51.100.9:1        -  other   opening

                MEMBER  STREAM  KIND   FORMAT          RATE  RECEIVED  LOST  DUP  DELIVERED TO
                bob          0  video  rtp     800.0 kbit/s     1,000     1    0  \
                rtp://127.0.0.1:6000

                SENT STREAM  PACKETS  COPIES
                0                 10      20

                CHILD  STATE            RATE  QUEUED   SENT  SHED
                bob    limited  516.0 kbit/s      12  4,000  shed_late 1,376
                eve    calm                -       0  8,000  -

                dropped: 1 not_polycast

                """)
    }

    @Test func memberListsAreReadBackAsPrinted() throws {
        let text = members.json.description

        #expect(try MemberList(json: JSONValue(parsing: text)) == members)
        #expect(text.contains(#""self":true,"source":true,"via":"self","rtt_ms":null"#))
        #expect(members.table.hasSuffix("standup: 2 members\n"))
    }

    @Test func memberListsSayWhatIsWrong() throws {
        var list = members
        list.namesakes = 3
        list.detail = "check the invite"

        #expect(try MemberList(json: list.json) == list)
        #expect(list.table.hasSuffix("standup: 2 members\ncheck the invite\n"))
    }

    @Test func treesAreReadBackAsPrinted() throws {
        let text = tree.json.description

        #expect(try TreeView(json: JSONValue(parsing: text)) == tree)
        #expect(text.contains(#""parent":{"peer":"00000000000000b2","name":"bob"}"#))
    }

    @Test func treesReadAsATable() {
        #expect(
            tree.table == """
                SOURCE  STATE     HOPS   DELAY  PARENT  CHILDREN  SPARES  STREAMS  BY
                ada     source       0  0.0 ms  -       bob eve   -             2  spt
                bob     attached     2  3.5 ms  bob     -         eve           1  spt
                eve     orphan       0       -  -       -         -             0  spt

                """)
    }

    @Test func documentsOfAnotherSchemaAreRefused() {
        #expect(throws: JSONError.self) { try PeerStatus(json: tree.json) }
        #expect(throws: JSONError.self) { try TreeView(json: status.json) }
        #expect(throws: JSONError.self) { try JoinSummary(json: .null) }
    }

    @Test func everyMemberOfADocumentIsNeededUnlessItMayBeNull() {
        for document in [joinSummary.json, status.json, members.json, tree.json] {
            guard case .object(let all) = document else { continue }
            for index in all.indices {
                var some = all
                some.remove(at: index)
                let isOptional = ["joined_ms", "first_packet_ms", "memory_bytes", "repair"]
                    .contains(all[index].name)
                #expect(canRead(.object(some)) == isOptional, "\(all[index].name)")
            }
        }
    }

    private func canRead(_ json: JSONValue) -> Bool {
        (try? JoinSummary(json: json)) != nil || (try? PeerStatus(json: json)) != nil
            || (try? MemberList(json: json)) != nil || (try? TreeView(json: json)) != nil
    }
}

@Suite struct ManagementExchangeTests {
    @Test(arguments: ManagementRequest.allCases)
    func requestsAreOneLineAndReadBack(request: ManagementRequest) throws {
        #expect(request.line == "{\"command\":\"\(request.rawValue)\"}\n")
        #expect(try ManagementRequest(line: Array(request.line.dropLast().utf8)) == request)
    }

    @Test(arguments: [
        ("", "malformed management request: unexpected end at byte 0"),
        ("{}", "malformed management request: member \"command\" is not a string"),
        ("{\"command\":1}", "malformed management request: member \"command\" is not a string"),
        ("{\"command\":\"reboot\\n\"}", "unknown management command \"reboot\\n\""),
        ("[[[[[", "malformed management request: nested deeper than 4"),
    ])
    func otherRequestsAreRefusedByName(line: String, message: String) throws {
        let failure = try #require(throws: Failure.self) {
            try ManagementRequest(line: Array(line.utf8))
        }

        #expect(failure.message == message)
    }

    @Test func longRequestsAreRefused() {
        let line = Array(repeating: UInt8(ascii: " "), count: 5000)

        #expect(throws: Failure.self) { try ManagementRequest(line: line) }
    }

    @Test func responsesAreOneLineAndReadBack() throws {
        let failure = Failure(.runtimeFailure, "no such peer", advice: "start one")
        let exchanges: [(ManagementRequest, ManagementResponse)] = [
            (.status, .status(status)), (.members, .members(members)), (.tree, .tree(tree)),
            (.leave, .leaving), (.status, ManagementResponse(failure)),
            (.leave, .error(message: "line\nbreak", advice: nil)),
        ]
        for (request, response) in exchanges {
            let line = response.line
            #expect(line.last == "\n" && line.count(where: \.isNewline) == 1)
            #expect(
                try ManagementResponse(line: Array(line.dropLast().utf8), to: request)
                    == response)
        }
    }

    @Test func answersToAnotherQuestionAreRefused() {
        let line = Array(ManagementResponse.tree(tree).json.description.utf8)

        #expect(throws: JSONError.self) { try ManagementResponse(line: line, to: .status) }
        #expect(throws: JSONError.self) { try ManagementResponse(line: line, to: .leave) }
    }
}

// MARK: - Samples

private let ada = Party(peer: "00000000000000a1", name: "ada")
private let bob = Party(peer: "00000000000000b2", name: "bob")
private let eve = Party(peer: "00000000000000e3", name: "eve")

private let joinSummary = JoinSummary(
    group: "standup", peer: ada.peer, name: ada.name, seconds: 30, joinedMilliseconds: 12.25,
    firstPacketMilliseconds: 80.5,
    streams: [
        JoinSummary.Stream(
            member: "bob", stream: 0, kind: "video", format: "test", received: 1_234_567,
            bytes: 1_481_480_400, lost: 3, duplicates: 1, reordered: 2, overdue: 4,
            latency: JoinSummary.Latency(p50: 1.5, p99: 9)),
        JoinSummary.Stream(
            member: "bob", stream: 1, kind: "audio", format: "rtp", received: 0, lost: 0,
            duplicates: 0),
    ],
    sent: [SentStream(stream: 0, packets: 100, copies: 200)], links: 3,
    drops: [
        DropCount(reason: "truncated", count: 2), DropCount(reason: "unknown_type", count: 0),
    ])

private let status = PeerStatus(
    group: "standup", peer: ada.peer, name: ada.name, endpoint: "192.0.2.7:40000",
    uptimeSeconds: 125,
    rendezvous: PeerStatus.RendezvousState(
        address: "192.0.2.1:7400", state: .unreachable, lastReplySeconds: 40,
        detail: "no answer for 40 s", namesakes: 3),
    uplink: PeerStatus.Uplink(
        budgetBitsPerSecond: 10_000_000, reservedBitsPerSecond: 2_500_000),
    links: [
        PeerStatus.Link(
            party: bob, endpoint: "192.0.2.8:40001", roundTripMilliseconds: 0.75,
            isSameSubnet: true, state: "open"),
        PeerStatus.Link(
            party: eve, endpoint: "198.51.100.9:1", roundTripMilliseconds: nil,
            isSameSubnet: false, state: "opening"),
    ],
    streams: [
        PeerStatus.Stream(
            member: "bob", source: bob.peer, stream: 0, kind: "video", priority: 2,
            format: "rtp", rateBitsPerSecond: 800_000, received: 1000, lost: 1, duplicates: 0,
            overdue: 2, deliveredTo: ["rtp://127.0.0.1:6000"])
    ],
    sent: [SentStream(stream: 0, packets: 10, copies: 20)],
    children: [
        PeerStatus.Child(
            party: bob, state: "limited", rateBitsPerSecond: 516_000, queuedPackets: 12,
            queuedBytes: 12_480, sent: 4000, sentBytes: 4_160_000,
            shed: [DropCount(reason: "shed_late", count: 1376)]),
        PeerStatus.Child(
            party: eve, state: "calm", rateBitsPerSecond: nil, queuedPackets: 0,
            queuedBytes: 0, sent: 8000, sentBytes: 8_320_000, shed: []),
    ],
    drops: [DropCount(reason: "not_polycast", count: 1)], memoryBytes: 12_000_000)

private let members = MemberList(
    group: "standup",
    members: [
        MemberList.Member(
            party: ada, endpoint: "192.0.2.7:40000", isSource: true, origin: .asked),
        MemberList.Member(
            party: Party(peer: "00000000000000b2", name: ""), endpoint: "192.0.2.8:40001",
            isSource: false, origin: .gossip, roundTripMilliseconds: 0.75),
    ])

private let tree = TreeView(
    group: "standup", party: ada,
    sources: [
        TreeView.Source(
            source: ada.peer, member: "ada", state: .source, hops: 0, metricMilliseconds: 0,
            parent: nil, children: [bob, eve], spares: [], streamCount: 2),
        TreeView.Source(
            source: bob.peer, member: "bob", state: .attached, hops: 2, metricMilliseconds: 3.5,
            parent: bob, children: [], spares: [eve], streamCount: 1),
        TreeView.Source(
            source: eve.peer, member: "eve", state: .orphan, hops: 0, metricMilliseconds: nil,
            parent: nil, children: [], spares: [], streamCount: 0),
    ])
