import NetBasics

// Streams: what was lost, repeated, rewritten, cut in pieces or interrupted.

extension Inspector {
    /// Loss that is told, of all packets.
    private static let lossShare = 0.001
    private static let pauseLimit = Duration.seconds(1)
    /// Clocks of computers are within 100 millionths of each other.
    private static let driftLimit = 200.0

    func streamFindings() -> [Finding] {
        streams.flatMap { stream in
            [
                loss(stream), forwarders(stream), loop(stream), rewritten(stream),
                fragmented(stream), restarted(stream), drifting(stream), paused(stream),
                hopLimitOne(stream), foreignSource(stream), wireless(stream),
            ].compactMap(\.self)
        } + rewrittenBetweenInterfaces()
    }

    private func loss(_ stream: StreamMeasure) -> Finding? {
        let expected = stream.lost &+ stream.received
        guard stream.lost > 0, Double(stream.lost) > Self.lossShare * Double(expected) else {
            return nil
        }
        let text =
            "\(stream.title) lacks \(stream.lost) of \(expected) packets, in "
            + "\(stream.gapCount) gaps"
        let evidence = [stream.evidence.loss].compactMap(\.self)
        guard stream.cutLong == 0 else {
            return Finding(
                kind: .loss, severity: .warning,
                text: text + "; or they are in \(stream.cutLong) packets longer than a frame, "
                    + "which were captured in part and may be several (segmentation offload)",
                evidence: evidence,
                fix: "capture whole packets: polycast capture without -s, tcpdump -s 0")
        }
        return Finding(
            kind: .loss, severity: .problem, text: text, evidence: evidence,
            fix: "capture nearer to the source to see where they go; look for full buffers "
                + "(netstat -su), overrun links and duplex errors on the way")
    }

    private func forwarders(_ stream: StreamMeasure) -> Finding? {
        guard stream.duplicatesOfOthers > 0, let one = stream.sender,
            let other = stream.otherSender
        else { return nil }
        return Finding(
            kind: .twoForwarders, severity: .problem,
            text: "\(stream.title) comes twice: \(one) and \(other) both forward it "
                + "(\(stream.duplicatesOfOthers) duplicates), so PIM's assert does not work "
                + "between them, or there is a loop",
            evidence: [stream.evidence.duplicate].compactMap(\.self),
            fix: "run PIM between both routers on this link (they have to hear each other's "
                + "hellos), or stop static forwarding on one of them")
    }

    private func loop(_ stream: StreamMeasure) -> Finding? {
        guard stream.loopedDuplicates > 0 else { return nil }
        return Finding(
            kind: .loop, severity: .problem,
            text: "\(stream.title) comes again with another TTL (\(stream.hopLimits.least) to "
                + "\(stream.hopLimits.greatest)): packets go in a circle",
            evidence: [stream.evidence.duplicate].compactMap(\.self),
            fix: "look for two multicast routers or tunnels that forward to each other without "
                + "a reverse-path check, and remove one of their routes")
    }

    private func rewritten(_ stream: StreamMeasure) -> Finding? {
        guard let changed = stream.changedTrafficClass else { return nil }
        return Finding(
            kind: .dscpRewritten, severity: .warning,
            text: "\(stream.title) changes its DSCP from \(stream.trafficClass >> 2) to "
                + "\(changed >> 2)",
            evidence: [stream.evidence.trafficClass].compactMap(\.self),
            fix: "let the first switch trust the source's DSCP on every path (mls qos trust "
                + "dscp), or mark it there")
    }

    /// The same stream with another DSCP at another interface of the capture.
    private func rewrittenBetweenInterfaces() -> [Finding] {
        var firsts: [FlowKey: StreamMeasure] = [:]
        var findings: [Finding] = []
        for stream in streams {
            var key = stream.key
            (key.interface, key.vlan) = (0, 0)
            guard let first = firsts[key] else {
                firsts[key] = stream
                continue
            }
            guard first.trafficClass >> 2 != stream.trafficClass >> 2, first.ssrc == stream.ssrc
            else { continue }
            findings.append(
                Finding(
                    kind: .dscpRewritten, severity: .warning,
                    text: "\(stream.title) has DSCP \(first.trafficClass >> 2) on one side and "
                        + "\(stream.trafficClass >> 2) on the other",
                    evidence: [first.evidence.first, stream.evidence.first],
                    fix: "let the device between trust DSCP, or map it on purpose"))
        }
        return findings
    }

