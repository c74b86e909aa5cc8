import NetBasics
import Testing

@Suite struct BitRateTests {
    @Test(arguments: [
        ("1", Int64(1)), ("999", 999), ("800k", 800_000), ("800K", 800_000), ("4M", 4_000_000),
        ("2.5M", 2_500_000), ("0.5k", 500), ("1.2345k", 1234), ("1G", 1_000_000_000),
        ("1000G", 1_000_000_000_000), ("000004m", 4_000_000),
    ])
    func suffixesArePowersOfOneThousand(text: String, bitsPerSecond: Int64) {
        #expect(BitRate(text)?.bitsPerSecond == bitsPerSecond)
    }

    @Test(arguments: [
        "", "0", "0M", "-1", "+1", "1 M", "k", "M4", ".5M", "5.M", "1.2.3M", "4MB", "4Mbit", "1e6",
        "1001G", "1000000000001", "99999999999999999999999", "99999999999G", "٤M", "nan", "0.0001",
    ])
    func otherTextsAreRefused(text: String) {
        #expect(BitRate(text) == nil)
    }

    @Test(arguments: ["1", "999", "1k", "800k", "2.5M", "1.001M", "1000.001k", "12.34G", "1000G"])
    func descriptionsAreShortAndParseBack(text: String) {
        #expect(BitRate(text)?.description == text)
    }
}
