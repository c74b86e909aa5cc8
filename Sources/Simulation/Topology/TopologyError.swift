/// Why a topology cannot be used: one line that names what is wrong and where.
package struct TopologyError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong, without a final full stop.
    package var message: String
    /// What to try, as an order.
    package var advice: String?

    package init(_ message: String, advice: String? = nil) {
        self.message = message
        self.advice = advice
    }

    package var description: String { message + (advice.map { "; \($0)" } ?? "") }
}