    private func fragmented(_ stream: StreamMeasure) -> Finding? {
        guard stream.fragmented > 0 else { return nil }
        return Finding(
            kind: .fragments, severity: .warning,
            text: "\(stream.fragmented) packets of \(stream.title) come in fragments: one lost "
                + "fragment costs a packet, and firewalls drop the later ones",
            evidence: [stream.evidence.fragment].compactMap(\.self),
            fix: "let the source send at most 1472 bytes a datagram over IPv4 (1452 over IPv6); "
                + "ffmpeg: pkt_size=1316")
    }

    private func restarted(_ stream: StreamMeasure) -> Finding? {
        guard stream.restarts > 0 else { return nil }
        return Finding(
            kind: .restart, severity: .warning,
            text: "\(stream.title) began anew \(stream.restarts) times: sequence numbers and "
                + "time stamps jumped together",
            evidence: [stream.evidence.restart].compactMap(\.self),
            fix: "look into the log of the source for restarts and input that was lost")
    }

    private func drifting(_ stream: StreamMeasure) -> Finding? {
        guard let drift = stream.clockDrift, abs(drift) > Self.driftLimit,
            stream.duration >= .seconds(30),
            let jitter = stream.jitterMilliseconds,
            4 * jitter.greatest / 1000 / stream.duration.seconds * 1e6 < abs(drift)
        else { return nil }
        return Finding(
            kind: .clockDrift, severity: .warning,
            text: "the clock of \(stream.title) runs \(Int64(abs(drift))) millionths too "
                + (drift > 0 ? "fast" : "slow") + ": receivers' buffers "
                + (drift > 0 ? "fill up" : "run dry") + " every few minutes",
            evidence: [stream.evidence.first, stream.evidence.last],
            fix: "lock the encoder to PTP or NTP, and let it stamp by a media clock instead of "
                + "by frames")
    }

    private func paused(_ stream: StreamMeasure) -> Finding? {
        guard stream.packets >= 20, stream.longestPause >= Self.pauseLimit,
            let usual = stream.gaps.quantile(0.95), stream.longestPause > usual * 10
        else { return nil }
        return Finding(
            kind: .pause, severity: .warning,
            text: "\(stream.title) paused for "
                + "\(stream.longestPause.nanoseconds / 1_000_000) ms",
            evidence: [stream.evidence.pause].compactMap(\.self),
            fix: "see whether the source stopped or the way did: capture beside the source, and "
                + "look for a querier (snooping forgets members) and for changes of the tree")
    }

    private func hopLimitOne(_ stream: StreamMeasure) -> Finding? {
        let key = stream.key
        guard stream.hopLimits.greatest == 1, key.destination.isMulticast,
            !GroupScope.isLinkLocal(key.destination),
            let router = routers.all.first(where: { $0.interface == key.interface })
        else { return nil }
        return Finding(
            kind: .hopLimitOne, severity: .problem,
            text: "\(stream.title) has TTL 1 on a LAN with router \(router.address): it never "
                + "leaves this LAN",
            evidence: [stream.evidence.first, router.number],
            fix: "let the source send with a larger TTL (ffmpeg, VLC: ttl=16; IP_MULTICAST_TTL)")
    }

    private func foreignSource(_ stream: StreamMeasure) -> Finding? {
        guard let sender = stream.sender, !routers.isRouter(sender),
            !queriers.contains(where: { $0.hardware == sender }),
            let host = hosts.address(of: sender), case .v4 = host.address,
            case .v4 = stream.key.source, host.address.subnet != stream.key.source.subnet
        else { return nil }
        return Finding(
            kind: .foreignSourceAddress, severity: .problem,
            text: "\(sender) is \(host.address) on this LAN, but sends \(stream.target) "
                + "from \(stream.key.source): routers drop it at the reverse-path check",
            evidence: [host.number, stream.evidence.first],
            fix: "bind the source to \(host.address), or choose its interface (IP_MULTICAST_IF; "
                + "ffmpeg: localaddr=\(host.address)); ip route get \(stream.key.destination) "
                + "on that host shows what it chooses")
    }

    private func wireless(_ stream: StreamMeasure) -> Finding? {
        guard let rate = stream.wirelessRate, rate <= 6_000_000,
            stream.key.destination.isMulticast
        else { return nil }
        return Finding(
            kind: .wirelessBasicRate, severity: .warning,
            text: "\(stream.title) goes over Wi-Fi at \(rate / 1000) kbit/s: group frames are "
                + "sent at a basic rate, unacknowledged, and take the air from everybody",
            evidence: [stream.evidence.first],
            fix: "raise the lowest basic rate, turn on multicast-to-unicast conversion at the "
                + "access point, or use the overlay there (polycast join)")
    }
}
