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
    private var foreseen = ForeseenTags()

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

    /// Computes at once what tags the datagrams from `first` on should have, as far as they are
    /// media and came on one link; they are judged then, or never, before others come into `batch`.
    mutating func foresee(_ batch: borrowing PacketBatch, from first: Int) {
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
        if let maker = phase == 0 ? link?.makers.0 : link?.makers.1 {
            foreseen.compute(by: maker.key)
        }
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

/// What tags the datagrams to come should have.
struct ForeseenTags: ~Copyable {
    static let limit = TaggedHeaders.blockCount
    /// Fewer are faster one by one.
    static let least = 3

    private let headers = TaggedHeaders(capacity: limit)
    private let starts: UnsafeMutablePointer<UnsafeRawPointer>
    private var count = 0
    /// Of those that are known, how many have been asked for.
    private var next = 0
    private var known = 0

    init() { starts = .allocate(capacity: Self.limit) }

    deinit { starts.deallocate() }

    mutating func removeAll() { (count, next, known) = (0, 0, 0) }

    /// Adds a datagram that is long enough.
    mutating func append(
        _ words: MediaHeader.Words, _ start: UnsafeRawPointer, _ byteCount: Int
    ) {
        headers.set(
            count, words.link, words.source, words.sequence,
            seal: start + (byteCount - MediaTagKey.sealBytes))
        (starts + count).initialize(to: start)
        count &+= 1
    }

    mutating func compute(by key: MediaTagKey) {
        headers.tag(count, link: 0, by: key)
        known = count
    }

    /// The tag of the datagram at `start`, if it is the next one that is known.
    @inline(__always)
    mutating func tag(of start: UnsafeRawPointer) -> MediaTag? {
        guard next < known, starts[next] == start else { return nil }
        defer { next &+= 1 }
        return headers.tag(at: next)
    }
}
