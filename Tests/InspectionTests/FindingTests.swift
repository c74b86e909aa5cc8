import Inspection
import NetBasics
import PacketFormats
import Testing

/// Each finding has a capture that shows it, and a healthy link shows none.
@Suite struct FindingTests {
    /// A querier that asks, a member that answers, and a source that sends what it wants.
    @Test func aHealthyLinkHasNone() {
        var capture = TestCapture()
        for index in 0..<20_000 {
            if index % 6250 == 0 {
                capture.addQuery()
                capture.addReport(of: "239.1.2.3", from: "10.0.0.9")
            }
            capture.addRTP(
                UInt16(truncatingIfNeeded: 60_000 + index), timestamp: UInt32(index) * 1800)
            capture.pass(.milliseconds(20))
        }

        let inspector = capture.inspected()

        #expect(inspector.findings() == [])
        #expect(inspector.streams.count == 1)
    }

    @Test func aLinkWithoutQuerierIsTold() {
        var capture = TestCapture()
        capture.addReport(of: "239.1.2.3", from: "10.0.0.9")
        capture.addStream(packets: 7000)

        #expect(capture.findings == [.noQuerier])
    }

    @Test func aQuerierThatFallsSilentIsTold() throws {
        var capture = TestCapture()
        capture.addQuery()
        capture.addReport(of: "239.1.2.3", from: "10.0.0.9")
        capture.addStream(packets: 14_000)

        let finding = try #require(capture.inspected().findings().first)

        #expect(capture.findings == [.querierSilent])
        #expect(finding.evidence == [1])
    }

    @Test func aQuerierWithoutAddressIsTold() {
        var capture = TestCapture()
        capture.addQuery(from: "0.0.0.0")
        capture.addReport(of: "239.1.2.3", from: "10.0.0.9")
        capture.addStream(packets: 50)

        #expect(capture.findings == [.querierWithoutAddress])
    }

    @Test func anOldQuerierAmongNewHostsIsTold() {
        var capture = TestCapture()
        capture.addReport(of: "239.1.2.3", from: "10.0.0.9")
        capture.addQuery(version: 2)
        capture.addStream(packets: 50)

        #expect(capture.findings == [.oldQuerier])
    }

    @Test func anOldHostIsTold() {
        var capture = TestCapture()
        capture.addQuery()
        capture.addOldReport(of: "239.1.2.3", from: "10.0.0.9")
        capture.addStream(packets: 50)

        #expect(capture.findings == [.oldHost])
    }

    @Test func aMemberThatHearsNothingIsTold() {
        var capture = TestCapture()
        capture.addQuery()
        capture.addReport(of: "239.1.2.3", from: "10.0.0.9")
        capture.addReport(of: "239.9.9.9", from: "10.0.0.9")
        capture.addStream(packets: 2000)

        #expect(capture.findings == [.reportWithoutSender])
    }

    @Test func aSourceThatNobodyWantsIsToldWhereManyReport() {
        var capture = TestCapture()
        capture.addQuery()
        capture.addReport(of: "239.1.2.3", from: "10.0.0.9")
        capture.addReport(of: "239.1.2.3", from: "10.0.0.8")
        for index in 0..<1000 {
            capture.addRTP(UInt16(index), timestamp: UInt32(index) * 1800)
            capture.addRTP(
                UInt16(index), timestamp: UInt32(index) * 1800, ssrc: 9, to: "239.7.7.7")
            capture.pass(.milliseconds(20))
        }

        #expect(capture.findings == [.senderWithoutReport])
    }

    @Test func floodedMulticastIsToldWhereOneReports() {
        var capture = TestCapture()
        capture.addQuery()
        capture.addReport(of: "239.1.2.3", from: "10.0.0.9")
        for index in 0..<1000 {
            capture.addRTP(UInt16(index), timestamp: UInt32(index) * 1800)
            capture.addRTP(
                UInt16(index), timestamp: UInt32(index) * 1800, ssrc: 9, to: "239.7.7.7")
            capture.pass(.milliseconds(20))
        }

        #expect(capture.findings == [.flooded])
    }

    @Test func whatTheCapturingHostSendsIsNotFlooded() {
        var capture = TestCapture()
        capture.addQuery()
        capture.addReport(of: "239.9.9.9", from: "10.0.0.5")
        capture.addStream(packets: 1000)

        let own = MACAddress(rawValue: 0x0200_0A00_0005)
        var settings = InspectionSettings()
        settings.ownAddresses = [own]

        #expect(capture.findings == [])
        #expect(capture.inspected(settings).findings() == [])
    }

    @Test func whatOthersSendIsFloodedWhereNobodyReports() {
        var capture = TestCapture()
        capture.addQuery()
        capture.addStream(packets: 1000)

        var settings = InspectionSettings()
        settings.ownAddresses = [MACAddress(rawValue: 9)]

        #expect(capture.findings == [])
        #expect(capture.inspected(settings).findings().map(\.kind) == [.flooded])
    }

