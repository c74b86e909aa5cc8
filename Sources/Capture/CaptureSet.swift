import CLinux
import Glibc
import NetBasics
import PacketFormats
import Sockets

/// Several interfaces captured at once, each with its own ring in the kernel.
package struct CaptureSet: ~Copyable {
    /// Packets taken from one interface before the others are looked at.
    private static let turnLimit = 512

    private final class Member {
        var capture: LiveCapture
        /// Why there is no more of it.
        var trouble: String?

        init(_ capture: consuming LiveCapture) { self.capture = capture }
    }

    private let members: [Member]
    package let interfaces: [CaptureInterface]
    /// Addresses of their hardware.
    package let hardware: Set<MACAddress>

    /// Opens all, and gives up the capabilities that this took.
    package init(_ names: [String], _ settings: LiveCaptureSettings) throws(CaptureError) {
        var members: [Member] = []
        for name in names { members.append(Member(try LiveCapture(name, settings))) }
        self.members = members
        interfaces = members.map { $0.capture.interface }
        hardware = Set(members.compactMap { $0.capture.hardware })
        cl_drop_network_capabilities()
    }

    /// Waits until packets are there, one of `descriptors` is readable or the time is over.
    package func wait(or descriptors: [Int32], atMost time: Duration) {
        var polled = members.filter { $0.trouble == nil }.map {
            pollfd(fd: $0.capture.descriptor, events: Int16(POLLIN), revents: 0)
        }
        polled += descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let limit = max(0, min(time.nanoseconds / 1_000_000 + 1, 60_000))
        poll(&polled, nfds_t(polled.count), Int32(limit))
    }

    /// Hands over what has arrived, some of each interface; returns how many packets.
    ///
    /// `state` is whoever takes them.
    package func read<State: ~Copyable>(
        into state: inout State,
        _ body: (inout State, UnsafeRawBufferPointer, CapturedPacket) -> Void
    ) -> Int {
        var count = 0
        for (index, member) in members.enumerated() where member.trouble == nil {
            do throws(CaptureError) {
                count += try member.capture.read(limit: Self.turnLimit) { bytes, packet in
                    var packet = packet
                    packet.interface = index
                    body(&state, bytes, packet)
                }
            } catch {
                member.trouble = error.reason
            }
        }
        return count
    }

    /// What each interface counted; `nil` where it cannot say.
    package var counts: [CaptureCounts?] { members.map { $0.capture.counts } }

    /// Which interfaces failed, and why; `nil` if none did.
    package var trouble: String? {
        let lines = members.compactMap { member in
            member.trouble.map { "\(member.capture.name): \($0)" }
        }
        return lines.isEmpty ? nil : lines.joined(separator: "; ")
    }

    /// Whether nothing more can come.
    package var isOver: Bool { members.allSatisfy { $0.trouble != nil } }
}

extension CaptureError {
    /// What happened, without the interface.
    var reason: String {
        switch self {
        case .notPermitted: "not permitted"
        case .noSuchInterface: "no such interface"
        case .interfaceDown: "it went down"
        case .badFilter(_, let reason), .failed(_, let reason): reason
        }
    }
}
