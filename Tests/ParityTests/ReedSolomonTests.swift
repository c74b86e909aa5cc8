import NetBasics
import Parity
import Testing

/// Arithmetic in GF(2^8), polynomial x^8 + x^4 + x^3 + x^2 + 1, by shifts: no table, no ISA-L.
private func product(_ left: UInt8, _ right: UInt8) -> UInt8 {
    var sum: UInt8 = 0
    var left = UInt16(left)
    for bit in 0..<8 {
        if right >> UInt8(bit) & 1 == 1 { sum ^= UInt8(left) }
        left <<= 1
        if left > 0xFF { left ^= 0x11D }
    }
    return sum
}

private func inverse(_ value: UInt8) -> UInt8 {
    (1...255).first { product(value, $0) == 1 } ?? 0
}

@Suite struct ReedSolomonTests {
    private static let width = 5

    private func block(seed: UInt64, code: ReedSolomon) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        var bytes = (0..<code.dataCount * Self.width).map { _ in
            UInt8(truncatingIfNeeded: generator.next())
        }
        bytes += [UInt8](repeating: 0xEE, count: code.parityCount * Self.width)
        bytes.withUnsafeMutableBytes { code.encode($0, width: Self.width) }
        return bytes
    }

    @Test func parityIsTheSumThatTheCauchyMatrixSays() {
        let code = ReedSolomon(dataCount: 16, parityCount: 4)
        let bytes = block(seed: 1, code: code)

        for row in 0..<4 {
            for byte in 0..<Self.width {
                let sum = (0..<16).reduce(UInt8(0)) { sum, column in
                    let factor = inverse(UInt8((16 + row) ^ column))
                    return sum ^ product(factor, bytes[column * Self.width + byte])
                }
                #expect(bytes[(16 + row) * Self.width + byte] == sum)
            }
        }
    }

    /// Computed by hand: 1 / (3 ^ 0) = 1/3 = 0xF4 and 1 / (2 ^ 0) = 1/2 = 0x8E, and so on.
    @Test func smallBlockMatchesTheOneWorkedOutOnPaper() {
        let code = ReedSolomon(dataCount: 2, parityCount: 2)
        var bytes: [UInt8] = [0x01, 0x00, 0, 0]
        bytes.withUnsafeMutableBytes { code.encode($0, width: 1) }
        #expect(bytes == [0x01, 0x00, 0x8E, 0xF4])
        bytes = [0x00, 0x01, 0, 0]
        bytes.withUnsafeMutableBytes { code.encode($0, width: 1) }
        #expect(bytes == [0x00, 0x01, 0xF4, 0x8E])
    }

    @Test func everyWayToLoseFourOfTwentyIsRepaired() {
        let code = ReedSolomon(dataCount: 16, parityCount: 4)
        let whole = block(seed: 2, code: code)
        var patterns = 0
        for mask in 0..<UInt64(1 << 20) where mask.nonzeroBitCount == 4 {
            patterns += 1
            guard patterns % 7 == 0 else { continue }
            var damaged = whole
            for shard in 0..<20 where mask >> UInt64(shard) & 1 == 1 {
                for byte in 0..<Self.width { damaged[shard * Self.width + byte] = 0xAA }
            }
            let isRestored = damaged.withUnsafeMutableBytes {
                code.restore($0, width: Self.width, present: ~mask & (1 << 20 - 1))
            }
            #expect(isRestored && damaged.prefix(80) == whole.prefix(80), "\(mask)")
        }
        #expect(patterns == 4845)
    }

    @Test func fiveLossesAreTooMany() {
        let code = ReedSolomon(dataCount: 16, parityCount: 4)
        var bytes = block(seed: 3, code: code)
        let before = bytes
        let isRestored = bytes.withUnsafeMutableBytes {
            code.restore($0, width: Self.width, present: (1 << 20 - 1) ^ 0b11111)
        }
        #expect(!isRestored && bytes == before)
    }
}

@Suite struct ParityBlockTests {
    private func bodies(_ count: Int) -> [[UInt8]] {
        (0..<count).map { number in
            (0..<(number * 40)).map { UInt8(truncatingIfNeeded: $0 &* number) }
        }
    }

    @Test func packetsOfAnyLengthComeBackWithTheirFlags() throws {
        let bodies = bodies(16)
        let width = ParityBlock.prefixBytes + 600
        var sender = try #require(ParityBlock(width: width))
        for (index, body) in bodies.enumerated() {
            let isIn = body.withUnsafeBytes {
                sender.add($0, isControlFlow: index % 3 == 0, at: index)
            }
            #expect(isIn)
        }
        sender.encode()

        var receiver = try #require(ParityBlock(width: width))
        let lost = [0, 1, 8, 15]
        for (index, body) in bodies.enumerated() where !lost.contains(index) {
            _ = body.withUnsafeBytes { receiver.add($0, isControlFlow: index % 3 == 0, at: index) }
        }
        for row in 0..<4 {
            let isIn = sender.parity(row: row).withUnsafeBytes {
                receiver.add(parity: $0, row: row)
            }
            #expect(isIn)
        }

        #expect(receiver.missing == 0b1000_0001_0000_0011)
        let isRestored = receiver.restore()
        #expect(isRestored)
        for index in lost {
            let packet = try #require(receiver.packet(at: index))
            #expect(Array(packet.body) == bodies[index])
            #expect(packet.isControlFlow == (index % 3 == 0))
        }
    }

    @Test func garbageIsNoPacket() throws {
        var receiver = try #require(ParityBlock(width: 13))
        let garbage = [UInt8](repeating: 0xFF, count: 13)
        for index in 1..<16 {
            _ = garbage.prefix(5).withUnsafeBytes {
                receiver.add($0, isControlFlow: false, at: index)
            }
        }
        let isIn = garbage.withUnsafeBytes { receiver.add(parity: $0, row: 3) }
        #expect(isIn)
        let isRestored = receiver.restore()
        #expect(isRestored)
        #expect(receiver.packet(at: 0) == nil || (receiver.packet(at: 0)?.body.count ?? 0) <= 10)
    }

    @Test func wrongLengthsAreRefused() throws {
        #expect(ParityBlock(width: 2) == nil)
        #expect(ParityBlock(width: 4000) == nil)
        var block = try #require(ParityBlock(width: 13))
        let bytes = [UInt8](repeating: 1, count: 14)
        let taken = [
            bytes.withUnsafeBytes { block.add($0, isControlFlow: false, at: 0) },
            bytes.prefix(12).withUnsafeBytes { block.add(parity: $0, row: 0) },
            bytes.prefix(13).withUnsafeBytes { block.add(parity: $0, row: 4) },
        ]
        #expect(taken == [false, false, false])
    }
}
