/// Why a text is no secret of an invite; says nothing of what the text was.
package enum SecretTextError: Error, Equatable, Sendable {
    /// Neither 32 characters nor `relay-` and 56.
    case wrongLength(characters: Int)
    /// A character beside digits, letters without `u`, and hyphens.
    case unknownCharacter
    /// The checksum does not fit: mistyped or cut, not merely the secret of another group.
    case mistyped
}

/// Bytes and their checksum in Crockford's base 32 (crockford.com/base32.html), for the
/// fragment of an invite.
///
/// Chosen over base64url because it survives being read aloud and typed: upper and lower case
/// are the same, `o` is 0, `i` and `l` are 1, hyphens are ignored, and a double click marks the
/// whole. The checksum is the start of a BLAKE2b, as long as fills the last character: four
/// bytes for 16, three for 32.
enum SecretText {
    static func checksumBytes(for count: Int) -> Int { 5 - count % 5 }

    static func encode(_ secret: SecretBytes, domain: String) -> String {
        secret.withBytes { bytes in
            var text = ""
            var pending: UInt32 = 0
            var pendingBits = 0
            for byte in Array(bytes) + checksum(of: Array(bytes), domain: domain) {
                pending = pending << 8 | UInt32(byte)
                pendingBits += 8
                while pendingBits >= 5 {
                    pendingBits -= 5
                    text.unicodeScalars.append(alphabet[Int(pending >> UInt32(pendingBits) & 31)])
                }
            }
            return text
        }
    }

    /// `count` bytes from the text; hyphens do not count.
    static func decode(
        _ text: some StringProtocol, count: Int, domain: String
    ) throws(SecretTextError) -> SecretBytes {
        let characters = text.unicodeScalars.filter { $0 != "-" }
        let allBytes = count + checksumBytes(for: count)
        guard characters.count == allBytes * 8 / 5 else {
            throw .wrongLength(characters: characters.count)
        }
        var bytes: [UInt8] = []
        var pending: UInt32 = 0
        var pendingBits = 0
        for character in characters {
            guard let digit = value(of: character) else { throw .unknownCharacter }
            pending = pending << 5 | digit
            pendingBits += 5
            if pendingBits >= 8 {
                pendingBits -= 8
                bytes.append(UInt8(truncatingIfNeeded: pending >> UInt32(pendingBits)))
            }
        }
        defer { bytes.withUnsafeMutableBytes(Sodium.wipe) }
        guard bytes[count...] == checksum(of: Array(bytes[..<count]), domain: domain) else {
            throw .mistyped
        }
        return SecretBytes(Array(bytes[..<count]))
    }

    private static func checksum(of bytes: [UInt8], domain: String) -> ArraySlice<UInt8> {
        // 128 bits, of which a few are shown beside the very bytes that they are of.
        var digest = [UInt8](repeating: 0, count: 16)
        digest.withUnsafeMutableBytes { output in
            (domain.utf8 + [0] + bytes).withUnsafeBytes {
                Sodium.blake2b($0, key: nil, into: output)
            }
        }
        return digest[..<checksumBytes(for: bytes.count)]
    }

    private static func value(of character: Unicode.Scalar) -> UInt32? {
        switch character {
        case "o", "O": return 0
        case "i", "I", "l", "L": return 1
        case "A"..."Z":
            let lower = Unicode.Scalar(UInt8(truncatingIfNeeded: character.value + 32))
            return alphabet.firstIndex(of: lower).map { UInt32($0) }
        default: return alphabet.firstIndex(of: character).map { UInt32($0) }
        }
    }

    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".unicodeScalars)
}
