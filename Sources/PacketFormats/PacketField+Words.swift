import NetBasics

// Short forms for the trees of decoded messages.

extension PacketField {
    /// The start of the names of fields that Wireshark has no name for.
    package static let ownPrefix = "polycast."

    /// A heading with what is below it.
    package static func heading(
        _ name: String, _ label: String, meaning: String = "", _ children: [PacketField]
    ) -> PacketField {
        PacketField(name, label, .heading, meaning: meaning, children: children)
    }

    /// A checksum and, in the way of Wireshark, its status: 1 is good and 0 is bad.
    static func checksum(_ name: String, _ checksum: UInt16, isValid: Bool) -> [PacketField] {
        [
            PacketField(
                name, "Checksum", .word(checksum), meaning: isValid ? "correct" : "incorrect"),
            PacketField(
                name + ".status", "Checksum status", .flag(isValid),
                meaning: isValid ? "good" : "bad"),
        ]
    }
}

extension PacketField.Value {
    /// A number in hexadecimal, with as many digits as its type has.
    package static func word(_ word: some FixedWidthInteger & UnsignedInteger) -> Self {
        .hexadecimal(UInt64(word), digits: (word.bitWidth + 3) / 4)
    }

    /// A number in decimal, none of which is negative.
    package static func integer(_ number: some BinaryInteger) -> Self {
        .number(UInt64(truncatingIfNeeded: number))
    }

    /// Text of a stranger: what is not UTF-8 becomes U+FFFD and a control character `?`.
    package static func text(received bytes: some Sequence<UInt8>) -> Self {
        .text(String(received: bytes))
    }
}

extension String {
    /// Text of a stranger that cannot move a terminal's cursor.
    package init(received bytes: some Sequence<UInt8>) {
        let scalars = String(decoding: Array(bytes), as: UTF8.self).unicodeScalars
        var shown = String.UnicodeScalarView()
        shown.append(
            contentsOf: scalars.map { scalar -> Unicode.Scalar in
                scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) ? "?" : scalar
            })
        self.init(shown)
    }
}
