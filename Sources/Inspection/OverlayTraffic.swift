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

    /// Counts a datagram if it is one of Polycast's.
    mutating func record(_ payload: RawSpan, from sender: Endpoint) -> Bool {
        let kind: DatagramHeader.Kind
        do {
            kind = try DatagramHeader.kind(of: payload)
        } catch {
            return false
        }
        guard let place = DatagramHeader.Kind.allCases.firstIndex(of: kind) else { return false }
        counts[place] &+= 1
        bytes &+= UInt64(payload.byteCount)
        if endpoints.count < Self.endpointLimit { endpoints.insert(sender) }
        if kind == .rendezvousRequest { noteRequest(payload, from: sender) }
        return true
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
