import NetBasics

extension MulticastDNSMessage {
    /// For people, and under Wireshark's names.
    package var field: PacketField {
        var children = [
            PacketField("dns.id", "Identifier", .word(identifier)),
            flagField,
            PacketField("dns.count.queries", "Questions", .integer(questions.count)),
            PacketField("dns.count.answers", "Answers", .integer(answers.count)),
            PacketField("dns.count.auth_rr", "Authorities", .integer(authorities.count)),
            PacketField("dns.count.add_rr", "Additionals", .integer(additionals.count)),
        ]
        children += questions.map(\.field)
        children += (answers + authorities + additionals).map(\.field)
        return .heading(
            "mdns", "Multicast DNS", meaning: isResponse ? "response" : "query", children)
    }

    private var flagField: PacketField {
        var children = [
            PacketField("dns.flags.response", "Response", .flag(isResponse)),
            PacketField("dns.flags.opcode", "Operation", .integer(operation)),
            PacketField("dns.flags.truncated", "Truncated", .flag(isTruncated)),
        ]
        if isResponse {
            children.append(
                PacketField("dns.flags.authoritative", "Authoritative", .flag(isAuthoritative)))
        }
        return PacketField("dns.flags", "Flags", .word(flags), children: children)
    }

    fileprivate static func typeMeaning(_ type: UInt16) -> String {
        switch type {
        case 1: "A"
        case pointer: "PTR"
        case text: "TXT"
        case 28: "AAAA"
        case service: "SRV"
        case 41: "OPT"
        case 47: "NSEC"
        case 255: "any"
        default: ""
        }
    }
}

extension MulticastDNSMessage.Question {
    fileprivate var field: PacketField {
        let meaning = MulticastDNSMessage.typeMeaning(type)
        return .heading(
            PacketField.ownPrefix + "dns.question", "Question", meaning: "\(name) \(meaning)",
            [
                PacketField("dns.qry.name", "Name", .text(name.description)),
                PacketField("dns.qry.type", "Type", .integer(type), meaning: meaning),
                PacketField("dns.qry.class", "Class", .word(recordClass)),
                PacketField("dns.qry.qu", "Unicast answer wanted", .flag(wantsUnicast)),
            ])
    }
}

extension MulticastDNSMessage.Record {
    fileprivate var field: PacketField {
        let meaning = MulticastDNSMessage.typeMeaning(type)
        return .heading(
            PacketField.ownPrefix + "dns.record", "Record", meaning: "\(name) \(meaning)",
            [
                PacketField("dns.resp.name", "Name", .text(name.description)),
                PacketField("dns.resp.type", "Type", .integer(type), meaning: meaning),
                PacketField("dns.resp.class", "Class", .word(recordClass)),
                PacketField("dns.resp.cache_flush", "Flushes the cache", .flag(flushesCache)),
                PacketField("dns.resp.ttl", "Lifetime", .integer(lifetime), meaning: "s"),
                PacketField("dns.resp.len", "Data length", .integer(dataByteCount)),
            ] + data.fields)
    }
}

extension MulticastDNSMessage.Record.Data {
    fileprivate var fields: [PacketField] {
        switch self {
        case .address(.v4(let address)):
            [PacketField("dns.a", "Address", .address(.v4(address)))]
        case .address(let address): [PacketField("dns.aaaa", "Address", .address(address))]
        case .pointer(let name):
            [PacketField("dns.ptr.domain_name", "Domain name", .text(name.description))]
        case .service(let priority, let weight, let port, let target):
            [
                PacketField("dns.srv.priority", "Priority", .integer(priority)),
                PacketField("dns.srv.weight", "Weight", .integer(weight)),
                PacketField("dns.srv.port", "Port", .integer(port)),
                PacketField("dns.srv.target", "Target", .text(target.description)),
            ]
        case .text(let strings):
            strings.flatMap { string in
                [
                    PacketField("dns.txt.length", "Length", .integer(string.count)),
                    PacketField("dns.txt", "Text", .text(received: string)),
                ]
            }
        case .other(let bytes):
            [PacketField(PacketField.ownPrefix + "dns.data", "Data", .bytes(bytes))]
        }
    }
}
