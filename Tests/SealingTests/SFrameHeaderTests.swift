import Sealing
import Testing

@Suite struct SFrameHeaderTests {
    private func encoded(_ header: SFrameHeader) -> [UInt8] {
        var bytes = [UInt8](repeating: 0xEE, count: header.byteCount)
        bytes.withUnsafeMutableBytes { $0.baseAddress.map { header.write(to: $0) } }
        return bytes
    }

    private func decoded(_ bytes: [UInt8]) throws -> SFrameHeader {
        try bytes.withUnsafeBytes { try SFrameHeader(decoding: $0) }
    }

    @Test func headersAreThoseOfTheStandard() throws {
        #expect(sframeHeaderVectors.count == 289)
        for vector in sframeHeaderVectors {
            let header = SFrameHeader(keyID: vector.keyID, counter: vector.counter)
            #expect(hex(encoded(header)) == vector.header)
            #expect(header.byteCount <= SFrameHeader.byteLimit)
            #expect(try decoded(hex(vector.header)) == header)
            #expect(try decoded(hex(vector.header) + [1, 2]) == header)
        }
    }

    @Test func everyTruncationIsRefused() {
        for vector in sframeHeaderVectors {
            let bytes = hex(vector.header)
            for count in bytes.indices {
                #expect {
                    try decoded(Array(bytes[..<count]))
                } throws: { error in
                    if case .truncated(_, count) = error as? SealingError { true } else { false }
                }
            }
        }
    }

    @Test(arguments: ["0807", "8007", "090008", "0900ff", "8f00ffffffffffffff07", "0800"])
    func numbersLongerThanNeededAreRefused(text: String) {
        #expect(throws: SealingError.malformed) { try decoded(hex(text) + hex("0000000000")) }
    }

    /// Whatever two bytes a packet begins with, it is read as written or refused.
    @Test func everyBeginningIsReadOrRefused() {
        for first in UInt8.min...UInt8.max {
            for second in UInt8.min...UInt8.max {
                let bytes = [first, second] + [UInt8](repeating: 0x55, count: 16)
                guard let header = try? decoded(bytes) else { continue }
                #expect(encoded(header) == Array(bytes[..<header.byteCount]))
            }
        }
    }
}
