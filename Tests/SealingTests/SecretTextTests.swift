import Sealing
import Testing

/// The text forms of secrets, and that no secret shows without being asked for.
@Suite struct SecretTextTests {
    private let secret: GroupSecret
    private let relayText = KnownAnswers.secret.relayText

    init() throws { secret = try GroupSecret(SecretBytes(Array(0..<16))) }

    @Test func textsAreKnownAndReadBack() throws {
        let text = secret.revealedText
        let linkSecret = GroupKeys(secret: secret).linkSecret

        #expect(text == KnownAnswers.secret.secretText)
        #expect(try InviteSecret(text: text) == .member(secret))
        #expect(try InviteSecret(text: relayText) == .relay(linkSecret))
    }

    @Test func textsForgiveHowTheyAreWritten() throws {
        let text = "000g-40r4-0m30-e209-185g-r38e-1zzq-ac0n"
        let spoken = "OOOG4OR4OM3OE2O9L85GR38EIZZQACON"

        #expect(try InviteSecret(text: text) == .member(secret))
        #expect(try InviteSecret(text: spoken) == .member(secret))
        #expect(try InviteSecret(text: relayText.uppercased()) == InviteSecret(text: relayText))
    }

    @Test func aMistypedCharacterIsToldFromAnotherSecret() throws {
        let other = try GroupSecret(SecretBytes(Array(1..<17)))
        #expect(try InviteSecret(text: other.revealedText) == .member(other))

        for text in [secret.revealedText, relayText] {
            let start = text.hasPrefix("relay-") ? 6 : 0
            for index in text.indices.dropFirst(start) {
                for digit in "0123456789abcdefghjkmnpqrstvwxyz" where digit != text[index] {
                    let wrong = text[..<index] + String(digit) + text[text.index(after: index)...]
                    #expect(throws: SecretTextError.mistyped) {
                        try InviteSecret(text: String(wrong))
                    }
                }
            }
        }
    }

    @Test func exchangedCharactersAreFound() {
        var text = Array(secret.revealedText)
        for index in 1..<text.count where text[index] != text[index - 1] {
            text.swapAt(index, index - 1)
            #expect(throws: SecretTextError.mistyped) { try InviteSecret(text: String(text)) }
            text.swapAt(index, index - 1)
        }
    }

    @Test(arguments: ["", "-", "relay-", "relay", "000g", "ein-anderer-text", "relay-000g"])
    func otherLengthsAreRefused(text: String) {
        #expect {
            try InviteSecret(text: text)
        } throws: { error in
            if case .wrongLength = error as? SecretTextError { true } else { false }
        }
    }

    @Test(arguments: [
        "u", "U", " ", "!", "\u{10}", "@", "é", "ß", "\u{0}", "K\u{30A}", "İ", "ſ", "\u{212A}",
    ])
    func otherCharactersAreRefused(character: String) {
        let count = 32 - character.unicodeScalars.count
        let text = character + String(repeating: "0", count: count)

        #expect(throws: SecretTextError.unknownCharacter) { try InviteSecret(text: text) }
    }

    @Test func aRelaysTextIsNoMembersText() {
        #expect(throws: SecretTextError.wrongLength(characters: 56)) {
            try InviteSecret(text: String(relayText.dropFirst(6)))
        }
        #expect(throws: SecretTextError.wrongLength(characters: 32)) {
            try InviteSecret(text: "relay-" + secret.revealedText)
        }
    }

    @Test func secretsHaveOneLength() {
        #expect(throws: SealingError.wrongLength(needed: 16, available: 32)) {
            try GroupSecret(SecretBytes(Array(0..<32)))
        }
    }

    // MARK: - Silence

    /// All that Swift prints of its own accord.
    private func printed(_ value: some Any) -> String {
        var text = "\(value)\n\(String(describing: value))\n\(String(reflecting: value))\n"
        dump(value, to: &text)
        for child in Mirror(reflecting: value).children { dump(child, to: &text) }
        return text
    }

    /// All bytes that a value shows of itself, in order, however deep.
    private func bytesShown(_ value: Any) -> [UInt8] {
        if let byte = value as? UInt8 { return [byte] }
        return Mirror(reflecting: value).children.flatMap { bytesShown($0.value) }
    }

    private func values() throws -> [Any] {
        let keys = GroupKeys(secret: secret)
        let pair = try AgreementKeyPair(secret: SecretBytes(Array(0..<32)))
        let sealer = try LinkSealer(key: SecretBytes(Array(0..<32)), at: .zero)
        return [
            SecretBytes(Array(0..<16)), secret, keys.linkSecret, keys, pair, sealer,
            try InviteSecret(text: relayText), [keys.psk], ["psk": Optional(keys.psk)],
            SenderKey(mediaKey: keys.psk, sender: 1),
            NoiseIKpsk2.Responder(keys: pair, prologue: []),
            try MediaTagKey(SecretBytes(Array(0..<16))),
        ]
    }

    @Test func nothingShowsASecret() throws {
        let keys = GroupKeys(secret: secret)
        let secrets = [keys.mediaKey, keys.psk, SecretBytes(Array(0..<32))].compactMap(\.self)

        for value in try values() {
            let text = printed(value)
            let shown = hex(bytesShown(value))
            #expect(text.contains("secret of"))
            for known in secrets.map(hex) + [KnownAnswers.secret.linkSecret] {
                let start = hex(String(known.prefix(8)))
                #expect(!text.contains("\(start)".dropFirst().dropLast()))
                #expect(!text.contains(known.prefix(8)))
                #expect(!shown.contains(known.prefix(8)))
            }
            #expect(!text.contains("000g40r4") && !text.contains(relayText.suffix(56).prefix(8)))
            #expect(!text.contains("0x0000"))
        }
    }

    @Test func secretsCompareByTheirBytes() {
        #expect(SecretBytes([1, 2, 3]) == SecretBytes([1, 2, 3]))
        #expect(SecretBytes([1, 2, 3]) != SecretBytes([1, 2, 4]))
        #expect(SecretBytes([1, 2, 3]) != SecretBytes([1, 2]))
        #expect(SecretBytes([]) == SecretBytes([]))
    }
}
