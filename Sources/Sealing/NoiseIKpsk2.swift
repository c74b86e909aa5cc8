/// The handshake of a link: Noise_IKpsk2_25519_ChaChaPoly_BLAKE2b (noiseprotocol.org, revision
/// 34).
///
///     <- s                                            known before
///     -> e, es, s, ss              message 1: 32 + 48 + payload + 16 bytes
///     <- e, ee, se, psk            message 2: 32      + payload + 16 bytes
///
/// Both sides are values that nothing changes: whatever arrives, a message that is refused
/// leaves no trace, and the true one can still come. The pattern leaves to the caller:
/// - message 1 can be replayed, so its payload should hold something that grows;
/// - message 1 does not prove the psk. The responder knows that the initiator has it, and is
///   there, when the first sealed datagram arrives, and sends nothing but message 2 before;
/// - an ephemeral pair serves one handshake.
package enum NoiseIKpsk2 {
    package static let protocolName = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2b"
    package static let pskBytes = 32
    /// Bytes of message 1 beside its payload.
    package static let message1OverheadBytes = 96
    /// Bytes of message 2 beside its payload.
    package static let message2OverheadBytes = 48
    /// Longest message (revision 34, section 3).
    package static let messageByteLimit = 65_535

    /// What a completed handshake leaves.
    package struct Session: Sendable {
        package let sendKey: SecretBytes
        package let receiveKey: SecretBytes
        /// 64 bytes that only these two share a session under; no secret (section 11.2).
        package let handshakeHash: [UInt8]
    }
}

// MARK: - Initiator

extension NoiseIKpsk2 {
    /// The side that asks; it makes message 1 at once and waits for message 2.
    package struct Initiator: Sendable {
        /// To be sent, and sent again without change if no answer comes.
        package let message: [UInt8]
        private let state: NoiseSymmetricState
        private let keys: AgreementKeyPair
        private let ephemeral: AgreementKeyPair
        private let psk: SecretBytes

        /// Writes message 1 for the owner of `responder`; `ephemeral` is made of fresh bytes.
        package init(
            keys: AgreementKeyPair, ephemeral: AgreementKeyPair, responder: AgreementPublicKey,
            psk: SecretBytes, prologue: [UInt8], payload: [UInt8]
        ) throws(SealingError) {
            try expect(psk: psk)
            try expect(payload, overhead: message1OverheadBytes)
            var state = NoiseSymmetricState(protocolName: protocolName, prologue: prologue)
            state.mixHash(responder.bytes)
            state.mixEphemeral(ephemeral.publicKey)
            state.mixKey(try ephemeral.agree(with: responder))
            let sealedKey = state.encryptAndHash(keys.publicKey.bytes)
            state.mixKey(try keys.agree(with: responder))
            message = ephemeral.publicKey.bytes + sealedKey + state.encryptAndHash(payload)
            self.state = state
            self.keys = keys
            self.ephemeral = ephemeral
            self.psk = psk
        }

        /// Reads message 2; the payload in it, and the session.
        package func finish(
            _ answer: [UInt8]
        ) throws(SealingError) -> (payload: [UInt8], session: Session) {
            try expect(answer, atLeast: message2OverheadBytes)
            var state = state
            let theirs = try AgreementPublicKey(Array(answer[..<AgreementPublicKey.byteCount]))
            state.mixEphemeral(theirs)
            state.mixKey(try ephemeral.agree(with: theirs))
            state.mixKey(try keys.agree(with: theirs))
            state.mixKeyAndHash(psk)
            let payload = try state.decryptAndHash(answer[AgreementPublicKey.byteCount...])
            let split = state.split()
            let session = Session(
                sendKey: split.fromInitiator, receiveKey: split.fromResponder,
                handshakeHash: state.hash)
            return (payload, session)
        }
    }
}

// MARK: - Responder

extension NoiseIKpsk2 {
    /// The side that is asked; it reads any number of messages 1.
    package struct Responder: Sendable {
        private let keys: AgreementKeyPair
        private let start: NoiseSymmetricState

        package init(keys: AgreementKeyPair, prologue: [UInt8]) {
            self.keys = keys
            var state = NoiseSymmetricState(protocolName: protocolName, prologue: prologue)
            state.mixHash(keys.publicKey.bytes)
            start = state
        }

        /// Reads message 1; costs two agreements, so ask strangers for a cookie first.
        package func read(_ message: [UInt8]) throws(SealingError) -> Request {
            try expect(message, atLeast: message1OverheadBytes)
            var state = start
            let keyEnd = AgreementPublicKey.byteCount
            let sealedKeyEnd = keyEnd + AgreementPublicKey.byteCount + ChaChaPoly.tagBytes
            let ephemeral = try AgreementPublicKey(Array(message[..<keyEnd]))
            state.mixEphemeral(ephemeral)
            state.mixKey(try keys.agree(with: ephemeral))
            let initiator = try AgreementPublicKey(
                state.decryptAndHash(message[keyEnd..<sealedKeyEnd]))
            state.mixKey(try keys.agree(with: initiator))
            let payload = try state.decryptAndHash(message[sealedKeyEnd...])
            return Request(
                payload: payload, initiator: initiator, ephemeral: ephemeral, state: state)
        }
    }

    /// Message 1 as the responder read it.
    package struct Request: Sendable {
        package let payload: [UInt8]
        /// Its static key; that this is no replay, and that it knows the psk, is yet to be shown.
        package let initiator: AgreementPublicKey
        private let ephemeral: AgreementPublicKey
        private let state: NoiseSymmetricState

        fileprivate init(
            payload: [UInt8], initiator: AgreementPublicKey, ephemeral: AgreementPublicKey,
            state: NoiseSymmetricState
        ) {
            self.payload = payload
            self.initiator = initiator
            self.ephemeral = ephemeral
            self.state = state
        }

        /// Writes message 2; `ephemeral` is made of fresh bytes.
        package func answer(
            _ payload: [UInt8], ephemeral own: AgreementKeyPair, psk: SecretBytes
        ) throws(SealingError) -> (message: [UInt8], session: Session) {
            try expect(psk: psk)
            try expect(payload, overhead: message2OverheadBytes)
            var state = state
            state.mixEphemeral(own.publicKey)
            state.mixKey(try own.agree(with: ephemeral))
            state.mixKey(try own.agree(with: initiator))
            state.mixKeyAndHash(psk)
            let message = own.publicKey.bytes + state.encryptAndHash(payload)
            let split = state.split()
            let session = Session(
                sendKey: split.fromResponder, receiveKey: split.fromInitiator,
                handshakeHash: state.hash)
            return (message, session)
        }
    }
}

// MARK: - Lengths

private func expect(psk: SecretBytes) throws(SealingError) {
    guard psk.count == NoiseIKpsk2.pskBytes else {
        throw .wrongLength(needed: NoiseIKpsk2.pskBytes, available: psk.count)
    }
}

private func expect(_ payload: [UInt8], overhead: Int) throws(SealingError) {
    guard payload.count <= NoiseIKpsk2.messageByteLimit - overhead else {
        throw .oversized(limit: NoiseIKpsk2.messageByteLimit - overhead, needed: payload.count)
    }
}

private func expect(_ message: [UInt8], atLeast needed: Int) throws(SealingError) {
    guard message.count >= needed else {
        throw .truncated(needed: needed, available: message.count)
    }
    guard message.count <= NoiseIKpsk2.messageByteLimit else {
        throw .oversized(limit: NoiseIKpsk2.messageByteLimit, needed: message.count)
    }
}
