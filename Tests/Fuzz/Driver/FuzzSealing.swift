import NetBasics
import Sealing

// What is sealed, and what only claims to be.

private func secret(_ byte: UInt8) -> SecretBytes {
    SecretBytes([UInt8](repeating: byte, count: 32))
}

/// A stranger's packet, and an authentic one with some of its bytes changed.
func openSealed(_ bytes: [UInt8]) {
    let key = SenderKey(mediaKey: secret(1), sender: 7)
    var opener = SFrameOpener(key)
    var output = [UInt8](repeating: 0, count: bytes.count + 64)
    func open(_ sealed: [UInt8]) -> Bool {
        sealed.withUnsafeBytes { sealed in
            output.withUnsafeMutableBytes { output in
                (try? opener.open(
                    sealed, metadata: UnsafeRawBufferPointer(start: nil, count: 0), into: output))
                    != nil
            }
        }
    }
    if open(bytes) { fatalError("a stranger's packet was opened") }
    var sealer = SFrameSealer(key)
    var sealed = [UInt8](repeating: 0, count: 80)
    let packet = [UInt8](repeating: 3, count: 50)
    let count = sealed.withUnsafeMutableBytes { output in
        packet.withUnsafeBytes { packet in
            try? sealer.seal(
                packet, metadata: UnsafeRawBufferPointer(start: nil, count: 0), into: output)
        }
    }
    let original = Array(sealed.prefix(count ?? 0))
    var changed = original
    for (index, byte) in bytes.prefix(changed.count).enumerated() { changed[index] ^= byte }
    if open(changed) != (changed == original) { fatalError("an altered packet was opened") }
}

func readHandshake(_ bytes: [UInt8]) {
    guard let keys = try? AgreementKeyPair(secret: secret(2)) else { return }
    let responder = NoiseIKpsk2.Responder(keys: keys, prologue: [1])
    if (try? responder.read(bytes)) != nil { fatalError("a stranger's handshake was read") }
}

func openLink(_ bytes: [UInt8]) {
    let now = Instant(nanoseconds: 5_000_000_000)
    guard var opener = try? LinkOpener(key: secret(3), at: now) else { return }
    var buffer = bytes
    let headerBytes = min(buffer.count, 8)
    let opened = buffer.withUnsafeMutableBytes {
        try? opener.open($0, headerBytes: headerBytes, at: now)
    }
    if opened != nil { fatalError("a stranger's datagram was opened") }
}
