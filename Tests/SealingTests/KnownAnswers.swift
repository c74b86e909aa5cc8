/// What Python's `hashlib` and `cryptography` compute, implementations of their own.
enum KnownAnswers {
    static let sendTagKey = "22c3c4b460c033d9af2f60f91c6178e2"
}
