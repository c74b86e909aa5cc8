import Foundation
import NetBasics
import Testing

/// Addresses, compared with RFC texts and with what the C library thinks of the same text.
@Suite struct AddressTests {
    /// RFC 5952, sections 1, 2 and 4, and RFC 4291, section 2.2.
    @Test(arguments: [
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:db8::1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:db8::0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:DB8:0:0:1::1", "2001:db8::1:0:0:1"),
        ("2001:db8:aaaa:bbbb:cccc:dddd:eeee:0001", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
        ("2001:db8:0:0:0:0:2:1", "2001:db8::2:1"),
        ("FF01:0:0:0:0:0:0:101", "ff01::101"),
        ("0:0:0:0:0:0:0:1", "::1"), ("0:0:0:0:0:0:0:0", "::"), ("1::", "1::"),
        ("::ffff:192.0.2.128", "192.0.2.128"), ("::FFFF:129.144.52.38", "129.144.52.38"),
        ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"), ("0.0.0.0", "0.0.0.0"),
        ("255.255.255.255", "255.255.255.255"),
    ])
    func textIsPrintedCanonically(text: String, canonical: String) {
        #expect(IPAddress(text)?.description == canonical)
    }

    @Test(arguments: [
        "", ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4::5:6:7:8",
        ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:", "12345::", "g::", "::1.2.3", "1.2.3.4::", "::1%lo",
        "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.04", "1.2.3.", ".1.2.3", "1..2.3", "+1.2.3.4",
        "1.2.3.-4", " 1.2.3.4", "1.2.3.4 ", "0x1.2.3.4", "١.2.3.4", "1.2.3.4\u{301}", "::１",
        "::+1", "[::1]", "1.2.3.4:5",
    ])
    func otherTextIsRefused(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func printingAgreesWithTheLibrary() {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<5000 {
            let address = randomIPv6(&generator)
            // The library prints these two with a dotted end; they never reach our printer.
            if address.high == 0, [0, 0xFFFF].contains(address.low >> 32) { continue }

            #expect(address.description == libraryText(of: address))
        }
    }

    @Test func parsingAgreesWithTheLibrary() {
        var generator = SeededGenerator(seed: 2)
        var accepted = 0
        for _ in 0..<20_000 {
            let text = randomText(&generator)

            let mine = IPAddress(text)

            #expect(mine == libraryAddress(text), "\(text)")
            if mine != nil { accepted += 1 }
        }
        #expect(accepted > 1000)
    }

    @Test func mappedAddressesAreIPv4() {
        let mapped = IPv6Address(high: 0, low: 0xFFFF_C000_0201)

        #expect(IPAddress(mapped) == IPAddress("192.0.2.1"))
        #expect(IPAddress("::ffff:c000:201") == IPAddress("192.0.2.1"))
        #expect(IPAddress("::fffe:c000:201") != IPAddress("192.0.2.1"))
    }

    @Test(arguments: [
        ("192.0.2.1", true, false), ("0.0.0.0", false, false), ("224.0.0.1", false, true),
        ("239.255.255.255", false, true), ("240.0.0.1", false, false),
        ("255.255.255.255", false, false), ("::1", true, false), ("::", false, false),
        ("ff02::1", false, true), ("fe80::1", true, false),
    ])
    func kindsAreTold(text: String, isUnicast: Bool, isMulticast: Bool) throws {
        let address = try #require(IPAddress(text))

        #expect(address.isUnicast == isUnicast)
        #expect(address.isMulticast == isMulticast)
    }

    @Test(arguments: [
        ("192.0.2.1", "192.0.2.254", true), ("192.0.2.1", "192.0.3.1", false),
        ("2001:db8::1", "2001:db8::ffff:0:0:2", true), ("2001:db8::1", "2001:db8:0:1::1", false),
        ("0.0.0.1", "::1", false),
    ])
    func subnetsAreTheFirst24Or64Bits(left: String, right: String, isShared: Bool) throws {
        let (left, right) = (try #require(IPAddress(left)), try #require(IPAddress(right)))

        #expect((left.subnet == right.subnet) == isShared)
    }
}

@Suite struct EndpointTests {
    @Test(arguments: [
        ("192.0.2.1:7400", "192.0.2.1:7400"), ("[2001:db8::1]:1", "[2001:db8::1]:1"),
        ("[::ffff:192.0.2.1]:65535", "192.0.2.1:65535"), ("192.0.2.1", "192.0.2.1:99"),
        ("[::1]", "[::1]:99"), ("192.0.2.1:0", "192.0.2.1:0"),
    ])
    func textIsParsedAndPrinted(text: String, printed: String) {
        #expect(Endpoint(text, defaultPort: 99)?.description == printed)
    }

    @Test(arguments: [
        "", ":", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:+1", "192.0.2.1:-1", "192.0.2.1:1x",
        "192.0.2.1:1 ", "[::1]7400", "[::1", "::1:7400", "[192.0.2.1]:1", "[]:1", "[::1]:",
        "192.0.2.1:٣", "name:1", "[::1]:1:2", "192.0.2.1:1:2",
    ])
    func otherTextIsRefused(text: String) {
        #expect(Endpoint(text, defaultPort: 99) == nil)
    }

    @Test func withoutADefaultThePortIsNeeded() {
        #expect(Endpoint("192.0.2.1") == nil)
        #expect(Endpoint("[::1]") == nil)
    }

    @Test func orderIsByAddressThenPort() throws {
        let texts = ["192.0.2.1:2", "192.0.2.1:10", "192.0.2.2:1", "[::1]:1", "[::2]:1"]
        let endpoints = try texts.map { try #require(Endpoint($0)) }

        #expect(endpoints.reversed().sorted() == endpoints)
    }
}

// MARK: - The C library's opinion

private func libraryText(of address: IPv6Address) -> String {
    var raw = in6_addr()
    withUnsafeMutableBytes(of: &raw) {
        $0.storeBytes(of: address.high.bigEndian, as: UInt64.self)
        $0.storeBytes(of: address.low.bigEndian, toByteOffset: 8, as: UInt64.self)
    }
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    inet_ntop(AF_INET6, &raw, &text, socklen_t(text.count))
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8($0) }, as: UTF8.self)
}

private func libraryAddress(_ text: String) -> IPAddress? {
    var raw = [UInt8](repeating: 0, count: 16)
    func word(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
    if inet_pton(AF_INET, text, &raw) == 1 {
        return .v4(IPv4Address(rawValue: UInt32(word(raw[..<4]))))
    }
    guard inet_pton(AF_INET6, text, &raw) == 1 else { return nil }
    return IPAddress(IPv6Address(high: word(raw[..<8]), low: word(raw[8...])))
}

/// Many zero words, so that runs of them compete.
private func randomIPv6(_ generator: inout SeededGenerator) -> IPv6Address {
    let words = (0..<8).map { _ -> UInt64 in
        generator.uniform(below: 2) == 0
            ? 0 : generator.next() & 0xFFFF >> (4 * UInt64(generator.uniform(below: 4)))
    }
    return IPv6Address(
        high: words[..<4].reduce(0) { $0 << 16 | $1 },
        low: words[4...].reduce(0) { $0 << 16 | $1 })
}

/// Text that often is an address and otherwise nearly one.
private func randomText(_ generator: inout SeededGenerator) -> String {
    var text: [Character]
    if generator.uniform(below: 3) == 0 {
        text = Array("\(IPv4Address(rawValue: UInt32(truncatingIfNeeded: generator.next())))")
    } else {
        text = Array(randomIPv6(&generator).description)
        if generator.uniform(below: 4) == 0 { text += Array(":1.2.3.4") }
    }
    let alphabet = Array("0123456789abcdefABCDEF::::....gx")
    for _ in 0..<generator.uniform(below: 4) {
        let place = generator.uniform(below: text.count)
        switch generator.uniform(below: 3) {
        case 0: text.insert(alphabet[generator.uniform(below: alphabet.count)], at: place)
        case 1 where text.count > 1: text.remove(at: place)
        default: text[place] = alphabet[generator.uniform(below: alphabet.count)]
        }
    }
    return String(text)
}
