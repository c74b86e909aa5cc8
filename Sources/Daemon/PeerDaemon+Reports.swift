import Forwarding
import Glibc
import Management
import Media
import NetBasics
import Overlay
import Sockets
import Wire

// What people and programs are told: status, members, tree, the status line, the summary.

extension PeerDaemon {
    private func party(_ peer: PeerID) -> Party {
        Party(peer: peer.description, name: memberName(of: peer) ?? "")
    }

    // MARK: - Status

    func status(at now: Instant) -> PeerStatus {
        let view = overlay.view
        return PeerStatus(
            group: configuration.invite.group, access: access, peer: peer.description,
            name: name.description, endpoint: "\(ownEndpoint)",
            uptimeSeconds: (now - startedAt).seconds,
            rendezvous: .init(
                address: configuration.invite.server, state: rendezvousView.state,
                lastReplySeconds: rendezvousView.lastReply.map { (now - $0).seconds },
                detail: rendezvousView.detail, namesakes: rendezvousView.namesakeCount),
            uplink: .init(
                budgetBitsPerSecond: configuration.uplink.bitsPerSecond,
                reservedBitsPerSecond: Int64(clamping: view.reservedRate) * 1000),
            links: view.neighbors.map { neighbor in
                .init(
                    party: party(neighbor.peer), endpoint: "\(neighbor.endpoint)",
                    roundTripMilliseconds: neighbor.roundTrip?.milliseconds,
                    isSameSubnet: neighbor.isNear, state: "open")
            },
            streams: knownStreams.map(streamStatus), sent: sentStreams, children: childStatus,
            repair: repairCount, drops: dropCounts, memoryBytes: Self.residentBytes)
    }

    private var access: PeerStatus.Access {
        if !isReader { return .relay }
        return configuration.invite.secret == nil ? .everybody : .secret
    }

    private var repairCount: RepairCount {
        let counts = media.forwarder.repairCounts
        return RepairCount(
            requested: Int(clamping: counts.requested), repaired: Int(clamping: counts.repaired),
            gaveUp: Int(clamping: counts.gaveUp), answered: Int(clamping: counts.answered),
            refused: Int(clamping: counts.refused), leftOut: Int(clamping: counts.leftOut),
            parity: Int(clamping: counts.parity), restored: Int(clamping: counts.restored))
    }

    /// Where others reach this peer: as the rendezvous sees it, once it answered.
    private var ownEndpoint: Endpoint { rendezvousView.observed ?? socket.local }

    private func streamStatus(_ stream: StreamDescription) -> PeerStatus.Stream {
        let meter = media.meter(of: stream.stream)
        return .init(
            member: stream.member.description, source: stream.stream.source.description,
            stream: Int(stream.stream.index), kind: stream.kind.name,
            priority: Int(stream.priority), format: stream.format.name,
            rateBitsPerSecond: Int64(stream.rate) * 1000,
            received: Int(clamping: received(stream.stream)),
            lost: Int(clamping: meter?.lostCount ?? 0),
            duplicates: Int(clamping: meter?.duplicateCount ?? 0),
            overdue: Int(clamping: meter?.overdueCount ?? 0),
            deliveredTo: media.delivery.endpoints(of: stream.stream).map { "\($0)" })
    }

    private var sentStreams: [SentStream] {
        publishers.map { publisher in
            let count = media.forwarder.count(of: publisher.description.stream)
            return SentStream(
                stream: Int(publisher.description.stream.index),
                packets: Int(clamping: count.packets), copies: Int(clamping: count.copies))
        }
    }

    /// Every reason with its count, in the order of the names.
    private var dropCounts: [DropCount] {
        var counts = drops
        for (reason, count) in media.decodeDrops { counts[reason, default: 0] &+= count }
        for (reason, count) in links.drops { counts[reason.rawValue, default: 0] &+= count }
        for reason in Forwarder.Drop.allCases {
            counts[reason.name, default: 0] &+= media.forwarder.dropCount(reason)
        }
        for (reason, count) in media.sendRefusals.reasons + media.delivery.refusals {
            counts[reason, default: 0] &+= count
        }
        for (reason, count) in media.shedCounts.reasons { counts[reason, default: 0] &+= count }
        for publisher in publishers {
            for (reason, count) in publisher.edge?.drops ?? [:] {
                counts["publish_" + reason, default: 0] &+= count
            }
            if let skipped = publisher.pattern?.skippedCount, skipped > 0 {
                counts["pattern_skipped", default: 0] &+= skipped
            }
        }
        return counts.filter { $0.value > 0 }.sorted { $0.key < $1.key }.map {
            DropCount(reason: $0.key, count: Int(clamping: $0.value))
        }
    }

