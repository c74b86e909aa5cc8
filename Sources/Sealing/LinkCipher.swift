import NetBasics

/// The transport of one direction of a link: ChaCha20-Poly1305 (RFC 8439) under a key of the
/// handshake, for short control datagrams.
///
///     +-----------------+--------------------+--------------------+------------+
///     | header, in clear| key phase, 1 bit;  | text, encrypted    | tag, 16    |
///     | (authenticated) | counter, low 15 bit|                    |            |
///     +-----------------+--------------------+--------------------+------------+
///
/// The nonce is a 64-bit counter of which the low bits travel, big-endian; the receiver knows
/// the rest (RFC 4303, section 2.2.1 and appendix A2.2). Which of two keys it is, the phase says
/// (as in RFC 9001, section 6). The header's length is the caller's.
package enum LinkCipher {
    package static let counterBytes = 2
    private static let phaseBit: UInt16 = 0x8000
    package static let tagBytes = ChaChaPoly.tagBytes
    /// Bytes that a sealed datagram has beside header and text.
    package static let overheadBytes = counterBytes + tagBytes

    /// Which of a link's two keys sealed the datagram; `nil` if it is too short to say.
    package static func phase(of datagram: UnsafeRawBufferPointer, headerBytes: Int) -> Int? {
        guard datagram.count >= headerBytes + overheadBytes else { return nil }
        let word = datagram.loadUnaligned(fromByteOffset: headerBytes, as: UInt16.self)
        return UInt16(bigEndian: word) & phaseBit == 0 ? 0 : 1
    }

    fileprivate static func word(phase: Int, counter: UInt64) -> UInt16 {
        UInt16(truncatingIfNeeded: counter) & ~phaseBit | (phase == 0 ? 0 : phaseBit)
    }

    /// How long and how often a key serves.
    package struct Limits: Sendable {
        /// Datagrams after which a new key is wanted; unmeasured, far from any limit.
        package var rekeyDatagrams: UInt64 = 1 << 20
        /// Age at which a new key is wanted; as in WireGuard (section 6.1 of its paper).
        package var rekeyAge: Duration = .seconds(120)
        /// Datagrams after which a key is refused.
        package var datagramLimit: UInt64 = 1 << 31
        /// Age from which a key is refused; as in WireGuard.
        package var ageLimit: Duration = .seconds(180)

        package init() {}
    }
}

/// Seals datagrams of one direction; a value of which exactly one copy may go on sealing.
package struct LinkSealer: Sendable {
    private let key: SecretBytes
    private let phase: Int
    private let start: Instant
    private let firstCounter: UInt64
    private let limits: LinkCipher.Limits
    private var nextCounter: UInt64

    /// `now` is when the handshake gave the key; both ends start with the same counter; `phase`: which
    /// of the link's two keys it is, 0 or 1.
    package init(
        key: SecretBytes, phase: Int = 0, firstCounter: UInt32 = 0,
        limits: LinkCipher.Limits = .init(), at now: Instant
    ) throws(SealingError) {
        try expectLinkKey(key)
        self.key = key
        self.phase = phase
        self.firstCounter = UInt64(firstCounter)
        self.limits = limits
        start = now
        nextCounter = self.firstCounter
    }

    /// Whether it is time for a handshake.
    package func wantsRekey(at now: Instant) -> Bool {
        nextCounter - firstCounter >= limits.rekeyDatagrams || now - start >= limits.rekeyAge
    }

    /// Seals in place and returns the datagram's length.
    ///
    /// The header lies at 0, the text behind it and room for the counter; behind the text there
    /// is room for the tag.
    package mutating func seal(
        _ buffer: UnsafeMutableRawBufferPointer, headerBytes: Int, textBytes: Int,
        at now: Instant
    ) throws(SealingError) -> Int {
        precondition(headerBytes >= 0 && textBytes >= 0, "\(headerBytes) + \(textBytes) bytes")
        let textStart = headerBytes + LinkCipher.counterBytes
        let end = textStart + textBytes + LinkCipher.tagBytes
        guard end <= buffer.count, let base = buffer.baseAddress else {
            throw .oversized(limit: buffer.count, needed: end)
        }
        guard nextCounter - firstCounter < limits.datagramLimit, now - start < limits.ageLimit
        else { throw .expired }
        let counter = nextCounter
        nextCounter += 1
        buffer.storeBytes(
            of: LinkCipher.word(phase: phase, counter: counter).bigEndian,
            toByteOffset: headerBytes, as: UInt16.self)
        ChaChaPoly.seal(
            base + textStart, count: textBytes, tag: base + textStart + textBytes,
            associated: UnsafeRawBufferPointer(start: base, count: headerBytes),
            counter: counter, key: key)
        return end
    }

    /// The sealed datagram, in an array of its own.
    package mutating func seal(
        _ text: [UInt8], header: [UInt8], at now: Instant
    ) throws(SealingError) -> [UInt8] {
        var datagram = header
        datagram.append(contentsOf: repeatElement(0, count: LinkCipher.counterBytes))
        datagram.append(contentsOf: text)
        datagram.append(contentsOf: repeatElement(0, count: LinkCipher.tagBytes))
        let result = datagram.withUnsafeMutableBytes { buffer in
            Result { () throws(SealingError) in
                try seal(buffer, headerBytes: header.count, textBytes: text.count, at: now)
            }
        }
        _ = try result.get()
        return datagram
    }
}

