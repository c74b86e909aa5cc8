import NetBasics

extension SSDPMessage {
    /// For people, and under Wireshark's names where a header has one.
    package var field: PacketField {
        .heading(
            "ssdp", "Simple Service Discovery Protocol", meaning: summary,
            startFields + headers.map(\.field))
    }

    private var summary: String {
        switch start {
        case .request(let method, _): method == "NOTIFY" ? "notification" : "search"
        case .response: "response"
        }
    }

    private var startFields: [PacketField] {
        switch start {
        case .request(let method, let target):
            [
                PacketField("http.request.method", "Method", .text(method)),
                PacketField("http.request.uri", "Target", .text(target)),
                PacketField("http.request.version", "Version", .text(version)),
            ]
        case .response(let code, let phrase):
            [
                PacketField("http.response.version", "Version", .text(version)),
                PacketField("http.response.code", "Code", .integer(code)),
                PacketField("http.response.phrase", "Phrase", .text(phrase)),
            ]
        }
    }
}

extension SSDPMessage.Header {
    fileprivate var field: PacketField {
        switch name.uppercased() {
        case "HOST": PacketField("http.host", name, .text(value))
        case "CACHE-CONTROL": PacketField("http.cache_control", name, .text(value))
        case "LOCATION": PacketField("http.location", name, .text(value))
        case "SERVER": PacketField("http.server", name, .text(value))
        default:
            PacketField(PacketField.ownPrefix + "ssdp.header", name, .text(value))
        }
    }
}
