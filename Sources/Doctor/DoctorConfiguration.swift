import Diagnosis
import Management
import NetBasics

/// What `polycast doctor` was asked to do.
package struct DoctorConfiguration: Equatable, Sendable {
    /// Where two doctors meet unless a port is named.
    package static let defaultPort: UInt16 = 7401
    /// The group's port where the question names none.
    package static let defaultGroupPort: UInt16 = 7402
    /// Longer finds slower queriers; a whole interval is 125 s unless told otherwise.
    package static let defaultQuerierWait: Duration = .seconds(3)

    /// What is looked at where nothing but an address of IPv6 is named.
    package static let groupOfIPv6 = Question.defaultIPv6Group

    package enum Role: Equatable, Sendable {
        case alone
        /// Tests the path to the doctor that answers there; a name is looked up.
        case with(host: String, port: UInt16)
        /// Answers at that address until a signal.
        case listen(Endpoint)
    }

    package var question = Question()
    /// Whose rendezvous is tried; `nil`: none.
    package var invite: Invite?
    package var role = Role.alone
    package var querierWait = defaultQuerierWait
    /// After which a listener ends by itself; `nil`: at a signal.
    package var duration: Duration?
    package var isJSON = false

    package init() {}
}

// MARK: - Reading the words

extension DoctorConfiguration {
    /// Takes `G`, `S,G`, `G:PORT` or `G+N`, with IPv6 addresses in brackets.
    package mutating func read(group text: String) throws(Failure) {
        var rest = Substring(text)
        if let comma = text.firstIndex(of: ",") {
            let source = Self.unbracketed(text[..<comma])
            guard let address = IPAddress(source), address.isUnicast else {
                throw Self.unreadable(text, "the source \(quoted(source)) is no unicast address")
            }
            question.source = address
            rest = text[text.index(after: comma)...]
        }
        if let plus = rest.lastIndex(of: "+") {
            let digits = rest[rest.index(after: plus)...]
            guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let count = Int(digits),
                (1...100_000).contains(count)
            else { throw Self.unreadable(text, "behind the + belongs a number of groups") }
            question.groupCount = count
            rest = rest[..<plus]
        }
        guard let endpoint = Self.endpoint(rest), endpoint.address.isMulticast else {
            throw Self.unreadable(text, "\(quoted(rest)) is no multicast address")
        }
        question.group = endpoint.address
        question.port = endpoint.port == 0 ? nil : endpoint.port
        if let source = question.source,
            !IPAddress.areOfOneFamily(source, question.group)
        {
            throw Self.unreadable(text, "source and group are of two families")
        }
    }

    /// `HOST` or `HOST:PORT`, with an IPv6 address in brackets where a port follows.
    package mutating func read(with text: String) throws(Failure) {
        if let address = IPAddress(text) {
            role = .with(host: "\(address)", port: Self.defaultPort)
        } else if let endpoint = Endpoint(text, defaultPort: Self.defaultPort) {
            role = .with(host: "\(endpoint.address)", port: endpoint.port)
        } else {
            role = try Self.named(text)
        }
        guard case .with(let host, let port) = role, port > 0,
            IPAddress(host)?.isUnicast ?? true
        else { throw Self.misnamed(text) }
    }

    private static func named(_ text: String) throws(Failure) -> Role {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let allowed = parts[0].utf8.allSatisfy { byte in
            "-._".utf8.contains(byte) || (0x30...0x39).contains(byte)
                || (0x41...0x5A).contains(byte & 0xDF)
        }
        guard parts.count <= 2, !parts[0].isEmpty, parts[0].utf8.count <= 253, allowed else {
            throw misnamed(text)
        }
        guard parts.count == 2 else { return .with(host: text, port: defaultPort) }
        guard parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(parts[1])
        else { throw misnamed(text) }
        return .with(host: String(parts[0]), port: port)
    }

    private static func misnamed(_ text: String) -> Failure {
        Failure(
            .usage, "--with cannot be \(quoted(text))",
            advice: "write HOST or HOST:PORT, where 'polycast doctor GROUP --listen' runs")
    }

    /// `--listen ADDRESS[:PORT]`, of the group's family.
    package mutating func read(listen text: String) throws(Failure) {
        let bare = IPAddress(text).map { Endpoint(address: $0, port: Self.defaultPort) }
        guard let endpoint = bare ?? Endpoint(text, defaultPort: Self.defaultPort),
            !endpoint.address.isMulticast
        else {
            throw Failure(
                .usage, "--listen cannot be \(quoted(text))",
                advice: "write ADDRESS or ADDRESS:PORT, as in 0.0.0.0 or [::]:7401")
        }
        guard IPAddress.areOfOneFamily(endpoint.address, question.group) else {
            throw Failure(
                .usage,
                "--listen \(endpoint) is of another family than the group "
                    + "\(question.group)",
                advice: "write \(question.isIPv6 ? "[::]" : "0.0.0.0"), or an address like it")
        }
        role = .listen(endpoint)
    }

    private static func endpoint(_ text: Substring) -> Endpoint? {
        if let address = IPAddress(unbracketed(text)) { return Endpoint(address: address, port: 0) }
        guard let endpoint = Endpoint(text), endpoint.port > 0 else { return nil }
        return endpoint
    }

    private static func unbracketed(_ text: Substring) -> Substring {
        text.first == "[" && text.last == "]" ? text.dropFirst().dropLast() : text
    }

    private static func unreadable(_ text: String, _ reason: String) -> Failure {
        Failure(
            .usage, "doctor: GROUP cannot be \(quoted(text)): \(reason)",
            advice: "write 239.1.2.3, 239.1.2.3:5004, 192.0.2.1,232.1.2.3, [ff15::1] or an invite")
    }
}
