/// A tag that has already taken in the first 16 bytes of its message.
///
/// Datagrams of one stream from one neighbor begin alike: these rounds are computed once.
/// SipHash-2-4 with an output of 128 bits (Aumasson and Bernstein, 2012; the longer output is of
/// their reference code), in Swift: the call of libsodium takes three times as long.
///
/// All of it can be inlined where packets are forwarded.
@usableFromInline package struct MediaTagPrefix: Sendable {
    @usableFromInline var state: SipHashState

    /// `first` and `second` are the first 16 bytes, as words in the order of memory.
    @inlinable package init(_ key: MediaTagKey, _ first: UInt64, _ second: UInt64) {
        state = SipHashState(
            UInt64(littleEndian: key.words.0), UInt64(littleEndian: key.words.1))
        state.absorb(first.littleEndian)
        state.absorb(second.littleEndian)
    }

    /// The rest of a message of 36 bytes.
    @usableFromInline package struct Rest: Sendable {
        @usableFromInline let words: (UInt64, UInt64, UInt64)

        /// A header's last 4 bytes, in the order of memory, and the 16 at `seal`.
        @inlinable package init(_ third: UInt32, seal: UnsafeRawPointer) {
            let low = UInt64(littleEndian: seal.loadUnaligned(as: UInt64.self))
            let high = UInt64(
                littleEndian: seal.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            let length: UInt64 = 36
            words = (
                UInt64(third.littleEndian) | low << 32, low >> 32 | high << 32,
                high >> 32 | length << 56
            )
        }
    }

    /// The tag of the whole message.
    @inlinable package func tag(of rest: Rest) -> MediaTag {
        var state = state
        state.absorb(rest.words.0)
        state.absorb(rest.words.1)
        state.absorb(rest.words.2)
        return state.finish()
    }
}

/// The four words that SipHash works on.
@usableFromInline struct SipHashState: Sendable {
    @usableFromInline var v0: UInt64
    @usableFromInline var v1: UInt64
    @usableFromInline var v2: UInt64
    @usableFromInline var v3: UInt64

    @inline(__always) @inlinable init(_ key0: UInt64, _ key1: UInt64) {
        v0 = key0 ^ 0x736f_6d65_7073_6575
        v1 = key1 ^ 0x646f_7261_6e64_6f6d ^ 0xee
        v2 = key0 ^ 0x6c79_6765_6e65_7261
        v3 = key1 ^ 0x7465_6462_7974_6573
    }

    @inline(__always) @inlinable mutating func round() {
        v0 &+= v1
        v2 &+= v3
        v1 = v1 &<< 13 | v1 &>> 51
        v3 = v3 &<< 16 | v3 &>> 48
        v1 ^= v0
        v3 ^= v2
        v0 = v0 &<< 32 | v0 &>> 32
        v2 &+= v1
        v0 &+= v3
        v1 = v1 &<< 17 | v1 &>> 47
        v3 = v3 &<< 21 | v3 &>> 43
        v1 ^= v2
        v3 ^= v0
        v2 = v2 &<< 32 | v2 &>> 32
    }

    @inline(__always) @inlinable mutating func absorb(_ word: UInt64) {
        v3 ^= word
        round()
        round()
        v0 ^= word
    }

    @inline(__always) @inlinable var folded: UInt64 { v0 ^ v1 ^ v2 ^ v3 }

    @inline(__always) @inlinable mutating func finish() -> MediaTag {
        v2 ^= 0xee
        for _ in 0..<4 { round() }
        let first = folded
        v1 ^= 0xdd
        for _ in 0..<4 { round() }
        return MediaTag(first, folded)
    }
}
