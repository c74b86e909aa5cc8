import Sealing
import Testing

/// The published vector, and what becomes of its messages when they are touched.
@Suite struct NoiseIKpsk2Tests {
    private typealias Vector = CacophonyVector
    private let prologue = hex(Vector.prologue)
    private let psk = secret(Vector.psk)
    private let message1 = hex(Vector.messages[0].ciphertext)
    private let message2 = hex(Vector.messages[1].ciphertext)

    private func pair(_ text: String) throws -> AgreementKeyPair {
        try AgreementKeyPair(secret: secret(text))
    }

    private func initiator(
        prologue: [UInt8]? = nil, psk: SecretBytes? = nil, responder: String? = nil,
        payload: [UInt8]? = nil
    ) throws -> NoiseIKpsk2.Initiator {
        try NoiseIKpsk2.Initiator(
            keys: pair(Vector.initiatorStatic), ephemeral: pair(Vector.initiatorEphemeral),
            responder: AgreementPublicKey(hex(responder ?? Vector.responderStaticPublic)),
            psk: psk ?? self.psk, prologue: prologue ?? self.prologue,
            payload: payload ?? hex(Vector.messages[0].payload))
    }

    private func responder() throws -> NoiseIKpsk2.Responder {
        try NoiseIKpsk2.Responder(keys: pair(Vector.responderStatic), prologue: prologue)
    }

    @Test func theInitiatorFollowsThePublishedVector() throws {
        let initiator = try initiator()
        let (payload, session) = try initiator.finish(message2)

        #expect(hex(initiator.message) == Vector.messages[0].ciphertext)
        #expect(hex(payload) == Vector.messages[1].payload)
        #expect(hex(session.handshakeHash) == Vector.handshakeHash)
    }

    @Test func theResponderFollowsThePublishedVector() throws {
        let request = try responder().read(message1)
        let (message, session) = try request.answer(
            hex(Vector.messages[1].payload), ephemeral: pair(Vector.responderEphemeral), psk: psk)

        #expect(hex(request.payload) == Vector.messages[0].payload)
        #expect(request.initiator == (try pair(Vector.initiatorStatic).publicKey))
        #expect(hex(message) == Vector.messages[1].ciphertext)
        #expect(hex(session.handshakeHash) == Vector.handshakeHash)
        #expect(try initiator().finish(message2).session.sendKey == session.receiveKey)
        #expect(try initiator().finish(message2).session.receiveKey == session.sendKey)
        #expect(session.sendKey != session.receiveKey)
    }

    @Test func publicKeysAreComputed() throws {
        #expect(
            try pair(Vector.responderStatic).publicKey.bytes == hex(Vector.responderStaticPublic))
    }

    @Test func everyTruncationIsRefused() throws {
        let responder = try responder()
        let initiator = try initiator()

        for count in message1.indices {
            #expect(throws: SealingError.self) { try responder.read(Array(message1[..<count])) }
        }
        for count in message2.indices {
            #expect(throws: SealingError.self) { try initiator.finish(Array(message2[..<count])) }
        }
        #expect(throws: SealingError.truncated(needed: 96, available: 95)) {
            try responder.read(Array(message1[..<95]))
        }
        #expect(throws: SealingError.truncated(needed: 48, available: 0)) {
            try initiator.finish([])
        }
    }

    @Test func everyFlippedBitIsRefusedAndTheTrueMessageStillCounts() throws {
        let responder = try responder()
        let initiator = try initiator()

        for message in flipped(message1) {
            #expect(throws: SealingError.notAuthentic) { try responder.read(message) }
        }
        for message in flipped(message2) {
            #expect(throws: SealingError.notAuthentic) { try initiator.finish(message) }
        }
        #expect(throws: SealingError.notAuthentic) { try responder.read(message1 + [0]) }
        #expect(throws: SealingError.notAuthentic) { try initiator.finish(message2 + [0]) }
        #expect(hex(try responder.read(message1).payload) == Vector.messages[0].payload)
        #expect(hex(try initiator.finish(message2).payload) == Vector.messages[1].payload)
    }

    @Test func anotherPrologueResponderOrPskIsRefused() throws {
        let responder = try responder()
        let stranger = try pair(Vector.responderEphemeral).publicKey
        let otherPsk = SecretBytes([UInt8](repeating: 1, count: 32))

        #expect(throws: SealingError.notAuthentic) {
            try responder.read(initiator(prologue: []).message)
        }
        #expect(throws: SealingError.notAuthentic) {
            try responder.read(initiator(responder: hex(stranger.bytes)).message)
        }
        #expect(throws: SealingError.notAuthentic) {
            try initiator(psk: otherPsk).finish(message2)
        }
    }

    /// Points of low order and the like, with which every agreement gives zero
    /// (cr.yp.to/ecdh.html, "validate public keys"), in the canonical forms and one beyond.
    static let uselessKeys = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ]

    @Test(arguments: uselessKeys)
    func keysThatAgreeOnZeroAreRefused(key: String) throws {
        let responder = try responder()
        let initiator = try initiator()

        #expect(throws: SealingError.uselessPublicKey) {
            try responder.read(hex(key) + message1[32...])
        }
        #expect(throws: SealingError.uselessPublicKey) {
            try initiator.finish(hex(key) + message2[32...])
        }
        #expect(throws: SealingError.uselessPublicKey) { try self.initiator(responder: key) }
    }

    @Test func lengthsAreChecked() throws {
        let limit = NoiseIKpsk2.messageByteLimit
        let full = try initiator(payload: [UInt8](repeating: 7, count: limit - 96))

        #expect(try responder().read(full.message).payload.count == limit - 96)
        #expect(throws: SealingError.oversized(limit: limit - 96, needed: limit - 95)) {
            try initiator(payload: [UInt8](repeating: 7, count: limit - 95))
        }
        #expect(throws: SealingError.oversized(limit: limit, needed: limit + 1)) {
            try responder().read([UInt8](repeating: 0, count: limit + 1))
        }
        #expect(throws: SealingError.wrongLength(needed: 32, available: 31)) {
            try initiator(psk: SecretBytes([UInt8](repeating: 0, count: 31)))
        }
        #expect(throws: SealingError.wrongLength(needed: 32, available: 33)) {
            try AgreementPublicKey([UInt8](repeating: 0, count: 33))
        }
        #expect(throws: SealingError.wrongLength(needed: 32, available: 0)) {
            try AgreementKeyPair(secret: SecretBytes([]))
        }
    }

    @Test func emptyPayloadsAreCarried() throws {
        let initiator = try initiator(payload: [])
        let request = try responder().read(initiator.message)
        let (message, _) = try request.answer(
            [], ephemeral: pair(Vector.responderEphemeral), psk: psk)

        #expect(initiator.message.count == NoiseIKpsk2.message1OverheadBytes)
        #expect(message.count == NoiseIKpsk2.message2OverheadBytes)
        #expect(request.payload == [])
        #expect(try initiator.finish(message).payload == [])
    }
}
