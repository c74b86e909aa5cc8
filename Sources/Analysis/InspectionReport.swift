import Capture
import Inspection
import NetBasics
import PacketFormats
import Wire

/// What an inspection found, ready to be shown.
package struct InspectionReport: Sendable {
    package var settings: InspectionSettings
    /// Where the packets came from, for people.
    package var subject: String
    package var interfaces: [CaptureInterface]
    /// Those of `any`, which streams name by numbers above ``interfaces``.
    package var cooked: CookedInterfaces
    /// Names of the captured host's interfaces by their numbers, where they are known.
    package var namesOfIndexes: [UInt32: String] = [:]
    package var streams: [StreamMeasure]
    package var groups: [GroupSummary]
    package var queriers: [Querier]
    package var findings: [Finding]
    package var overlay: OverlayTraffic
    package var capture: CaptureSummary
    package var duration: Duration
    /// When the last packet came.
    package var end: Instant

    /// One group: who sends, who listens, and as which frames it comes.
    package struct GroupSummary: Sendable {
        package var group: IPAddress
        package var sources: [IPAddress]
        package var hardware: MACAddress?
        package var members: [Member]

        package struct Member: Sendable {
            package var member: GroupMember
            /// When switches and routers forget it, unless it reports again.
            package var expiry: Instant
        }

        /// One that several interfaces saw is shown once, as it was last seen.
        mutating func note(_ entry: Member) {
            let known = members.firstIndex { $0.member.address == entry.member.address }
            guard let known else { return members.append(entry) }
            if members[known].member.lastSeen < entry.member.lastSeen { members[known] = entry }
        }
    }

    /// What was looked at, and what was not.
    package struct CaptureSummary: Sendable {
        package var counts: PacketCounts
        package var fragments: FragmentTable.Counts
        package var untracked: UInt64
        /// Packets that name no interface of the file.
        package var stray: UInt64
        /// Why it ended before its end; `nil` if it did not.
        package var trouble: String?

        package var kernelDropped: UInt64?
        package var interfaceDropped: UInt64?
        /// Dropped as the program's own buffers were full.
        package var ringDropped: UInt64 = 0

        package var droppedCount: UInt64 {
            (kernelDropped ?? 0) &+ (interfaceDropped ?? 0) &+ ringDropped
        }
    }

    /// Sums up a finished inspection; streams of other groups than `groups` are left out.
    package init(
        _ inspector: Inspector, subject: String, interfaces: [CaptureInterface],
        groups wanted: [IPAddress], trouble: String?
    ) {
        settings = inspector.settings
        self.subject = subject
        self.interfaces = interfaces
        cooked = inspector.cooked
        func isWanted(_ group: IPAddress) -> Bool { wanted.isEmpty || wanted.contains(group) }
        streams = inspector.streams.filter { isWanted($0.key.destination) && $0.packets > 0 }
            .sorted { $0.order < $1.order }
        groups = Self.groups(inspector, streams, isWanted)
        queriers = inspector.queriers
        findings = inspector.findings()
        overlay = inspector.overlay
        duration = inspector.duration
        end = inspector.lastTime
        capture = CaptureSummary(
            counts: inspector.counts, fragments: inspector.fragmentCounts,
            untracked: inspector.untrackedCount, stray: 0, trouble: trouble,
            kernelDropped: Self.sum(interfaces.map(\.counts.kernelDropped)),
            interfaceDropped: Self.sum(interfaces.map(\.counts.interfaceDropped)))
    }

    private static func sum(_ counts: [UInt64?]) -> UInt64? {
        let known = counts.compactMap(\.self)
        return known.isEmpty ? nil : known.reduce(0, &+)
    }

    private static func groups(
        _ inspector: Inspector, _ streams: [StreamMeasure], _ isWanted: (IPAddress) -> Bool
    ) -> [GroupSummary] {
        var places: [IPAddress: Int] = [:]
        var summaries: [GroupSummary] = []
        func place(_ group: IPAddress) -> Int {
            if let place = places[group] { return place }
            places[group] = summaries.count
            summaries.append(
                GroupSummary(
                    group: group, sources: [], hardware: MACAddress(group: group), members: []))
            return summaries.count - 1
        }
        for stream in streams where stream.key.destination.isMulticast {
            let place = place(stream.key.destination)
            if !summaries[place].sources.contains(stream.key.source) {
                summaries[place].sources.append(stream.key.source)
            }
        }
        for membership in inspector.memberships where isWanted(membership.group) {
            let querier = inspector.queriers.first { $0.interface == membership.interface }
            let lifetime = querier?.membershipInterval ?? Querier.defaultMembershipInterval
            let place = place(membership.group)
            for member in membership.members {
                summaries[place].note(.init(member: member, expiry: member.lastSeen + lifetime))
            }
        }
        return summaries.sorted { $0.group < $1.group }
    }
}

extension StreamMeasure {
    /// The order of lists: by group and port, then by source.
    var order: Order {
        Order(
            group: key.destination, port: key.destinationPort, source: key.source,
            sourcePort: key.sourcePort, ssrc: ssrc ?? 0, interface: key.interface)
    }

    struct Order: Comparable {
        var group: IPAddress
        var port: UInt16
        var source: IPAddress
        var sourcePort: UInt16
        var ssrc: UInt32
        var interface: UInt16

        static func < (left: Order, right: Order) -> Bool {
            (left.group, left.port, left.source, left.sourcePort, left.ssrc, left.interface)
                < (
                    right.group, right.port, right.source, right.sourcePort, right.ssrc,
                    right.interface
                )
        }
    }

    /// Of what was to come, the share that did not; `nil` where there are no numbers.
    package var lossShare: Double? {
        guard ssrc != nil else { return nil }
        let expected = lost &+ received
        return expected > 0 ? Double(lost) / Double(expected) : 0
    }
}

/// Up to three significant digits where that says all.
func shortNumber(_ value: Double) -> String {
    let thousandths = (value * 1000).rounded() / 1000
    return thousandths == thousandths.rounded() && abs(thousandths) < 1e15
        ? "\(Int64(thousandths))" : "\(thousandths)"
}
