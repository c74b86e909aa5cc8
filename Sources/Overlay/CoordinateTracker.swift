import NetBasics
import Wire

/// This peer's own coordinate, moved by each round trip (Dabek et al., "Vivaldi", 2004, figure 3).
///
/// Three dimensions and a height; both fit delays of the Internet about as well as five plain
/// dimensions (same paper, section 5.4).
struct CoordinateTracker: Sendable {
    /// Milliseconds.
    private var x = 0.0
    private var y = 0.0
    private var z = 0.0
    private var height = 0.1
    /// Relative error of our estimates; 1 is no knowledge.
    private var error = 1.0
    private var samples = 0

    /// How far a sample moves us, and how fast the error estimate follows (both from the paper).
    private static let step = 0.25
    private static let errorStep = 0.25
    private static let heightMinimum = 0.1
    private static let limit = 3000.0

    var coordinate: Coordinate {
        guard samples > 0 else { return .unknown }
        return Coordinate(
            x: Self.tenths(x), y: Self.tenths(y), z: Self.tenths(z),
            height: UInt16(clamping: Int((height * 10).rounded())),
            error: UInt8(clamping: min(254, Int((error * 100).rounded()))))
    }

    private static func tenths(_ value: Double) -> Int16 {
        Int16(clamping: Int((max(-limit, min(limit, value)) * 10).rounded()))
    }

    /// Takes in that the one-way delay to a peer at `other` is `delay`.
    mutating func observe(
        delay: Duration, to other: Coordinate, generator: inout SeededGenerator
    ) {
        guard other.isKnown else {
            // The first of a group to be heard of stands somewhere.
            samples += 1
            return
        }
        let measured = max(0.05, min(Self.limit, delay.milliseconds))
        let (dx, dy, dz) = direction(from: other, generator: &generator)
        let plane = (dx * dx + dy * dy + dz * dz).squareRoot()
        let otherHeight = Double(other.height) / 10
        let estimate = plane + height + otherHeight
        let weight = error / max(0.01, error + Double(other.error) / 100)
        let sampleError = abs(estimate - measured) / measured
        error = sampleError * Self.errorStep * weight + error * (1 - Self.errorStep * weight)
        error = max(0.01, min(1.5, error))
        let force = Self.step * weight * (measured - estimate)
        x += force * dx / max(plane, 0.01)
        y += force * dy / max(plane, 0.01)
        z += force * dz / max(plane, 0.01)
        if plane > 0.01 {
            height = max(Self.heightMinimum, height + force * (height + otherHeight) / plane)
        }
        (x, y, z) = (Self.bounded(x), Self.bounded(y), Self.bounded(z))
        height = min(height, 1000)
        samples += 1
    }

    private static func bounded(_ value: Double) -> Double { max(-limit, min(limit, value)) }

    /// From the other to us; a random way to part two that stand on one spot.
    private func direction(
        from other: Coordinate, generator: inout SeededGenerator
    ) -> (Double, Double, Double) {
        let (dx, dy, dz) = (
            x - Double(other.x) / 10, y - Double(other.y) / 10, z - Double(other.z) / 10
        )
        guard dx * dx + dy * dy + dz * dz < 0.0001 else { return (dx, dy, dz) }
        return (
            generator.uniformFraction() - 0.5, generator.uniformFraction() - 0.5,
            generator.uniformFraction() - 0.5
        )
    }
}
