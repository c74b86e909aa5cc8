/// How a source's packets find all members (docs/architecture.md).
package enum DeliveryAlgorithm: String, Sendable, CaseIterable {
    /// A tree by measured delay; parents admit children one by one.
    case shortestPathTree = "spt"
    /// Announcements flooded over the mesh; the way back of each is the tree.
    case floodAndPrune = "flood"
    /// Whichever of the two suits the group when the source begins.
    case automatic = "auto"

    /// What a source knows of its group when it begins.
    package struct Circumstances: Equatable, Sendable {
        /// Members of the group, this one included; zero if unknown.
        package var memberCount = 0
        /// Sources known, this one and those that are about to begin included.
        package var sourceCount = 1
        /// Links that ended at this peer during the last minute.
        package var linkEndsPerMinute = 0

        package init(memberCount: Int = 0, sourceCount: Int = 1, linkEndsPerMinute: Int = 0) {
            self.memberCount = memberCount
            self.sourceCount = sourceCount
            self.linkEndsPerMinute = linkEndsPerMinute
        }
    }

    /// Sources beyond which a tree's refreshes cost more than they are worth.
    static let treeSourceLimit = 16
    /// Below this many members a few refreshes cost nothing.
    static let smallGroup = 16
    /// Links that end per minute before repair by neighbors beats repair by routes.
    static let calmLinkEnds = 30

    /// Chooses for one source; never ``automatic``.
    ///
    /// Trees refresh every route each five seconds and use uplinks best: for few sources. Floods
    /// cost next to nothing while nobody speaks, and mend by what arrives: for many sources, or
    /// for groups in which members come and go all the time. The limits are guesses.
    package static func choice(for circumstances: Circumstances) -> DeliveryAlgorithm {
        let members = circumstances.memberCount
        let sources = circumstances.sourceCount
        if sources > treeSourceLimit { return .floodAndPrune }
        if members > smallGroup, sources * 4 > members { return .floodAndPrune }
        if circumstances.linkEndsPerMinute > calmLinkEnds { return .floodAndPrune }
        return .shortestPathTree
    }
}
