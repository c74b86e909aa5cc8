import CCrypto

/// AES-128-GCM of libcrypto with one key in one direction, its context reused for every packet.
struct AESGCM: ~Copyable {
    enum Direction { case seals, opens }

    private let context: OpaquePointer
    private let salt: (high: UInt64, low: UInt32)
    private let direction: Direction

    init(_ key: SFrameKey, _ direction: Direction) {
        guard let context = EVP_CIPHER_CTX_new() else { preconditionFailure("out of memory") }
        self.context = context
        self.direction = direction
        salt = key.salt.withBytes {
            (
                UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)),
                UInt32(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
            )
        }
        let status = key.key.withStart {
            EVP_CipherInit_ex(
                context, EVP_aes_128_gcm(), nil, $0.assumingMemoryBound(to: UInt8.self), nil,
                direction == .seals ? 1 : 0)
        }
        precondition(status == 1, "libcrypto has no AES-128-GCM")
    }

    deinit { EVP_CIPHER_CTX_free(context) }

    /// Encrypts `text` to `output`, which holds as many bytes, and writes the 16 of the tag.
    ///
    /// `output` is `text` itself or apart from it.
    func seal(
        _ text: UnsafeRawBufferPointer, to output: UnsafeMutableRawPointer,
        tag: UnsafeMutableRawPointer, header: UnsafeRawBufferPointer,
        metadata: UnsafeRawBufferPointer, counter: UInt64
    ) {
        precondition(direction == .seals, "this context opens")
        var rest: Int32 = 0
        let isSealed =
            start(counter, header, metadata) && update(text, to: output)
            && EVP_EncryptFinal_ex(
                context, output.assumingMemoryBound(to: UInt8.self), &rest) == 1
            && EVP_CIPHER_CTX_ctrl(
                context, EVP_CTRL_AEAD_GET_TAG, Int32(SFrame.tagBytes), tag) == 1
        precondition(isSealed, "libcrypto did not seal \(text.count) bytes")
    }

    /// Decrypts `text` to `output`; whether tag, header and metadata fit.
    ///
    /// The output is written before that is known, so what did not fit must not be used.
    func open(
        _ text: UnsafeRawBufferPointer, to output: UnsafeMutableRawPointer,
        tag: UnsafeRawPointer, header: UnsafeRawBufferPointer, metadata: UnsafeRawBufferPointer,
        counter: UInt64
    ) -> Bool {
        precondition(direction == .opens, "this context seals")
        var rest: Int32 = 0
        return start(counter, header, metadata) && update(text, to: output)
            && EVP_CIPHER_CTX_ctrl(
                context, EVP_CTRL_AEAD_SET_TAG, Int32(SFrame.tagBytes),
                UnsafeMutableRawPointer(mutating: tag)) == 1
            && EVP_DecryptFinal_ex(
                context, output.assumingMemoryBound(to: UInt8.self), &rest) == 1
    }

    /// Sets the nonce, salt and counter in one (section 4.4.3), and the associated data.
    private func start(
        _ counter: UInt64, _ header: UnsafeRawBufferPointer, _ metadata: UnsafeRawBufferPointer
    ) -> Bool {
        // The counter fills the last eight of the nonce's twelve bytes.
        let high = UInt32(truncatingIfNeeded: salt.high >> 32)
        let middle = UInt32(truncatingIfNeeded: salt.high ^ counter >> 32)
        let low = salt.low ^ UInt32(truncatingIfNeeded: counter)
        let nonce = (high.bigEndian, middle.bigEndian, low.bigEndian)
        let status = withUnsafeBytes(of: nonce) {
            EVP_CipherInit_ex(
                context, nil, nil, nil, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), -1)
        }
        return status == 1 && update(header, to: nil) && update(metadata, to: nil)
    }

    private func update(
        _ bytes: UnsafeRawBufferPointer, to output: UnsafeMutableRawPointer?
    ) -> Bool {
        guard !bytes.isEmpty else { return true }
        var written: Int32 = 0
        return EVP_CipherUpdate(
            context, output?.assumingMemoryBound(to: UInt8.self), &written,
            bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), Int32(bytes.count)) == 1
    }
}
