/// Something that is wrong, or will be, with what shows it and what to do.
package struct Finding: Equatable, Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case noQuerier = "no_querier"
        case querierSilent = "querier_silent"
        case querierWithoutAddress = "querier_without_address"
        case oldQuerier = "old_querier"
        case oldHost = "old_host"
        case reportWithoutSender = "report_without_sender"
        case senderWithoutReport = "sender_without_report"
        case sourceSpecificWithoutSource = "ssm_without_source"
        case hopLimitOne = "hop_limit_one"
        case sharedHardwareAddress = "shared_mac"
        case flooded = "flooded"
        case twoForwarders = "two_forwarders"
        case loop = "loop"
        case loss = "loss"
        case dscpRewritten = "dscp_rewritten"
        case fragments = "fragments"
        case foreignSourceAddress = "foreign_source_address"
        case restart = "rtp_restart"
        case clockDrift = "clock_drift"
        case pause = "pause"
        case wirelessBasicRate = "wifi_basic_rate"
        case reservedAddress = "reserved_address"
        case announcementConflict = "announcement_conflict"
        case badChecksum = "bad_checksum"
    }

    package enum Severity: String, Sendable {
        /// Packets do not arrive, or will not.
        case problem
        case warning
    }

    package var kind: Kind
    package var severity: Severity
    /// What is wrong, in a sentence.
    package var text: String
    /// Numbers of packets of the capture that show it, from one; the first few.
    package var evidence: [UInt64]
    /// What to do, as an order.
    package var fix: String
}

extension Inspector {
    /// Findings of a kind at most; the last one says how many more there are.
    static let findingLimit = 16

    /// What is wrong on this wire, worst first; to be asked after ``finish()``.
    package func findings() -> [Finding] {
        let all = querierFindings() + memberFindings() + streamFindings() + addressFindings()
        var counts: [Finding.Kind: Int] = [:]
        let kept = all.filter {
            counts[$0.kind, default: 0] += 1
            return counts[$0.kind, default: 0] <= Self.findingLimit
        }
        return kept.filter { $0.severity == .problem } + kept.filter { $0.severity == .warning }
    }
}
