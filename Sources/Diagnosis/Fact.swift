/// Something known about the host, or why it cannot be seen.
package enum Fact<Value: Sendable>: Sendable {
    case known(Value)
    /// The reason, such as a missing capability, without a final full stop.
    case unknown(String)

    package var value: Value? {
        switch self {
        case .known(let value): value
        case .unknown: nil
        }
    }

    package var reason: String? {
        switch self {
        case .known: nil
        case .unknown(let reason): reason
        }
    }
}

extension Fact: Equatable where Value: Equatable {}
