import Sealing
import Sockets
import Wire

/// A key, and how the last message that it tagged began: mostly the next begins alike.
struct TagMaker {
    let key: MediaTagKey
    private var link: UInt64 = 0
    private var source: UInt64 = 0
    private var prefix: MediaTagPrefix

    init(_ key: MediaTagKey) {
        self.key = key
        prefix = MediaTagPrefix(key, 0, 0)
    }

    mutating func prefix(of words: MediaHeader.Words) -> MediaTagPrefix {
        if words.link != link || words.source != source {
            (link, source) = (words.link, words.source)
            prefix = MediaTagPrefix(key, link, source)
        }
        return prefix
    }
}

/// The keys of all links, and the check of what comes on them.
struct LinkTags: ~Copyable {
    enum Verdict {
        case authentic
        /// The token is of no link that has keys.
        case unknownLink
        /// Not what the neighbor of that link sent: forged, altered, or tagged with an old key.
        case notFromNeighbor
    }

    private struct Link {
        var token: LinkToken
        var makers: (TagMaker?, TagMaker?)
    }

    /// By our own token of the link.
    private(set) var keys: [LinkToken: LinkTagKeys] = [:]
    /// Of the last packet; the next one's, mostly.
    private var link: Link?
    var foreseen = ForeseenTags()

    init() {}

    init(_ keys: [LinkToken: LinkTagKeys]) { self.keys = keys }

    /// Makes the link of `token` the present one; `false` if it has no keys.
    private mutating func turn(to token: LinkToken) -> Bool {
        guard let keys = keys[token] else { return false }
        link = Link(
            token: token,
            makers: (keys.receive.0.map { TagMaker($0) }, keys.receive.1.map { TagMaker($0) }))
        return true
    }

    /// Lets the media datagrams from `index` on of what was just received be foreseen.
    mutating func prepare(_ batch: borrowing PacketBatch, from index: Int) {
        let start = batch.datagram(at: index).baseAddress
        // What was foreseen of an earlier batch says nothing of what lies there now.
        if index == 0 || !foreseen.knows(start) { foresee(batch, from: index) }
    }

    /// Computes at once what tags the datagrams from `first` on should have, as far as they are
    /// media and came on one link; they are judged then, or never, before others come into `batch`.
    private mutating func foresee(_ batch: borrowing PacketBatch, from first: Int) {
        foreseen.removeAll()
        let end = min(batch.count, first + ForeseenTags.limit)
        guard end - first >= ForeseenTags.least else { return }
        var phase: UInt8 = 0
        for index in first..<end {
            let datagram = batch.datagram(at: index)
            guard datagram.count >= MediaHeader.bodyOffset + MediaTagKey.sealBytes,
                Datagram.isMedia(datagram.bytes), let start = datagram.baseAddress
            else { break }
            let words = MediaHeader.Words(at: start)
            if index == first {
                guard link?.token == words.token || turn(to: words.token) else { return }
                phase = words.keyPhase
            }
            guard link?.token == words.token, phase == words.keyPhase else { break }
            foreseen.append(words, start, datagram.count)
        }
        guard foreseen.count >= ForeseenTags.least,
            let maker = phase == 0 ? link?.makers.0 : link?.makers.1
        else { return }
        foreseen.compute(by: maker.key)
    }

    /// Judges a datagram with the 16 bytes of the body at `seal`, by the tag behind its header.
    mutating func judge(
        _ header: MediaHeader, at start: UnsafeRawPointer, seal: UnsafeRawPointer
    ) -> Verdict {
        judge(
            MediaHeader.Words(at: start), header.token, keyPhase: header.keyPhase, seal: seal,
            at: start)
    }

    /// The same of any header of that shape.
    mutating func judge(
        _ words: MediaHeader.Words, _ token: LinkToken, keyPhase: UInt8, seal: UnsafeRawPointer,
        at start: UnsafeRawPointer
    ) -> Verdict {
        let tag = MediaTag(at: start + MediaHeader.byteCount)
        if let expected = foreseen.tag(of: start) {
            return expected == tag ? .authentic : .notFromNeighbor
        }
        guard link?.token == token || turn(to: token) else { return .unknownLink }
        let prefix =
            keyPhase == 0
            ? link?.makers.0?.prefix(of: words) : link?.makers.1?.prefix(of: words)
        let rest = MediaTagPrefix.Rest(words.sequence, seal: seal)
        guard let prefix, prefix.tag(of: rest) == tag else { return .notFromNeighbor }
        return .authentic
    }
}
