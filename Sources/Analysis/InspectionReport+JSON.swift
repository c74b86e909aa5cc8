import Inspection
import Management
import NetBasics
import PacketFormats
import Wire

extension InspectionReport {
    /// `polycast.inspect/1`; docs/inspect.md names every member.
    package var json: JSONValue {
        [
            "schema": "polycast.inspect/1",
            "subject": .string(subject),
            "duration_s": .number(duration.seconds),
            "streams": .array(streams.map { json($0) }),
            "groups": .array(groups.map(Self.json)),
            "queriers": .array(queriers.map { json($0) }),
            "overlay": Self.json(overlay),
            "findings": .array(findings.map(Self.json)),
            "capture": captureJSON,
        ]
    }

    private func json(_ stream: StreamMeasure) -> JSONValue {
        let jitter = stream.jitterMilliseconds
        var members: [JSONValue.Member] = [
            .init("source", .string("\(stream.key.source)")),
            .init("group", .string("\(stream.key.destination)")),
            .init("source_port", JSONValue(stream.key.sourcePort)),
            .init("destination_port", JSONValue(stream.key.destinationPort)),
            .init("interface", .string(interfaceName(stream.key.interface))),
            .init("vlan", stream.key.vlan > 0 ? JSONValue(stream.key.vlan) : .null),
            .init("ssrc", stream.ssrc.map { JSONValue($0) } ?? .null),
            .init("payload_type", stream.ssrc == nil ? .null : JSONValue(stream.payloadType)),
            .init("kind", .string(stream.kind.name)),
            .init("packets", JSONValue(stream.packets)),
            .init("bytes", JSONValue(stream.bytes)),
            .init("first_ns", .integer(stream.firstTime.nanoseconds)),
            .init("last_ns", .integer(stream.lastTime.nanoseconds)),
        ]
        members += sequenceMembers(stream)
        members += [
            .init("jitter_ms", JSONValue(jitter?.running)),
            .init("jitter_max_ms", JSONValue(jitter?.greatest)),
            .init("jitter_mean_ms", JSONValue(jitter?.mean)),
            .init("clock_hz", JSONValue(stream.clockRate)),
            .init("clock_drift_ppm", JSONValue(stream.clockDrift)),
            .init("rate_bps", JSONValue(stream.meanRate)),
            .init("peak_bps", .number(stream.peakRate(window: settings.window))),
            .init("burst_packets", JSONValue(stream.burst.packets)),
            .init("buffer_bytes", .number(stream.greatestBufferLevel)),
            .init("gap_p50_ms", gap(stream, 0.5)),
            .init("gap_p99_ms", gap(stream, 0.99)),
            .init("gap_max_ms", .number(stream.longestPause.milliseconds)),
            .init("ttl_min", JSONValue(stream.hopLimits.least)),
            .init("ttl_max", JSONValue(stream.hopLimits.greatest)),
            .init("dscp", JSONValue(stream.trafficClass >> 2)),
            .init("fragmented", JSONValue(stream.fragmented)),
        ]
        return .object(members + reportMembers(stream))
    }

    /// Nothing is known of the numbers of what is not RTP.
    private func sequenceMembers(_ stream: StreamMeasure) -> [JSONValue.Member] {
        let counts: [(String, UInt64)] = [
            ("lost", stream.lost), ("duplicates", stream.duplicates),
            ("reordered", stream.reordered), ("late", stream.late), ("gaps", stream.gapCount),
            ("restarts", stream.restarts),
        ]
        return counts.map { name, count in
            .init(name, stream.ssrc == nil ? .null : JSONValue(count))
        } + [.init("loss_ratio", JSONValue(stream.lossShare))]
    }

    private func reportMembers(_ stream: StreamMeasure) -> [JSONValue.Member] {
        var members: [JSONValue.Member] = [
            .init("sender_reports", JSONValue(stream.reports.count)),
            .init("one_way_delay_ms", JSONValue(stream.reports.leastDelay?.milliseconds)),
        ]
        if let transport = stream.transportStream {
            members += [
                .init("ts_packets", JSONValue(transport.packets)),
                .init("ts_pids", .array(transport.pids.map { JSONValue($0) })),
                .init("ts_continuity_errors", JSONValue(transport.continuityErrors)),
                .init("ts_transport_errors", JSONValue(transport.transportErrors)),
            ]
        }
        return members
    }

