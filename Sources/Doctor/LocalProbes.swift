import CLinux
import Diagnosis
import Glibc
import NetBasics
import Sealing
import Sockets

/// Tests on this host alone.
enum LocalProbes {
    /// Joins the group on the interface, sends to it, and waits for what comes back.
    ///
    /// With a hop limit of zero the packet leaves no host. In a source-specific group it is sent from
    /// the interface's own address.
    static func loopback(
        _ question: Question, interface: InterfaceFacts
    ) -> Fact<LoopbackOutcome> {
        let own = interface.addresses.first {
            IPAddress.areOfOneFamily($0.address, question.group)
        }?.address
        if question.source != nil, own == nil {
            return .unknown("\(interface.name) has no address to send from")
        }
        do throws(SystemError) {
            var member = try ProbeSocket(
                binding: Endpoint(address: question.group, port: 0), isShared: true)
            do throws(SystemError) {
                try member.join(
                    question.group, source: question.source == nil ? nil : own,
                    interface: interface.index)
            } catch {
                return .known(.joinRefused(error.reason))
            }
            return .known(
                try send(question, from: own, interface: interface.index, to: &member))
        } catch {
            return .unknown("no socket for the test: \(error.reason)")
        }
    }

    private static func send(
        _ question: Question, from own: IPAddress?, interface: Int, to member: inout ProbeSocket
    ) throws(SystemError) -> LoopbackOutcome {
        let any: IPAddress =
            question.isIPv6
            ? .v6(IPv6Address(high: 0, low: 0)) : .v4(IPv4Address(rawValue: 0))
        let source = question.source == nil ? any : own ?? any
        let sender = try ProbeSocket(binding: Endpoint(address: source, port: 0))
        let port = member.local?.port ?? 0
        let token = randomBytes(16)
        do throws(SystemError) {
            try sender.setHops(multicast: 0)
            try sender.chooseInterface(interface)
            for _ in 0..<3 {
                try sender.send(
                    token, to: Endpoint(address: question.group, port: port), scope: interface)
                let deadline = Clocks.now + .milliseconds(200)
                while let arrival = try member.receive(by: deadline) {
                    if arrival.bytes == token { return .delivered }
                }
            }
        } catch {
            return .sendRefused(error.reason)
        }
        return .lost
    }

    /// What the kernel says of its clock; reading needs no permission.
    static func clock() -> Fact<ClockFacts> {
        var state = timex()
        guard adjtimex(&state) >= 0 else {
            return .unknown("adjtimex: \(String(cString: strerror(errno)))")
        }
        return .known(
            ClockFacts(
                isFlaggedFree: state.status & Int32(STA_UNSYNC) != 0,
                estimatedError: .microseconds(Int64(state.esterror)),
                maximumError: .microseconds(Int64(state.maxerror))))
    }
}

extension IPAddress {
    static func areOfOneFamily(_ left: IPAddress, _ right: IPAddress) -> Bool {
        switch (left, right) {
        case (.v4, .v4), (.v6, .v6): true
        default: false
        }
    }
}
