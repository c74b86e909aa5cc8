import NetBasics
import Testing
import Wire

/// What decodes was written canonically, and nothing traps: a trap would end the test process.
@Suite struct HostileBytesTests {
    @Test(arguments: [1, 2] as [UInt64])
    func randomBytesNeverTrap(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<50_000 {
            var bytes = randomBytes(generator.uniform(below: 80), &generator)
            // Past the first two checks, or the rest would never be reached.
            if bytes.count >= 4, generator.uniform(below: 8) != 0 {
                let kinds = DatagramHeader.Kind.allCases
                let kind = kinds[generator.uniform(below: kinds.count)]
                bytes.replaceSubrange(0..<4, with: [0xB1, kind.rawValue, 0, 0])
            }
            check(bytes)
        }
    }

    @Test(arguments: [3, 4] as [UInt64])
    func mutatedSamplesNeverTrap(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var decodedCount = 0
        for _ in 0..<50_000 {
            let sample = Samples.all[generator.uniform(below: Samples.all.count)]
            let bytes = mutated(sample.bytes, &generator)
            if check(bytes) { decodedCount += 1 }
        }
        // Identifiers, times and rates may be anything, so many mutations stay well-formed.
        #expect(decodedCount > 5000)
    }

    @discardableResult
    private func check(_ bytes: [UInt8]) -> Bool {
        _ = try? MediaHeader(decoding: bytes.span.bytes)
        guard let datagram = try? decode(bytes) else { return false }
        #expect(datagram.encoded == bytes)
        return true
    }

    private func randomBytes(_ count: Int, _ generator: inout SeededGenerator) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    }

    private func mutated(_ bytes: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0...generator.uniform(below: 3) {
            let place = generator.uniform(below: bytes.count)
            switch generator.uniform(below: 6) {
            case 0: bytes[place] = UInt8(truncatingIfNeeded: generator.next())
            case 1: bytes[place] ^= 1 << UInt8(generator.uniform(below: 8))
            case 2: bytes[place] = [0, 1, 0x7F, 0x80, 0xFF][generator.uniform(below: 5)]
            case 3: bytes.removeSubrange((place + 1)...)
            case 4: bytes.insert(contentsOf: randomBytes(3, &generator), at: place)
            default: bytes += bytes[place...].prefix(64)
            }
        }
        return bytes
    }
}
