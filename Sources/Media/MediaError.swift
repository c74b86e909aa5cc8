/// Why media cannot be published or delivered: what failed, on what, and what to try.
package struct MediaError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Kind: Sendable {
        /// The command line says what cannot be.
        case usage
        /// A file is missing, unreadable or malformed.
        case input
        /// The system refused a socket or a file.
        case system
    }

    package var kind: Kind
    /// What failed and on what, without a final full stop.
    package var message: String
    /// What to try, as an order.
    package var advice: String

    package init(_ kind: Kind, _ message: String, advice: String) {
        self.kind = kind
        self.message = message
        self.advice = advice
    }

    package var description: String { "\(message); \(advice)" }
}

/// User text for a message: cut to 60 characters and free of control characters.
func shown(_ text: some StringProtocol) -> String {
    let scalars = text.unicodeScalars.prefix(60).map { scalar -> Unicode.Scalar in
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) ? "?" : scalar
    }
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
}
