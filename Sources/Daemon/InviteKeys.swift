import Management
import Sealing

extension GroupKeys {
    /// The keys that an invite leads to; a mistyped secret is told from a wrong one.
    init(invite: Invite) throws(Failure) {
        guard let secret = invite.secret else {
            self.init(secret: GroupSecret(publicName: invite.group))
            return
        }
        do throws(SecretTextError) {
            self.init(invite: try InviteSecret(text: secret.text))
        } catch {
            throw Failure(
                .usage, "the secret of the invite \(invite) \(error.reason)",
                advice: "copy the invite whole, with everything behind the #")
        }
    }
}

extension SecretTextError {
    /// What is wrong, and nothing of the secret.
    fileprivate var reason: String {
        switch self {
        case .wrongLength(let characters):
            "has \(characters) characters, where 32 belong, or relay- and 56"
        case .unknownCharacter: "has a character that no secret has"
        case .mistyped: "was mistyped, or cut"
        }
    }
}

/// A new group's invite, or of a member's invite that of a relay; for standard output.
package func makeInvite(_ configuration: InviteConfiguration) throws(Failure) -> Invite {
    switch configuration {
    case .group(let invite):
        do throws(SealingError) {
            let secret = try GroupSecret(SecretBytes(randomBytes(GroupSecret.byteCount)))
            return invite.with(secret: secret.revealedText)
        } catch {
            throw Failure(.runtimeFailure, "cannot make a secret: \(error)")
        }
    case .relay(let invite):
        guard invite.secret != nil else {
            throw Failure(
                .usage, "the group of \(invite) is public: its name lets anybody read",
                advice:
                    "make an invite with a secret first: polycast invite GROUP --rendezvous HOST")
        }
        return invite.with(secret: try GroupKeys(invite: invite).linkSecret.revealedText)
    }
}
