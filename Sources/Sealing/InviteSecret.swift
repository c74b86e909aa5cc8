/// The secret of a group, from which all its keys follow: 16 random bytes, or a public name.
package struct GroupSecret: Equatable, Sendable {
    package static let byteCount = 16

    /// Whether everybody who knows the group's name has it.
    package let isPublic: Bool
    let bytes: SecretBytes

    /// A secret of ``byteCount`` unpredictable bytes.
    package init(_ bytes: SecretBytes) throws(SealingError) {
        guard bytes.count == Self.byteCount else {
            throw .wrongLength(needed: Self.byteCount, available: bytes.count)
        }
        self.bytes = bytes
        isPublic = false
    }

    /// What stands for the secret of a group without one: a hash of its name in UTF-8.
    package init(publicName name: String) {
        bytes = SecretBytes(count: Self.byteCount) { output in
            ("polycast public group 1".utf8 + [0] + name.utf8).withUnsafeBytes {
                Sodium.blake2b($0, key: nil, into: output)
            }
        }
        isPublic = true
    }

    fileprivate init(decoded bytes: SecretBytes) {
        self.bytes = bytes
        isPublic = false
    }

    /// The secret itself, for an invite: 32 characters.
    package var revealedText: String { SecretText.encode(bytes, domain: Self.domain) }

    fileprivate static let domain = "polycast secret check 1"
}

/// The half of a secret that a relay gets: it links, registers and forwards, and reads nothing.
package struct LinkSecret: Equatable, Sendable {
    package static let byteCount = 32
    package static let textPrefix = "relay-"

    let bytes: SecretBytes

    init(of secret: GroupSecret) {
        bytes = Blake2b.derive(
            "polycast link secret 1", from: secret.bytes, count: Self.byteCount)
    }

    fileprivate init(decoded bytes: SecretBytes) { self.bytes = bytes }

    /// The secret itself, for a relay's invite: `relay-` and 56 characters.
    package var revealedText: String {
        Self.textPrefix + SecretText.encode(bytes, domain: Self.domain)
    }

    fileprivate static let domain = "polycast relay check 1"
}

/// What stands behind the `#` of an invite.
package enum InviteSecret: Equatable, Sendable {
    case member(GroupSecret)
    case relay(LinkSecret)

    /// Reads either text form.
    package init(text: String) throws(SecretTextError) {
        let prefix = LinkSecret.textPrefix
        if text.prefix(prefix.count).lowercased() == prefix {
            let bytes = try SecretText.decode(
                text.dropFirst(prefix.count), count: LinkSecret.byteCount,
                domain: LinkSecret.domain)
            self = .relay(LinkSecret(decoded: bytes))
        } else {
            let bytes = try SecretText.decode(
                text, count: GroupSecret.byteCount, domain: GroupSecret.domain)
            self = .member(GroupSecret(decoded: bytes))
        }
    }
}
