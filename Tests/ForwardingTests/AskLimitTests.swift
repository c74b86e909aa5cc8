import Forwarding
import NetBasics
import Testing
import Wire

/// A neighbor that asks for everything, again and again, is soon not listened to.
@Suite struct AskLimitTests {
    private let stream = StreamID(source: PeerID(rawValue: 1), index: 0)

    private func asker(_ number: UInt32) -> RepairAsker {
        RepairAsker(
            token: LinkToken(rawValue: number),
            endpoint: Endpoint(address: .v4(IPv4Address(rawValue: number)), port: 7000),
            localToken: LinkToken(rawValue: number), roundTrip: nil)
    }

    @Test func eachNeighborMayAskForSoMuchInASecond() {
        var forwarder = Forwarder()
        let request = RepairRequest(stream: stream, base: 7, bitmap: .max)
        let inTime = (0..<1000).count { step in
            forwarder.mayAsk(request, asker(1), at: .zero + .microseconds(step * 900))
        }

        let refused = forwarder.repairCounts.refused
        let isOtherHeard = forwarder.mayAsk(request, asker(2), at: .zero + .milliseconds(900))
        let isHeardAgain = forwarder.mayAsk(request, asker(1), at: .zero + .milliseconds(1000))

        #expect(inTime == 16_384 / 64)
        #expect(refused == (1000 - 256) * 64)
        #expect(isOtherHeard && isHeardAgain)
    }
}
