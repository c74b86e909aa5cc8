import Capture
import NetBasics

/// What `polycast capture` is asked to do.
package struct CaptureConfiguration: Equatable, Sendable {
    /// When it ends by itself, as soon as one is reached.
    package struct Limits: Equatable, Sendable {
        package var packets: UInt64?
        package var duration: Duration?
        package var bytes: UInt64?

        package init(packets: UInt64? = nil, duration: Duration? = nil, bytes: UInt64? = nil) {
            self.packets = packets
            self.duration = duration
            self.bytes = bytes
        }
    }

    package var input: InspectConfiguration.Input
    package var settings: LiveCaptureSettings
    /// Packets of other groups are left out, but for those that manage membership; empty: nothing is.
    package var groups: [IPAddress]
    package var plan: CaptureFilePlan?
    package var limits: Limits
    /// `nil`: packets are not printed.
    package var output: PacketOutput?
    package var isQuiet: Bool

    package init(
        input: InspectConfiguration.Input, settings: LiveCaptureSettings = LiveCaptureSettings(),
        groups: [IPAddress] = [], plan: CaptureFilePlan? = nil, limits: Limits = Limits(),
        output: PacketOutput? = .text, isQuiet: Bool = false
    ) {
        self.input = input
        self.settings = settings
        self.groups = groups
        self.plan = plan
        self.limits = limits
        self.output = output
        self.isQuiet = isQuiet
    }

    /// The filter for libpcap: what was given, and the groups with what manages them.
    package var filter: String {
        guard !groups.isEmpty else { return settings.filter }
        let names = groups.map { "dst host \($0)" }.joined(separator: " or ")
        let byGroup = "(\(names) or igmp or pim or (icmp6 and ip6[40] >= 130) or ip6 proto 0)"
        return settings.filter.isEmpty ? byGroup : "(\(settings.filter)) and \(byGroup)"
    }
}
