/// Seals the packets of one source, each under a counter of its own.
///
///     +---------------------+----------------------------+-----------+
///     | SFrame header,      | packet, encrypted          | tag,      |
///     | 1 to 6 bytes        | (as long as it was)        | 16 bytes  |
///     +---------------------+----------------------------+-----------+
///
/// Counter and epoch only go up, nothing outside can set them, and a sealer cannot be copied:
/// no nonce is used twice. Make one sealer for a sender key, for all streams of the source.
package struct SFrameSealer: ~Copyable {
    /// Longest packet; far above any datagram.
    package static let packetByteLimit = 1 << 20

    private var senderKey: SenderKey
    private var cipher: AESGCM
    private var counter: UInt64 = 0
    private let epochPacketLimit: UInt64
    private var isExhausted = false

    /// Starts at the key's epoch; sealers of later epochs come by ``ratchet()``.
    package init(_ key: SenderKey) {
        self.init(key, epochPacketLimit: SFrame.epochPacketLimit)
    }

    init(_ key: SenderKey, epochPacketLimit: UInt64) {
        senderKey = key
        cipher = AESGCM(SFrameKey(keyID: UInt64(key.epoch), baseKey: key.baseKey), .seals)
        self.epochPacketLimit = epochPacketLimit
    }

    package var epoch: UInt16 { senderKey.epoch }

    /// Bytes of the next packet's header, for who wants to seal in place.
    package var headerByteCount: Int {
        SFrameHeader(keyID: UInt64(epoch), counter: counter).byteCount
    }

    /// Seals `packet` into `output` and returns how many bytes that took.
    ///
    /// `metadata` is authenticated and not sent. The packet may lie in `output` already, if it
    /// does at ``headerByteCount``. Throws `oversized` if the output is too small and `expired`
    /// after the last epoch.
    package mutating func seal(
        _ packet: UnsafeRawBufferPointer, metadata: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer
    ) throws(SealingError) -> Int {
        let header = SFrameHeader(keyID: UInt64(epoch), counter: counter)
        let headerBytes = header.byteCount
        guard packet.count <= Self.packetByteLimit else {
            throw .oversized(limit: Self.packetByteLimit, needed: packet.count)
        }
        let end = headerBytes + packet.count + SFrame.tagBytes
        guard end <= output.count, let start = output.baseAddress else {
            throw .oversized(limit: output.count, needed: end)
        }
        guard !isExhausted else { throw .expired }
        header.write(to: start)
        cipher.seal(
            packet, to: start + headerBytes, tag: start + headerBytes + packet.count,
            header: UnsafeRawBufferPointer(start: start, count: headerBytes),
            metadata: metadata, counter: counter)
        counter += 1
        if counter >= epochPacketLimit { ratchet() }
        return end
    }

    /// Goes to the next epoch, and forgets the key of this one.
    package mutating func ratchet() {
        guard let next = senderKey.next() else {
            isExhausted = true
            return
        }
        senderKey = next
        cipher = AESGCM(SFrameKey(keyID: UInt64(next.epoch), baseKey: next.baseKey), .seals)
        counter = 0
    }
}
