/// Opens the packets of one source, of its newest epoch and of the one before.
///
/// Whether a packet came before is the caller's to know; its counter is told.
package struct SFrameOpener: ~Copyable {
    /// How many epochs ahead of the newest a packet may be.
    ///
    /// It bounds what a forger costs: a
    /// step takes about 3 µs.
    package static let epochStepLimit: UInt16 = 8

    struct Epoch: ~Copyable {
        let number: UInt16
        let cipher: AESGCM

        init(_ key: SenderKey) {
            number = key.epoch
            cipher = AESGCM(SFrameKey(keyID: UInt64(key.epoch), baseKey: key.baseKey), .opens)
        }
    }

    /// A packet that was authentic.
    package struct Opened: Equatable, Sendable {
        package var epoch: UInt16
        package var counter: UInt64
        package var byteCount: Int
    }

    /// Where the parts of a sealed packet are.
    private struct Parts {
        let header: UnsafeRawBufferPointer
        let text: UnsafeRawBufferPointer
        let tag: UnsafeRawPointer
        let metadata: UnsafeRawBufferPointer
        let counter: UInt64
        let output: UnsafeMutableRawBufferPointer
    }

    private var newestKey: SenderKey
    private var newest: Epoch
    private var previous: Epoch?

    /// Starts at the key's epoch; earlier ones stay closed.
    package init(_ key: SenderKey) {
        newestKey = key
        newest = Epoch(key)
        previous = nil
    }

    package var epoch: UInt16 { newestKey.epoch }

    /// Opens a sealed packet into `output`.
    ///
    /// The output may be where the packet's encrypted part lies, or apart from the packet. It is
    /// overwritten with zeros if the packet is not authentic; then nothing else has changed. A
    /// packet of a later epoch makes that the newest.
    package mutating func open(
        _ sealed: UnsafeRawBufferPointer, metadata: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer
    ) throws(SealingError) -> Opened {
        let header = try SFrameHeader(decoding: sealed)
        let headerBytes = header.byteCount
        let needed = headerBytes + SFrame.tagBytes
        guard sealed.count >= needed, let start = sealed.baseAddress else {
            throw .truncated(needed: needed, available: sealed.count)
        }
        let count = sealed.count - needed
        guard count <= output.count, count <= SFrameSealer.packetByteLimit else {
            throw .oversized(limit: output.count, needed: count)
        }
        guard let epoch = UInt16(exactly: header.keyID) else { throw .unknownEpoch }
        let parts = Parts(
            header: UnsafeRawBufferPointer(start: start, count: headerBytes),
            text: UnsafeRawBufferPointer(start: start + headerBytes, count: count),
            tag: start + headerBytes + count, metadata: metadata, counter: header.counter,
            output: UnsafeMutableRawBufferPointer(rebasing: output[..<count]))
        try open(parts, of: epoch)
        return Opened(epoch: epoch, counter: header.counter, byteCount: count)
    }

    private mutating func open(_ parts: Parts, of epoch: UInt16) throws(SealingError) {
        if epoch == newest.number {
            try Self.open(parts, with: newest.cipher)
        } else if epoch > newest.number {
            try openAhead(parts, of: epoch)
        } else {
            try openBehind(parts, of: epoch)
        }
    }

    private mutating func openAhead(_ parts: Parts, of epoch: UInt16) throws(SealingError) {
        guard epoch - newest.number <= Self.epochStepLimit,
            let key = newestKey.advanced(to: epoch)
        else { throw .unknownEpoch }
        var other = Epoch(key)
        try Self.open(parts, with: other.cipher)
        swap(&newest, &other)
        previous = consume other
        newestKey = key
    }

    private borrowing func openBehind(_ parts: Parts, of epoch: UInt16) throws(SealingError) {
        switch previous {
        case .some(let previous):
            guard epoch == previous.number else { throw .unknownEpoch }
            try Self.open(parts, with: previous.cipher)
        case .none: throw .unknownEpoch
        }
    }

    private static func open(_ parts: Parts, with cipher: borrowing AESGCM) throws(SealingError) {
        // An empty packet needs an address all the same.
        guard let output = parts.output.baseAddress else {
            throw .oversized(limit: 0, needed: parts.text.count)
        }
        let isAuthentic = cipher.open(
            parts.text, to: output, tag: parts.tag, header: parts.header,
            metadata: parts.metadata, counter: parts.counter)
        guard isAuthentic else {
            Sodium.wipe(parts.output)
            throw .notAuthentic
        }
    }
}
