/// What both sides of a Noise handshake keep in step (revision 34, section 5.2).
struct NoiseSymmetricState: Sendable {
    /// `h`: the hash of all that was said so far.
    private(set) var hash: [UInt8]
    /// `ck`.
    private var chainingKey: SecretBytes
    /// `k`; there is one from the first token on, since all patterns with a psk mix `e`.
    private var key: SecretBytes?
    /// `n`.
    private var counter: UInt64 = 0

    /// Starts from the protocol's name; one longer than a hash would have to be hashed first.
    init(protocolName: String, prologue: [UInt8]) {
        let name = Array(protocolName.utf8)
        precondition(name.count <= Blake2b.hashBytes, "\(protocolName) is too long a name")
        hash = name + [UInt8](repeating: 0, count: Blake2b.hashBytes - name.count)
        chainingKey = SecretBytes(hash)
        mixHash(prologue)
    }

    mutating func mixHash(_ data: some Sequence<UInt8>) {
        hash = Blake2b.hash(hash + data)
    }

    mutating func mixKey(_ input: SecretBytes) {
        let outputs = input.withBytes {
            Blake2b.hkdf(chainingKey: chainingKey, input: $0, count: 2)
        }
        chainingKey = outputs[0]
        setKey(outputs[1])
    }

    /// The token `e` of a pattern with a psk: the public key is hashed and mixed (section 9.2).
    mutating func mixEphemeral(_ publicKey: AgreementPublicKey) {
        mixHash(publicKey.bytes)
        mixKey(SecretBytes(publicKey.bytes))
    }

    mutating func mixKeyAndHash(_ psk: SecretBytes) {
        let outputs = psk.withBytes {
            Blake2b.hkdf(chainingKey: chainingKey, input: $0, count: 3)
        }
        chainingKey = outputs[0]
        outputs[1].withBytes { mixHash($0) }
        setKey(outputs[2])
    }

    /// The sealed text and its tag.
    mutating func encryptAndHash(_ text: [UInt8]) -> [UInt8] {
        guard let key else { preconditionFailure("nothing was mixed yet") }
        var sealed = text + [UInt8](repeating: 0, count: ChaChaPoly.tagBytes)
        sealed.withUnsafeMutableBytes { buffer in
            guard let start = buffer.baseAddress else { return }
            hash.withUnsafeBytes {
                ChaChaPoly.seal(
                    start, count: text.count, tag: start + text.count, associated: $0,
                    counter: counter, key: key)
            }
        }
        counter += 1
        mixHash(sealed)
        return sealed
    }

    mutating func decryptAndHash(_ sealed: ArraySlice<UInt8>) throws(SealingError) -> [UInt8] {
        guard let key else { preconditionFailure("nothing was mixed yet") }
        let textBytes = sealed.count - ChaChaPoly.tagBytes
        guard textBytes >= 0 else {
            throw .truncated(needed: ChaChaPoly.tagBytes, available: sealed.count)
        }
        var text = Array(sealed)
        let isAuthentic = text.withUnsafeMutableBytes { buffer in
            guard let start = buffer.baseAddress else { return false }
            return hash.withUnsafeBytes {
                ChaChaPoly.open(
                    start, count: textBytes, tag: start + textBytes, associated: $0,
                    counter: counter, key: key)
            }
        }
        guard isAuthentic else { throw .notAuthentic }
        counter += 1
        mixHash(sealed)
        text.removeLast(ChaChaPoly.tagBytes)
        return text
    }

    /// The transport keys, first the initiator's for sending.
    func split() -> (fromInitiator: SecretBytes, fromResponder: SecretBytes) {
        let outputs = Blake2b.hkdf(
            chainingKey: chainingKey, input: UnsafeRawBufferPointer(start: nil, count: 0),
            count: 2)
        let range = 0..<ChaChaPoly.keyBytes
        return (outputs[0].part(range), outputs[1].part(range))
    }

    private mutating func setKey(_ output: SecretBytes) {
        key = output.part(0..<ChaChaPoly.keyBytes)
        counter = 0
    }
}