    @Test func whatRoutersReportIsNoSignOfHosts() {
        var capture = TestCapture()
        capture.addQuery()
        capture.addPIMHello(from: "10.0.0.2")
        capture.addReport(of: "224.0.0.22", from: TestCapture.querier)
        capture.addReport(of: "224.0.0.13", from: "10.0.0.2")
        capture.addReport(of: "239.1.2.3", from: "10.0.0.9")
        capture.addStream(packets: 1000)
        capture.addStream(packets: 1000, to: "239.7.7.7")

        #expect(capture.findings == [.flooded])
    }

    @Test func aSourceSpecificGroupWithoutSourceIsTold() {
        var capture = TestCapture()
        capture.addQuery()
        capture.addReport(of: "232.1.2.3", from: "10.0.0.9")
        capture.addStream(packets: 50, to: "232.1.2.3")

        #expect(capture.findings == [.sourceSpecificWithoutSource])
    }

    @Test func aSourceSpecificGroupWithItsSourceIsFine() {
        var capture = TestCapture()
        capture.addQuery()
        capture.addReport(of: "232.1.2.3", from: "10.0.0.9", including: ["10.0.0.5"])
        capture.addStream(packets: 50, to: "232.1.2.3")

        #expect(capture.findings == [])
    }

    @Test func oneHopBesideARouterIsTold() {
        var capture = TestCapture()
        capture.addPIMHello(from: "10.0.0.1")
        capture.addStream(packets: 50, hopLimit: 1)

        #expect(capture.findings == [.hopLimitOne])
    }

    @Test func oneHopWithoutARouterIsFine() {
        var capture = TestCapture()
        capture.addStream(packets: 50, hopLimit: 1)

        #expect(capture.findings == [])
    }

    @Test func groupsOfOneHardwareAddressAreTold() {
        var capture = TestCapture()
        capture.addStream(packets: 20)
        capture.addStream(packets: 20, to: "239.129.2.3", from: "10.0.0.6")

        #expect(capture.findings == [.sharedHardwareAddress])
    }

    @Test func twoForwardersAreTold() throws {
        var capture = TestCapture()
        for index in 0..<100 {
            for router in ["10.0.0.1", "10.0.0.2"] {
                capture.addRTP(
                    UInt16(index), timestamp: UInt32(index) * 1800, from: "192.0.2.5",
                    hardware: TestCapture.hardware(router))
            }
            capture.pass(.milliseconds(20))
        }

        let inspector = capture.inspected()

        #expect(inspector.findings().map(\.kind) == [.twoForwarders])
        #expect(inspector.streams[0].duplicates == 100)
        #expect(inspector.findings()[0].evidence == [2])
    }

    @Test func packetsThatGoInACircleAreTold() {
        var capture = TestCapture()
        for index in 0..<100 {
            for hopLimit in [16 as UInt8, 14] {
                capture.addRTP(
                    UInt16(index), timestamp: UInt32(index) * 1800, hopLimit: hopLimit)
            }
            capture.pass(.milliseconds(20))
        }

        #expect(capture.findings == [.loop])
    }

    @Test func lossIsTold() {
        var capture = TestCapture()
        for index in 0..<1000 where index % 100 != 50 {
            capture.addRTP(UInt16(index), timestamp: UInt32(index) * 1800)
            capture.pass(.milliseconds(20))
        }

        #expect(capture.findings == [.loss])
    }

    @Test func aChangedDSCPIsTold() {
        var capture = TestCapture()
        for index in 0..<100 {
            capture.addRTP(
                UInt16(index), timestamp: UInt32(index) * 1800, dscp: index < 50 ? 34 : 0)
            capture.pass(.milliseconds(20))
        }

        #expect(capture.findings == [.dscpRewritten])
    }

    @Test func anotherDSCPBehindADeviceIsTold() {
        var capture = TestCapture()
        for index in 0..<100 {
            for interface in 0...1 {
                capture.interface = interface
                capture.addRTP(
                    UInt16(index), timestamp: UInt32(index) * 1800,
                    dscp: interface == 0 ? 34 : 0)
            }
            capture.pass(.milliseconds(20))
        }

        let inspector = capture.inspected()

        #expect(inspector.findings().map(\.kind) == [.dscpRewritten])
        #expect(inspector.streams.map(\.duplicates) == [0, 0])
    }