/// Opens datagrams of one direction, each once.
package struct LinkOpener: Sendable {
    private let key: SecretBytes
    private let phase: Int
    private let start: Instant
    private let firstCounter: UInt64
    private let limits: LinkCipher.Limits
    private var window: ReplayWindow

    /// `now` is when the handshake gave the key; both ends start with the same counter.
    package init(
        key: SecretBytes, phase: Int = 0, firstCounter: UInt32 = 0,
        limits: LinkCipher.Limits = .init(), at now: Instant
    ) throws(SealingError) {
        try expectLinkKey(key)
        self.key = key
        self.phase = phase
        self.firstCounter = UInt64(firstCounter)
        self.limits = limits
        start = now
        window = ReplayWindow(first: firstCounter)
    }

    /// The highest counter of an authentic datagram; -1 below the first before there is one.
    package var highestCounter: Int64 { window.highest }

    /// Whether it is time for a handshake.
    package func wantsRekey(at now: Instant) -> Bool {
        let opened = UInt64(clamping: window.highest + 1 - Int64(clamping: firstCounter))
        return opened >= limits.rekeyDatagrams || now - start >= limits.rekeyAge
    }

    /// Opens in place; where in `datagram` the text is.
    ///
    /// What was not authentic is overwritten, and changes nothing else.
    package mutating func open(
        _ datagram: UnsafeMutableRawBufferPointer, headerBytes: Int, at now: Instant
    ) throws(SealingError) -> Range<Int> {
        precondition(headerBytes >= 0, "header of \(headerBytes) bytes")
        let needed = headerBytes + LinkCipher.overheadBytes
        guard datagram.count >= needed, let base = datagram.baseAddress else {
            throw .truncated(needed: needed, available: datagram.count)
        }
        let text = headerBytes + LinkCipher.counterBytes..<datagram.count - LinkCipher.tagBytes
        guard
            LinkCipher.phase(of: UnsafeRawBufferPointer(datagram), headerBytes: headerBytes)
                == phase
        else { throw .notAuthentic }
        let counter = try acceptableCounter(
            UInt16(bigEndian: datagram.loadUnaligned(fromByteOffset: headerBytes, as: UInt16.self)),
            at: now)
        let isAuthentic = ChaChaPoly.open(
            base + text.lowerBound, count: text.count, tag: base + text.upperBound,
            associated: UnsafeRawBufferPointer(start: base, count: headerBytes),
            counter: counter, key: key)
        guard isAuthentic else { throw .notAuthentic }
        window.insert(counter)
        return text
    }

    /// The text of a datagram, in an array of its own.
    package mutating func open(
        _ datagram: [UInt8], headerBytes: Int, at now: Instant
    ) throws(SealingError) -> [UInt8] {
        var copy = datagram
        let result = copy.withUnsafeMutableBytes { buffer in
            Result { () throws(SealingError) in
                try open(buffer, headerBytes: headerBytes, at: now)
            }
        }
        return Array(copy[try result.get()])
    }

    private func acceptableCounter(_ low: UInt16, at now: Instant) throws(SealingError) -> UInt64 {
        guard now - start < limits.ageLimit else { throw .expired }
        guard let counter = window.restored(low), window.isNew(counter) else { throw .replayed }
        // No sealer goes there. It is no sign of age: anybody can write the bits.
        guard counter < firstCounter || counter - firstCounter < limits.datagramLimit else {
            throw .notAuthentic
        }
        return counter
    }
}

private func expectLinkKey(_ key: SecretBytes) throws(SealingError) {
    guard key.count == ChaChaPoly.keyBytes else {
        throw .wrongLength(needed: ChaChaPoly.keyBytes, available: key.count)
    }
}
