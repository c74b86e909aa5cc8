import NetBasics
import Wire

/// Polycast's own datagrams on the wire: how many of which kind, and of which groups.
package struct OverlayTraffic: Sendable {
    /// Groups and peers that are told apart at most.
    static let groupLimit = 256
    static let endpointLimit = 4096

    /// A group by its public key, and who registered for it.
    package struct Group: Equatable, Sendable {
        package let key: [UInt8]
        package fileprivate(set) var members: [Endpoint] = []
        package fileprivate(set) var requests: UInt64 = 0
    }

    package private(set) var counts = [UInt64](
        repeating: 0, count: DatagramHeader.Kind.allCases.count)
    package private(set) var bytes: UInt64 = 0
    package private(set) var groups: [Group] = []
    private var endpoints: Set<Endpoint> = []

    package var datagrams: UInt64 { counts.reduce(0, &+) }
    /// Addresses and ports that sent datagrams of Polycast.
    package var endpointCount: Int { endpoints.count }

    package func count(of kind: DatagramHeader.Kind) -> UInt64 {
        DatagramHeader.Kind.allCases.firstIndex(of: kind).map { counts[$0] } ?? 0
    }

    /// Counts a datagram if it is one of Polycast's, or several that were captured as one: so many.
    mutating func record(_ payload: RawSpan, from sender: Endpoint) -> Int? {
        guard let kind = try? DatagramHeader.kind(of: payload) else { return nil }
        bytes &+= UInt64(payload.byteCount)
        if endpoints.count < Self.endpointLimit { endpoints.insert(sender) }
        if kind == .rendezvousRequest { noteRequest(payload, from: sender) }
        guard kind.isSentTogether,
            let length = JoinedDatagrams.overlayByteCount(in: payload)
        else {
            count(kind)
            return 1
        }
        var number = 0
        for start in stride(from: 0, to: payload.byteCount, by: length) {
            guard let kind = try? DatagramHeader.kind(of: payload.extracting(start...)) else {
                break
            }
            count(kind)
            number += 1
        }
        return number
    }

    private mutating func count(_ kind: DatagramHeader.Kind) {
        guard let place = DatagramHeader.Kind.allCases.firstIndex(of: kind) else { return }
        counts[place] &+= 1
    }

    private mutating func noteRequest(_ payload: RawSpan, from sender: Endpoint) {
        guard case .rendezvous(.request(let request)) = try? Datagram(decoding: payload) else {
            return
        }
        let known = groups.firstIndex { $0.key == request.key }
        guard let place = known ?? add(request.key) else { return }
        groups[place].requests &+= 1
        guard request.operation == .register || request.operation == .registerSource,
            groups[place].members.count < Self.endpointLimit,
            !groups[place].members.contains(sender)
        else { return }
        groups[place].members.append(sender)
    }

    private mutating func add(_ key: [UInt8]) -> Int? {
        guard groups.count < Self.groupLimit else { return nil }
        groups.append(Group(key: key))
        return groups.count - 1
    }
}
