import Sealing
import Testing

/// The derivations, pinned by another implementation, and who can do what with them.
@Suite struct GroupKeysTests {
    private let member: GroupKeys
    private let stranger: GroupKeys
    private let relay: GroupKeys
    private let hash = Array<UInt8>(0..<64)

    init() throws {
        let secret = try GroupSecret(SecretBytes(Array(0..<16)))
        member = GroupKeys(secret: secret)
        stranger = GroupKeys(secret: try GroupSecret(SecretBytes(Array(1..<17))))
        relay = GroupKeys(invite: try InviteSecret(text: member.linkSecret.revealedText))
    }

    private func expect(_ keys: GroupKeys, are answers: KnownAnswers.Group) throws {
        let (high, low) = keys.publicKey.groupID
        let relayText = keys.linkSecret.revealedText

        #expect(keys.mediaKey.map { hex($0) } == answers.mediaKey)
        #expect(hex(keys.psk) == answers.psk)
        #expect(hex(keys.publicKey.bytes) == answers.publicKey)
        #expect(high == UInt64(answers.groupID.prefix(16), radix: 16))
        #expect(low == UInt64(answers.groupID.suffix(16), radix: 16))
        #expect(
            hex(keys.sign(Array("some registration".utf8), for: .registration))
                == answers.signature)
        #expect(
            keys.mediaKeyProof(of: .initiator, handshakeHash: hash)
                == hex(answers.proofOfInitiator))
        #expect(
            keys.mediaKeyProof(of: .responder, handshakeHash: hash)
                == hex(answers.proofOfResponder))
        #expect(relayText == answers.relayText)
    }

    @Test func keysOfASecretAreKnown() throws { try expect(member, are: KnownAnswers.secret) }

    @Test func keysOfAPublicGroupFollowFromItsName() throws {
        let secret = GroupSecret(publicName: "größe")
        let keys = GroupKeys(secret: secret)

        try expect(keys, are: KnownAnswers.publicGroup)
        #expect(keys.isPublic && !member.isPublic && !relay.isPublic)
        #expect(secret.revealedText == KnownAnswers.publicGroup.secretText)
        #expect(GroupKeys(secret: GroupSecret(publicName: "grosse")).psk != keys.psk)
    }

    @Test func aRelayHasTheLinksAndNotTheMedia() {
        #expect(relay.mediaKey == nil)
        #expect(relay.psk == member.psk)
        #expect(relay.publicKey == member.publicKey)
        #expect(relay.mediaKeyProof(of: .initiator, handshakeHash: hash) == nil)
        let signature = relay.sign([1, 2, 3], for: .registration)
        #expect(member.publicKey.verifies(signature, of: [1, 2, 3], for: .registration))
    }

    @Test func entryCodesFollowFromTheLinkSecret() {
        let entry = Array("an entry".utf8)
        let code = member.entryCode(of: entry)

        #expect(code == KnownAnswers.entryCode)
        #expect(relay.entryCode(of: entry) == code)
        #expect(stranger.entryCode(of: entry) != code)
        #expect(member.entryCode(of: entry + [0]) != code)
    }

    @Test func aliasesFollowFromTheNameAlone() {
        #expect(GroupKeys.alias(ofName: "größe") == KnownAnswers.alias)
        #expect(GroupKeys.alias(ofName: "Größe") != KnownAnswers.alias)
    }

    @Test func signaturesAreOfTheirBytesAndKey() {
        let bytes: [UInt8] = [1, 2, 3, 4]
        let signature = member.sign(bytes, for: .registration)

        #expect(member.publicKey.verifies(signature, of: bytes, for: .registration))
        #expect(!stranger.publicKey.verifies(signature, of: bytes, for: .registration))
        for wrong in flipped(signature) {
            #expect(!member.publicKey.verifies(wrong, of: bytes, for: .registration))
        }
        for wrong in flipped(bytes) {
            #expect(!member.publicKey.verifies(signature, of: wrong, for: .registration))
        }
        for count in signature.indices {
            let cut = Array(signature[..<count])
            #expect(!member.publicKey.verifies(cut, of: bytes, for: .registration))
        }
        #expect(!member.publicKey.verifies(signature + [0], of: bytes, for: .registration))
        #expect(throws: SealingError.wrongLength(needed: 32, available: 31)) {
            try GroupPublicKey(Array(0..<31))
        }
    }

    @Test func aProofIsOfOneHandshakeRoleAndKey() throws {
        let proof = try #require(member.mediaKeyProof(of: .initiator, handshakeHash: hash))
        func isProof(_ bytes: [UInt8]) -> Bool {
            member.isMediaKeyProof(bytes, of: .initiator, handshakeHash: hash)
        }

        #expect(isProof(proof))
        #expect(!member.isMediaKeyProof(proof, of: .responder, handshakeHash: hash))
        #expect(!stranger.isMediaKeyProof(proof, of: .initiator, handshakeHash: hash))
        #expect(!relay.isMediaKeyProof(proof, of: .initiator, handshakeHash: hash))
        #expect(!relay.isMediaKeyProof([], of: .initiator, handshakeHash: hash))
        #expect(!isProof([]) && !isProof(proof + [0]))
        for wrong in flipped(proof) { #expect(!isProof(wrong)) }
        for other in flipped(hash) {
            #expect(!member.isMediaKeyProof(proof, of: .initiator, handshakeHash: other))
        }
    }
}
