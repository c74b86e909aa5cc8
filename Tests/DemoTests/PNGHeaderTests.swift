import Demo
import Foundation
import Testing

@Suite struct PNGHeaderTests {
    /// A file of ImageMagick's: one red pixel.
    private let pixel = Array(
        Data(
            base64Encoded: """
                iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAA\
                AABJRU5ErkJggg==
                """) ?? Data())

    @Test func theSizeIsReadFromTheHeader() throws {
        var wide = pixel
        wide.replaceSubrange(16..<24, with: [0, 0, 2, 0x80, 0, 0, 1, 0x68])

        #expect(PNGHeader(pixel)?.width == 1)
        #expect(PNGHeader(pixel)?.height == 1)
        #expect(PNGHeader(wide)?.width == 640)
        #expect(PNGHeader(wide)?.height == 360)
    }

    @Test func whatIsCutOffIsNoPNG() {
        for count in 0..<PNGHeader.byteCount { #expect(PNGHeader(Array(pixel[..<count])) == nil) }
    }

    @Test(arguments: [0, 1, 4, 5, 11, 12, 15])
    func aWrongByteInFrontOfTheSizeIsNoPNG(offset: Int) {
        var bytes = pixel
        bytes[offset] ^= 0x20

        #expect(PNGHeader(bytes) == nil)
    }

    @Test func aPictureWithoutPixelsIsRefused() {
        var bytes = pixel
        bytes[19] = 0

        #expect(PNGHeader(bytes) == nil)
    }
}
