import Diagnosis
import Management
import NetBasics
import Testing

@testable import Doctor

@Suite struct KernelTextTests {
    @Test func membershipsAreReadFromBothFamilies() {
        let igmp = """
            Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter
            1\tlo        :     1      V3
            \t\t\t\t010000E0     1 0:00000000\t\t0
            2\teth0.5    :     2      V2
            \t\t\t\t030201EF     1 0:00000000\t\t1
            \t\t\t\t010000E0     1 0:00000000\t\t0

            """
        let igmp6 = "2    eth0            ff020000000000000000000000000001     1 0000000C 0\n"

        let found = SystemFiles.memberships(igmp: igmp).map { "\($0.interface) \($0.group)" }

        #expect(found == ["lo 224.0.0.1", "eth0.5 239.1.2.3", "eth0.5 224.0.0.1"])
        #expect(SystemFiles.igmpVersion(of: "eth0.5", in: igmp) == 2)
        #expect(SystemFiles.igmpVersion(of: "eth0", in: igmp) == nil)
        #expect(
            SystemFiles.memberships(igmp6: igmp6).map { "\($0.interface) \($0.group)" }
                == ["eth0 ff02::1"])
    }

    @Test func countersAndDropsAreRead() {
        let snmp = """
            UdpLite: InDatagrams NoPorts
            UdpLite: 1 2
            Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors
            Udp: 10 0 3 4 5

            """
        let udp = """
              sl  local_address rem_address   st tx_queue rx_queue ... inode ref pointer drops
              10: 00000000:2328 00000000:0000 07 00000000:00000000 00:00000000 0 0 0 77 2 0 12

            """

        #expect(SystemFiles.counters("Udp", snmp: snmp)["RcvbufErrors"] == 5)
        #expect(SystemFiles.counters(snmp6: "Udp6InDatagrams  \t7\n") == ["Udp6InDatagrams": 7])
        let drops = SystemFiles.socketDrops(udp).values.map { "\($0.endpoint) \($0.drops)" }
        #expect(drops == ["*:9000 12"])
        #expect(
            SystemFiles.routedInterfaces("Interface BytesIn\n 0 eth0 1\n 1 eth1 2\n")
                == ["eth0", "eth1"])
    }

    @Test(arguments: [
        "", "x", "\t", "\n\n\n", "a : b", "\t\t\t\tzzzzzzzz", ": : : : : : : : : : :",
    ])
    func otherTextsAreNoTrouble(text: String) {
        #expect(SystemFiles.memberships(igmp: text) == [])
        #expect(SystemFiles.memberships(igmp6: text) == [])
        #expect(SystemFiles.counters("Udp", snmp: text) == [:])
        #expect(SystemFiles.socketDrops(text).isEmpty)
    }
}

@Suite struct KernelBytesTests {
    @Test func attributesThatAreCutShortEndTheList() {
        var writer = NativeWriter()
        writer.writeAttribute(3, Array("eth0\0".utf8))
        writer.writeAttribute(4, [1, 2, 3, 4])
        let whole = writer.bytes

        for count in 0...whole.count {
            let attributes = NetlinkAttributes(whole[..<count])
            #expect(attributes.text(3) == (count >= 9 ? "eth0" : nil))
            #expect((attributes.word(4) != nil) == (count == whole.count))
        }
        #expect(NetlinkAttributes([0, 0, 0, 0, 0, 0])[0] == nil)
        #expect(NetlinkAttributes([255, 255, 3, 0])[3] == nil)
    }

    @Test func messagesThatAreCutShortEndTheAnswer() {
        var writer = NativeWriter()
        writer.write(UInt32(20))
        writer.write(UInt16(16))
        writer.write(UInt16(0))
        writer.write(UInt32(5))
        writer.write(UInt32(0))
        writer.write(UInt32(7))
        for count in 0..<20 {
            var rest = writer.bytes[..<count]
            #expect(Netlink.next(&rest) == nil)
        }
        var rest = writer.bytes[...]
        let found = Netlink.next(&rest)
        #expect(found?.0.type == 16 && found?.1 == 5 && found?.0.payload.count == 4)
        #expect(rest.isEmpty)
    }