    @Test func fragmentsAreToldAndPutTogether() {
        var capture = TestCapture()
        for index in 0..<20 as Range<UInt16> {
            let datagram =
                word(5004) + word(5004) + word(2020) + [0, 0, 0x80, 33] + word(index)
                + long(UInt32(index) * 1800) + long(7) + [UInt8](repeating: 1, count: 2000)
            capture.addIPv4(
                Array(datagram[..<1480]), from: "10.0.0.5", to: "239.1.2.3", transport: 17,
                fragmentWord: 0x2000, identification: index)
            capture.addIPv4(
                Array(datagram[1480...]), from: "10.0.0.5", to: "239.1.2.3", transport: 17,
                fragmentWord: 1480 / 8, identification: index)
            capture.pass(.milliseconds(20))
        }

        let inspector = capture.inspected()

        #expect(inspector.findings().map(\.kind) == [.fragments])
        #expect(inspector.streams.map(\.packets) == [20])
        #expect(inspector.fragmentCounts.completed == 20)
    }

    @Test func aSourceWithTheAddressOfAnotherInterfaceIsTold() {
        var capture = TestCapture()
        capture.addReport(of: "239.1.2.3", from: "10.0.0.5")
        capture.addStream(
            packets: 50, from: "192.168.7.5", hardware: TestCapture.hardware("10.0.0.5"))

        #expect(capture.findings == [.foreignSourceAddress])
    }

    @Test func aStreamThatBeginsAnewIsTold() {
        var capture = TestCapture()
        capture.addStream(packets: 200, first: 100)
        for index in 0..<200 {
            capture.addRTP(
                UInt16(40_000 + index), timestamp: 0x8000_0000 + UInt32(index) * 1800)
            capture.pass(.milliseconds(20))
        }

        let inspector = capture.inspected()

        #expect(inspector.findings().map(\.kind) == [.restart])
        #expect(inspector.streams[0].lost == 0)
    }

    @Test func aClockThatDriftsIsTold() {
        var capture = TestCapture()
        // 1802 instead of 1800 is 1,111 millionths too fast.
        capture.addStream(packets: 3000, timestampStep: 1802)

        #expect(capture.findings == [.clockDrift])
    }

    @Test func aPauseIsTold() {
        var capture = TestCapture()
        capture.addStream(packets: 100)
        capture.pass(.seconds(2))
        for index in 0..<100 {
            capture.addRTP(
                UInt16(101 + index), timestamp: UInt32(100 + index) * 1800 + 180_000)
            capture.pass(.milliseconds(20))
        }

        #expect(capture.findings == [.pause])
    }

    @Test(arguments: ["224.0.0.200", "226.1.1.1", "238.0.0.5"])
    func aReservedAddressIsTold(group: String) {
        var capture = TestCapture()
        capture.addStream(packets: 50, to: group)

        #expect(capture.findings == [.reservedAddress])
    }

    @Test func twoAnnouncementsForOneAddressAreTold() {
        var capture = TestCapture()
        capture.addAnnouncement("One", session: 1, group: "239.1.2.3")
        capture.addAnnouncement("Two", session: 2, group: "239.1.2.3", from: "10.0.0.6")
        capture.addAnnouncement("One", session: 1, group: "239.1.2.3")

        #expect(capture.findings == [.announcementConflict])
    }

    @Test func sessionsOfOneOriginAreToldApart() {
        var capture = TestCapture()
        capture.addAnnouncement("No Name", session: 0, group: "239.1.2.3")
        capture.addAnnouncement("No Name", session: 0, group: "239.1.2.4")
        for index in 0..<20 {
            for group in ["239.1.2.3", "239.1.2.4"] {
                capture.addRTP(
                    UInt16(index), timestamp: UInt32(index) * 1800, payloadType: 96, to: group)
            }
            capture.pass(.milliseconds(20))
        }

        let inspector = capture.inspected()

        #expect(inspector.findings().isEmpty)
        let kinds = inspector.streams.filter { $0.ssrc != nil }.map(\.kind)
        #expect(kinds == [.media("h264"), .media("h264")])
    }

    @Test func aWrongChecksumIsTold() {
        var capture = TestCapture()
        capture.addIPv4(
            [0x16, 0, 1, 2, 239, 1, 2, 3], from: "10.0.0.9", to: "239.1.2.3", transport: 2)

        #expect(capture.findings == [.badChecksum])
    }

    @Test func groupFramesOverWirelessAtABasicRateAreTold() {
        var capture = TestCapture()
        capture.addStream(packets: 30)
        var wireless = TestCapture()
        wireless.linkType = .radiotap
        for (frame, packet) in capture.packets {
            wireless.now = packet.time
            // One field, the rate: 1 Mbit/s; from the access point to the group.
            let radiotap: [UInt8] = [0, 0, 9, 0, 4, 0, 0, 0, 2]
            let header =
                [0x08, 0x02, 0, 0] + frame[0..<6] + [2, 0, 0, 0, 0, 1] + frame[6..<12] + [0, 0]
            wireless.add(radiotap + header + [0xAA, 0xAA, 3, 0, 0, 0] + frame[12...])
        }

        #expect(wireless.findings == [.wirelessBasicRate])
    }

    @Test func everyKindHasATest() {
        // A kind that is added has to be added here, with a test above.
        #expect(Finding.Kind.allCases.count == 24)
    }
}
