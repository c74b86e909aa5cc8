import Wire

/// File names for remote members: `NAME.sdp`, or with the peer's digits where names collide.
package struct SessionFileNames: Sendable {
    private var names: [PeerID: String] = [:]
    private var taken: Set<String> = []

    package init() {}

    package func name(of peer: PeerID) -> String? { names[peer] }

    /// The peer's file name, new or as before; `nil` if all its names are other members'.
    package mutating func assign(_ peer: PeerID, member: MemberName) -> String? {
        if let name = names[peer] { return name }
        let candidates = ["\(member)", "\(member)-\(peer.short)", "\(member)-\(peer)"]
        guard let stem = candidates.first(where: { !taken.contains($0 + ".sdp") }) else {
            return nil
        }
        names[peer] = stem + ".sdp"
        taken.insert(stem + ".sdp")
        return stem + ".sdp"
    }

    /// Forgets a member and returns the name that it had.
    package mutating func release(_ peer: PeerID) -> String? {
        guard let name = names.removeValue(forKey: peer) else { return nil }
        taken.remove(name)
        return name
    }

    /// All names in use, in order.
    package var all: [String] { taken.sorted() }
}