    /// Resident memory; `nil` where /proc does not tell.
    private static var residentBytes: Int? {
        let number = Glibc.open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return nil }
        defer { Glibc.close(number) }
        var bytes = [UInt8](repeating: 0, count: 128)
        let count = read(number, &bytes, bytes.count)
        guard count > 0 else { return nil }
        let fields = String(decoding: bytes[..<count], as: UTF8.self).split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return nil }
        return pages * Int(getpagesize())
    }

    // MARK: - Members and tree

    var memberList: MemberList {
        let view = overlay.view
        var members = [
            MemberList.Member(
                party: party(peer), endpoint: "\(ownEndpoint)", isSource: !publishers.isEmpty,
                origin: .asked)
        ]
        for neighbor in view.neighbors {
            members.append(
                .init(
                    party: party(neighbor.peer), endpoint: "\(neighbor.endpoint)",
                    isSource: sources[neighbor.peer] != nil, origin: .link,
                    roundTripMilliseconds: neighbor.roundTrip?.milliseconds))
        }
        let linked = view.neighbors.map(\.peer)
        for contact in view.candidates where !linked.contains(contact.peer) {
            members.append(
                .init(
                    party: party(contact.peer), endpoint: "\(contact.endpoint)",
                    isSource: sources[contact.peer] != nil,
                    origin: rendezvousView.peers.contains(contact) ? .rendezvous : .gossip))
        }
        return MemberList(
            group: configuration.invite.group, members: members,
            namesakes: rendezvousView.namesakeCount,
            detail: rendezvousView.state == .registered ? rendezvousView.detail : "")
    }

    var treeView: TreeView {
        TreeView(
            group: configuration.invite.group, party: party(peer),
            sources: overlay.view.sources.map(treeSource))
    }

    private func treeSource(_ source: OverlayView.Source) -> TreeView.Source {
        let state: TreeView.Source.State =
            if source.isLocal {
                .source
            } else if source.parent != nil {
                source.isFed ? .attached : .attaching
            } else {
                source.isAttaching ? .attaching : .orphan
            }
        let streams = source.isLocal ? publishers.count : sources[source.source]?.count ?? 0
        return TreeView.Source(
            source: source.source.description, member: memberName(of: source.source) ?? "",
            state: state, hops: source.hops,
            metricMilliseconds: source.metric.map { delayMilliseconds($0, hops: source.hops) },
            parent: source.parent.map(party), children: source.children.map(party),
            spares: source.spares.map(party), streamCount: streams,
            algorithm: source.algorithm.rawValue)
    }

    /// A route's metric without what it counts for each hop besides the delay.
    private func delayMilliseconds(_ metric: UInt32, hops: Int) -> Double {
        max(0, Double(metric) - Double(hops) * Double(OverlayConfiguration.hopCost)) / 1000
    }

    // MARK: - Status line and summary

    func statusLine(at now: Instant) -> String {
        let meters = knownStreams.compactMap { media.meter(of: $0.stream) }
        let received = meters.reduce(0) { $0 &+ $1.byteCount }
        let lost = meters.reduce(0) { $0 &+ $1.lostCount }
        let passed = (now - statusSample.at).seconds
        let rate =
            passed > 0 ? Double(received &- min(received, statusSample.bytes)) * 8 / passed : 0
        statusSample = (now, received)
        let links = overlay.view.neighbors.count
        return "\(configuration.invite.group) as \(name): links \(links), sources \(sources.count),"
            + " in \(Int(rate / 1000)) kbit/s, lost \(lost), rendezvous "
            + rendezvousView.state.rawValue
    }

    func summary(at now: Instant) -> JoinSummary {
        JoinSummary(
            group: configuration.invite.group, peer: peer.description, name: name.description,
            seconds: (now - startedAt).seconds,
            joinedMilliseconds: joinedAt.map { ($0 - startedAt).milliseconds },
            firstPacketMilliseconds: media.firstDelivery.map { ($0 - startedAt).milliseconds },
            streams: finishedStreams + knownStreams.map(streamSummary), sent: sentStreams,
            links: linksAtEnd, drops: dropCounts)
    }

    /// Packets of a stream; a relay counts what it forwards, since it reads none.
    private func received(_ stream: StreamID) -> UInt64 {
        isReader
            ? media.meter(of: stream)?.receivedCount ?? 0
            : media.forwarder.count(of: stream).packets
    }

    func streamSummary(_ stream: StreamDescription) -> JoinSummary.Stream {
        let meter = media.meter(of: stream.stream) ?? StreamMeter(format: stream.format)
        var latency: JoinSummary.Latency?
        if let median = meter.medianLatency, let high = meter.latency99 {
            latency = .init(p50: median.milliseconds, p99: high.milliseconds)
        }
        return .init(
            member: stream.member.description, stream: Int(stream.stream.index),
            kind: stream.kind.name, format: stream.format.name,
            received: Int(clamping: received(stream.stream)), bytes: Int(clamping: meter.byteCount),
            lost: Int(clamping: meter.lostCount),
            duplicates: Int(clamping: meter.duplicateCount),
            reordered: Int(clamping: meter.reorderedCount),
            corrupted: Int(clamping: meter.corruptedCount),
            overdue: Int(clamping: meter.overdueCount), latency: latency)
    }
}