    @Test func queriesAreToldByTheirVersion() {
        func igmp(_ length: Int, timer: UInt8, type: UInt8 = 0x11) -> [UInt8] {
            let header: [UInt8] = [0x46, 0, 0, UInt8(24 + length), 0, 0, 0, 0, 1, 2, 0, 0]
            let addresses: [UInt8] = [192, 0, 2, 1, 224, 0, 0, 1, 0x94, 4, 0, 0]
            return header + addresses + [type, timer] + Array(repeating: 0, count: length - 2)
        }
        func version(_ bytes: [UInt8]) -> Int? { QuerierListener.queryIPv4(bytes[...])?.version }

        #expect(version(igmp(12, timer: 100)) == 3 && version(igmp(8, timer: 100)) == 2)
        #expect(version(igmp(8, timer: 0)) == 1 && version(igmp(8, timer: 1, type: 0x16)) == nil)
        let whole = igmp(12, timer: 100)
        for count in 0..<32 { #expect(version(Array(whole[..<count])) == nil) }
    }

    @Test func queriesOfMLDAreToldByTheirVersion() {
        func mld(_ length: Int) -> [UInt8] {
            var bytes: [UInt8] = [0x60, 0, 0, 0, 0, UInt8(8 + length), 0, 1]
            bytes += [0xFE, 0x80] + Array(repeating: 0, count: 13) + [1]
            bytes += [0xFF, 2] + Array(repeating: 0, count: 13) + [1]
            bytes += [58, 0, 5, 2, 0, 0, 1, 0, 130]
            return bytes + Array(repeating: 0, count: length - 1)
        }
        func version(_ bytes: [UInt8]) -> Int? { QuerierListener.queryIPv6(bytes[...])?.version }

        #expect(version(mld(24)) == 1 && version(mld(28)) == 2)
        for count in 0..<72 { #expect(version(Array(mld(28)[..<count])) == nil) }
    }
}

@Suite struct FilterReaderTests {
    private func steps(_ expressions: String) throws -> [FilterStep] {
        let text = """
            {"nftables": [
              {"chain": {"family": "ip", "table": "t", "name": "c", "hook": "input", "prio": -5,
                         "policy": "drop"}},
              {"set": {"family": "ip", "table": "t", "name": "s", "elem": ["239.1.2.3",
                       {"prefix": {"addr": "232.0.0.0", "len": 8}}]}},
              {"rule": {"family": "ip", "table": "t", "chain": "c", "handle": 4,
                        "expr": \(expressions)}}]}
            """
        let rules = FilterReader.rules(try JSONValue(parsing: text))
        #expect(rules.chains.count == 1 && rules.chains[0].priority == -5)
        #expect(rules.chains[0].dropsByDefault && rules.chains[0].rules.first?.handle == 4)
        return rules.chains[0].rules[0].steps
    }

    @Test func matchesVerdictsAndSetsAreRead() throws {
        let found = try steps(
            """
            [{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "daddr"}},
              "right": "@s"}}, {"counter": {"packets": 0, "bytes": 0}}, {"drop": null}]
            """)
        #expect(
            found == [
                .match(
                    field: "ip daddr",
                    values: [
                        .number(0xEF01_0203...0xEF01_0203), .number(0xE800_0000...0xE8FF_FFFF),
                    ], isNegated: false), .drop,
            ])
    }

    @Test func namesOfProtocolsAreNumbers() throws {
        let found = try steps(
            """
            [{"match": {"op": "!=", "left": {"meta": {"key": "l4proto"}},
              "right": {"set": ["igmp", "udp", {"range": [1, 5]}]}}}, {"jump": {"target": "x"}}]
            """)
        #expect(
            found == [
                .match(
                    field: "meta l4proto",
                    values: [.number(2...2), .number(17...17), .number(1...5)],
                    isNegated: true), .jump("x"),
            ])
    }

    @Test func aTestOfTheWayBackIsLeftToAnotherCheck() throws {
        let found = try steps(
            """
            [{"match": {"op": "==", "left": {"fib": {"result": "oif", "flags": ["saddr", "iif"]}},
              "right": false}}, {"drop": null}]
            """)
        #expect(
            found == [.match(field: "fib saddr iif oif", values: [], isNegated: false), .drop])
    }

    @Test func whatIsNotUnderstoodIsUnknown() throws {
        for expression in [
            "{\"limit\": {\"rate\": 5}}", "{\"xt\": null}", "{\"queue\": null}", "7",
            "{\"match\": {\"op\": \"<\", \"left\": {}, \"right\": 1}}",
            #"{"match": {"op": "==", "left": {"payload": {"base": "th"}}, "right": 1}}"#,
            #"{"match": {"op": "==", "left": {"meta": {"key": "mark"}}, "right": {}}}"#,
            #"{"vmap": {"key": {"meta": {"key": "mark"}}, "data": "@none"}}"#,
        ] {
            guard case .unknown = try steps("[\(expression)]").first else {
                Issue.record("\(expression)")
                continue
            }
        }
    }
}