    private func gap(_ stream: StreamMeasure, _ share: Double) -> JSONValue {
        JSONValue(stream.gaps.quantile(share)?.milliseconds)
    }

    private static func json(_ group: GroupSummary) -> JSONValue {
        [
            "group": .string("\(group.group)"),
            "mac": JSONValue(group.hardware.map { "\($0)" }),
            "sources": .array(group.sources.map { .string("\($0)") }),
            "members": .array(group.members.map(json)),
        ]
    }

    private static func json(_ entry: GroupSummary.Member) -> JSONValue {
        let member = entry.member
        return [
            "address": .string("\(member.address)"),
            "version": JSONValue(member.version),
            "mode": .string(member.mode.rawValue),
            "sources": .array(member.sources.map { .string("\($0)") }),
            "reports": JSONValue(member.reports),
            "last_seen_ns": .integer(member.lastSeen.nanoseconds),
            "expires_ns": .integer(entry.expiry.nanoseconds),
            "left": .bool(member.leftAt != nil),
            "packet": JSONValue(member.lastNumber),
        ]
    }

    private func json(_ querier: Querier) -> JSONValue {
        [
            "address": .string("\(querier.address)"),
            "interface": .string(interfaceName(querier.interface)),
            "version": JSONValue(querier.version),
            "interval_s": JSONValue(querier.interval?.seconds),
            "response_s": .number(querier.responseTime.seconds),
            "robustness": JSONValue(querier.robustness),
            "general_queries": JSONValue(querier.generalQueries),
            "specific_queries": JSONValue(querier.specificQueries),
            "last_query_ns": .integer(querier.lastSeen.nanoseconds),
            "packet": JSONValue(querier.lastNumber),
        ]
    }

    private static func json(_ overlay: OverlayTraffic) -> JSONValue {
        var kinds: [JSONValue.Member] = []
        for kind in DatagramHeader.Kind.allCases where overlay.count(of: kind) > 0 {
            kinds.append(.init("\(kind)", JSONValue(overlay.count(of: kind))))
        }
        return [
            "datagrams": JSONValue(overlay.datagrams),
            "bytes": JSONValue(overlay.bytes),
            "peers": JSONValue(overlay.endpointCount),
            "kinds": .object(kinds),
            "groups": .array(
                overlay.groups.map { group in
                    [
                        "key": .string(PacketField.Value.bytes(group.key).description),
                        "members": .array(group.members.map { .string("\($0)") }),
                        "requests": JSONValue(group.requests),
                    ]
                }),
        ]
    }

    private static func json(_ finding: Finding) -> JSONValue {
        [
            "kind": .string(finding.kind.rawValue),
            "severity": .string(finding.severity.rawValue),
            "text": .string(finding.text),
            "evidence": .array(finding.evidence.map { JSONValue($0) }),
            "fix": .string(finding.fix),
        ]
    }

    private var captureJSON: JSONValue {
        [
            "packets": JSONValue(capture.counts.packets),
            "bytes": JSONValue(capture.counts.bytes),
            "truncated": .bool(capture.trouble != nil),
            "trouble": JSONValue(capture.trouble),
            "cut_packets": JSONValue(capture.counts.cut),
            "joined_packets": JSONValue(capture.counts.joined),
            "malformed": JSONValue(capture.counts.malformed),
            "undecoded": JSONValue(capture.counts.undecoded),
            "untracked": JSONValue(capture.untracked),
            "fragments": [
                "seen": JSONValue(capture.fragments.fragments),
                "completed": JSONValue(capture.fragments.completed),
                "contradictory": JSONValue(capture.fragments.contradictory),
                "incomplete": JSONValue(capture.fragments.incomplete),
            ],
            "dropped": [
                "kernel": capture.kernelDropped.map { JSONValue($0) } ?? .null,
                "interface": capture.interfaceDropped.map { JSONValue($0) } ?? .null,
                "ring": JSONValue(capture.ringDropped),
            ],
        ]
    }

    /// The name of an interface, or its number where it has none.
    func interfaceName(_ number: UInt16) -> String {
        let index = Int(number)
        let place = index - CookedInterfaces.firstNumber
        if cooked.all.indices.contains(place) {
            let number = cooked.all[place].index
            return namesOfIndexes[number] ?? "#\(number)"
        }
        let name = index < interfaces.count ? interfaces[index].name : ""
        return name.isEmpty ? "\(number)" : name
    }
}
