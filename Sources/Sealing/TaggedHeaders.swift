import CSipHash

/// Headers of media datagrams, each with the tag that goes behind it: eight are tagged at once.
///
/// A tag is of 36 bytes: a header of 20, and the last 16 of the body, its seal. The first 8 bytes
/// of a header may hold zeros where the copies of different links differ. Allocated once; nothing
/// in it is secret.
@usableFromInline package struct TaggedHeaders: ~Copyable {
    /// Headers that are tagged at once.
    package static let blockCount = Int(CS_LANES)
    @inlinable static var lanes: Int { 8 }
    @inlinable static var messageWords: Int { 5 }
    @inlinable static var tagWords: Int { 2 }

    /// Blocks of ``messageWords`` rows of ``lanes`` words, as SipHash takes them in.
    @usableFromInline let messages: UnsafeMutablePointer<UInt64>
    /// Blocks of ``tagWords`` rows.
    @usableFromInline let tags: UnsafeMutablePointer<UInt64>
    private let keys: UnsafeMutablePointer<cs_keys>

    /// Room for `capacity` headers, a multiple of ``blockCount``.
    package init(capacity: Int) {
        let blocks = (capacity + Self.lanes - 1) / Self.lanes
        messages = Self.zeros(blocks * Self.messageWords * Self.lanes)
        tags = Self.zeros(blocks * Self.tagWords * Self.lanes)
        keys = .allocate(capacity: 1)
        keys.initialize(to: cs_keys())
    }

    private static func zeros(_ count: Int) -> UnsafeMutablePointer<UInt64> {
        let start = UnsafeMutableRawPointer.allocate(byteCount: count * 8, alignment: 64)
        return start.initializeMemory(as: UInt64.self, repeating: 0, count: count)
    }

    deinit {
        messages.deallocate()
        tags.deallocate()
        keys.deallocate()
    }

    /// Sets the header at `index`, given as words in the order of memory, and the 16 bytes at `seal`.
    @inlinable package func set(
        _ index: Int, _ first: UInt64, _ second: UInt64, _ third: UInt32,
        seal: UnsafeRawPointer
    ) {
        let low = UInt64(littleEndian: seal.loadUnaligned(as: UInt64.self))
        let high = UInt64(littleEndian: seal.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        let byteCount: UInt64 = 36
        let words = words(at: index)
        words[0] = first.littleEndian
        words[Self.lanes] = second.littleEndian
        words[2 &* Self.lanes] = UInt64(third.littleEndian) | low &<< 32
        words[3 &* Self.lanes] = low &>> 32 | high &<< 32
        words[4 &* Self.lanes] = high &>> 32 | byteCount &<< 56
    }

    /// Sets the header at `index` to that at `place` of `other`, with `link` in its first word.
    @inlinable package func set(
        _ index: Int, to other: borrowing Self, _ place: Int, link: UInt64
    ) {
        let (words, source) = (words(at: index), other.words(at: place))
        words[0] = source[0] | link.littleEndian
        for row in 1..<Self.messageWords {
            words[row &* Self.lanes] = source[row &* Self.lanes]
        }
    }

    /// Takes over the first `count` headers of another, untagged.
    package func copy(_ count: Int, of other: borrowing Self) {
        let blocks = (count + Self.lanes - 1) / Self.lanes
        messages.update(from: other.messages, count: blocks * Self.messageWords * Self.lanes)
    }

    /// Tags the first `count` headers, with `link` set in their first words.
    package func tag(_ count: Int, link: UInt64, by key: MediaTagKey) {
        for block in 0..<(count + Self.lanes - 1) / Self.lanes {
            UnsafeRawPointer(messages + block * Self.messageWords * Self.lanes)
                .withMemoryRebound(to: cs_messages.self, capacity: 1) { messages in
                    UnsafeMutableRawPointer(tags + block * Self.tagWords * Self.lanes)
                        .withMemoryRebound(to: cs_tags.self, capacity: 1) { tags in
                            cs_tag_alike(
                                messages, link.littleEndian, UInt64(littleEndian: key.words.0),
                                UInt64(littleEndian: key.words.1), tags)
                        }
                }
        }
    }

    /// Sets the key of the header at `index`, one of the first ``blockCount``.
    package func setKey(_ index: Int, _ key: MediaTagKey) {
        precondition(index < Self.blockCount, "key \(index)")
        let start = UnsafeMutableRawPointer(keys)
        start.storeBytes(
            of: UInt64(littleEndian: key.words.0), toByteOffset: 8 * index, as: UInt64.self)
        start.storeBytes(
            of: UInt64(littleEndian: key.words.1), toByteOffset: 8 * (Self.lanes + index),
            as: UInt64.self)
    }

    /// Tags the first ``blockCount`` headers, each by its key.
    package func tagEach() {
        UnsafeRawPointer(messages).withMemoryRebound(to: cs_messages.self, capacity: 1) {
            messages in
            UnsafeMutableRawPointer(tags).withMemoryRebound(to: cs_tags.self, capacity: 1) { tags in
                cs_tag_each(messages, keys, tags)
            }
        }
    }

    /// Writes the 20 bytes of the header at `index`, with `link` in its first word, and its tag.
    @inlinable package func write(
        _ index: Int, link: UInt64, to place: UnsafeMutableRawPointer
    ) {
        let header = header(at: index)
        place.storeBytes(of: header.first | link, as: UInt64.self)
        place.storeBytes(of: header.second, toByteOffset: 8, as: UInt64.self)
        place.storeBytes(of: header.third, toByteOffset: 16, as: UInt32.self)
        tag(at: index).write(to: place + 20)
    }

    /// The tag of the header at `index`, when it was tagged.
    @inlinable package func tag(at index: Int) -> MediaTag {
        let tag = tags + (index / Self.lanes &* Self.tagWords &* Self.lanes &+ index % Self.lanes)
        return MediaTag(tag[0], tag[Self.lanes])
    }

    /// The header at `index` as it was set.
    @inlinable package func header(
        at index: Int
    ) -> (first: UInt64, second: UInt64, third: UInt32) {
        let words = words(at: index)
        let third = UInt32(truncatingIfNeeded: words[2 &* Self.lanes])
        return (words[0].littleEndian, words[Self.lanes].littleEndian, third.littleEndian)
    }

    @inlinable func words(at index: Int) -> UnsafeMutablePointer<UInt64> {
        messages
            + (index / Self.lanes &* Self.messageWords &* Self.lanes &+ index % Self.lanes)
    }
}
