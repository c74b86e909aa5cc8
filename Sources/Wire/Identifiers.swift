import NetBasics

/// A peer for the time its process runs: a hash of the public key that it drew at start.
@usableFromInline package struct PeerID: Hashable, Comparable, Sendable, CustomStringConvertible {
    @usableFromInline package let rawValue: UInt64

    @inlinable package init(rawValue: UInt64) { self.rawValue = rawValue }

    @inlinable package static func == (left: Self, right: Self) -> Bool {
        left.rawValue == right.rawValue
    }

    @inlinable package static func < (left: PeerID, right: PeerID) -> Bool {
        left.rawValue < right.rawValue
    }

    /// Sixteen hexadecimal digits.
    @usableFromInline package var description: String { hexadecimal(rawValue, digits: 16) }
    /// The first eight digits, for people.
    package var short: String { hexadecimal(rawValue >> 32, digits: 8) }
}

/// A group: 128 bits derived from its name, so that servers learn no names.
package struct GroupID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    @usableFromInline package static func < (left: GroupID, right: GroupID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }

    @usableFromInline package var description: String {
        hexadecimal(high, digits: 16) + hexadecimal(low, digits: 16)
    }
}

/// One end of a link: 32 random bits that the receiving peer chose, unlike those of its other links.
///
/// Whoever writes on a link repeats them in every datagram: they say with which key it is sealed.
@usableFromInline package struct LinkToken: Hashable, Comparable, Sendable {
    @usableFromInline package let rawValue: UInt32

    @inlinable package init(rawValue: UInt32) { self.rawValue = rawValue }

    @inlinable package static func == (left: Self, right: Self) -> Bool {
        left.rawValue == right.rawValue
    }

    @inlinable package static func < (left: Self, right: Self) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// One media flow of one source.
@usableFromInline package struct StreamID: Hashable, Comparable, Sendable {
    @usableFromInline package let source: PeerID
    @usableFromInline package let index: UInt8

    @inlinable package init(source: PeerID, index: UInt8) {
        self.source = source
        self.index = index
    }

    @inlinable package static func == (left: Self, right: Self) -> Bool {
        left.source == right.source && left.index == right.index
    }

    @inlinable package static func < (left: StreamID, right: StreamID) -> Bool {
        (left.source, left.index) < (right.source, right.index)
    }
}

/// Where a peer can be reached.
package struct Contact: Hashable, Comparable, Sendable {
    package var peer: PeerID
    package var endpoint: Endpoint

    package init(peer: PeerID, endpoint: Endpoint) {
        self.peer = peer
        self.endpoint = endpoint
    }

    @usableFromInline package static func < (left: Contact, right: Contact) -> Bool {
        (left.peer, left.endpoint) < (right.peer, right.endpoint)
    }
}

/// 128 bits that only the challenger can make for an address; zero asks for one.
package struct Cookie: Hashable, Sendable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package static let none = Cookie(high: 0, low: 0)
}

/// A member's name: 1 to 32 characters out of `A-Z a-z 0-9 . _ -`, not starting with a dot.
///
/// Names become file names (`NAME.sdp`, sockets), so the wire refuses all others.
package struct MemberName: Hashable, Comparable, Sendable, CustomStringConvertible {
    package static let lengthLimit = 32
    package let description: String

    package init?(_ text: some StringProtocol) {
        let characters = text.utf8
        guard (1...Self.lengthLimit).contains(characters.count),
            characters.first != UInt8(ascii: "."),
            characters.allSatisfy(Self.isAllowed)
        else { return nil }
        description = String(text)
    }

    @usableFromInline package static func < (left: Self, right: Self) -> Bool {
        left.description < right.description
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

private func hexadecimal(_ word: UInt64, digits: Int) -> String {
    let text = String(word, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
}
