import NetBasics
import Sealing
import Wire

/// Seals what this member publishes and opens what reaches it, end to end (docs/sealing.md).
///
/// Who forwards looks at none of it.
struct MediaSealing: ~Copyable {
    /// How many epochs a source may have gone through before its first packet is heard here.
    ///
    /// A step takes 3 µs, which a forger could make us waste for each packet.
    private static let firstEpochLimit: UInt16 = 32

    /// A reference, since what opens cannot be copied.
    private final class Source {
        var opener: SFrameOpener
        init(_ opener: consuming SFrameOpener) { self.opener = opener }
    }

    private let mediaKey: SecretBytes
    private var sealer: SFrameSealer
    private var sources: [PeerID: Source] = [:]

    /// `peer` publishes under this identifier, which it has not had before with this key.
    init(mediaKey: SecretBytes, peer: PeerID) {
        self.mediaKey = mediaKey
        sealer = SFrameSealer(SenderKey(mediaKey: mediaKey, sender: peer.rawValue))
    }

    /// Bytes that a packet of `bodyBytes` has once it is sealed, if it is the next.
    func sealedByteCount(_ bodyBytes: Int) -> Int {
        sealer.headerByteCount + bodyBytes + SFrame.tagBytes
    }

    /// Seals the next packet into `output`, which has room for it; `false` after the last epoch.
    mutating func seal(
        _ body: UnsafeRawBufferPointer, of header: MediaHeader,
        into output: UnsafeMutableRawBufferPointer
    ) -> Bool {
        withUnsafeBytes(of: Self.metadata(of: header)) { metadata in
            do {
                _ = try sealer.seal(body, metadata: metadata, into: output)
                return true
            } catch {
                return false
            }
        }
    }

    /// Opens a packet into `output`, which is as long as the packet; returns how long it became, or
    /// `nil` if no member sealed it as what it claims to be.
    mutating func open(
        _ sealed: UnsafeRawBufferPointer, of header: MediaHeader,
        into output: UnsafeMutableRawBufferPointer
    ) -> Int? {
        withUnsafeBytes(of: Self.metadata(of: header)) { metadata in
            do {
                if let source = sources[header.stream.source] {
                    return try source.opener.open(sealed, metadata: metadata, into: output)
                        .byteCount
                }
                let source = Source(try opener(of: header.stream.source, for: sealed))
                let opened = try source.opener.open(sealed, metadata: metadata, into: output)
                sources[header.stream.source] = source
                return opened.byteCount
            } catch {
                return nil
            }
        }
    }

    mutating func close(_ source: PeerID) { sources[source] = nil }

    /// What opens a source that was not heard before, from the epoch of this packet on.
    private func opener(
        of source: PeerID, for sealed: UnsafeRawBufferPointer
    ) throws(SealingError) -> SFrameOpener {
        let keyID = try SFrameHeader(decoding: sealed).keyID
        let first = SenderKey(mediaKey: mediaKey, sender: source.rawValue)
        guard keyID <= UInt64(Self.firstEpochLimit),
            let key = first.advanced(to: UInt16(keyID))
        else { throw .unknownEpoch }
        return SFrameOpener(key)
    }

    /// What is authenticated with a packet: stream, flow and number.
    ///
    ///     source (8) | sequence (4) | stream index (1) | control flow (1) | zero (2)
    ///
    private static func metadata(of header: MediaHeader) -> (UInt64, UInt64) {
        let flow: UInt64 = header.isControlFlow ? 1 : 0
        let rest =
            UInt64(header.sequence) << 32 | UInt64(header.stream.index) << 24 | flow << 16
        return (header.stream.source.rawValue.bigEndian, rest.bigEndian)
    }
}
