import NetBasics
import Sealing
import Testing

/// Expected digests were made with Python's `hashlib.blake2b`, an implementation of its own.
@Suite struct DigestTests {
    @Test func randomBytesAreAsManyAsAskedAndDiffer() {
        #expect(randomBytes(0) == [])
        #expect(randomBytes(-1) == [])
        #expect(randomBytes(33).count == 33)
        #expect(randomBytes(16) != randomBytes(16))
        #expect(Set((0..<1000).map { _ in randomUInt64() }).count == 1000)
    }
}

@Suite struct AddressCookieTests {
    private let cookie = AddressCookie(secret: Array(0..<32))
    private let endpoint = Endpoint(
        address: .v4(IPv4Address(rawValue: 0xC000_0201)), port: 7400)

    @Test func cookiesAreKnown() {
        let far = Endpoint(
            address: .v6(IPv6Address(high: 0x2001_0DB8_0000_0000, low: 1)), port: 7400)

        // blake2b(b"polycast cookie 1" + family + address + port + period, digest_size=16, key)
        #expect(
            cookie.word(for: endpoint, at: .zero)
                == (0x9EB3_6B98_A45F_FEAD, 0x35C1_1701_46FA_953D))
        #expect(
            cookie.word(for: endpoint, at: .zero + .seconds(60))
                == (0x0FAC_AFE0_2843_FFDE, 0xBEDF_0063_5840_21AB))
        #expect(
            cookie.word(for: endpoint, at: .zero + .nanoseconds(-1))
                == (0xAF00_BFC6_C7C7_FB92, 0x29C6_BEA6_F2C2_B86C))
        #expect(
            cookie.word(for: far, at: .zero + .seconds(359))
                == (0xACC9_87D1_CA42_80F8, 0x7AA9_1615_201C_7CFA))
    }

    @Test(arguments: [0, 1, 30, 59])
    func aCookieLivesToTheEndOfTheNextPeriod(second: Int64) {
        let (high, low) = cookie.word(for: endpoint, at: .zero + .seconds(second))
        let end = Instant.zero + .seconds(120)

        #expect(cookie.verifies(high, low, for: endpoint, at: .zero + .seconds(second)))
        #expect(cookie.verifies(high, low, for: endpoint, at: end + .nanoseconds(-1)))
        #expect(!cookie.verifies(high, low, for: endpoint, at: end))
        #expect(!cookie.verifies(high, low, for: endpoint, at: .zero + .nanoseconds(-1)))
    }

    @Test func aCookieIsOfOneAddressPortAndSecret() {
        let (high, low) = cookie.word(for: endpoint, at: .zero)
        var otherPort = endpoint
        otherPort.port = 7401
        var otherAddress = endpoint
        otherAddress.address = .v4(IPv4Address(rawValue: 0xC000_0202))
        let restarted = AddressCookie(secret: Array(1..<33))

        #expect(!cookie.verifies(high, low, for: otherPort, at: .zero))
        #expect(!cookie.verifies(high, low, for: otherAddress, at: .zero))
        #expect(!restarted.verifies(high, low, for: endpoint, at: .zero))
    }

    @Test func everyBitCounts() {
        let (high, low) = cookie.word(for: endpoint, at: .zero)

        for bit in 0..<64 {
            #expect(!cookie.verifies(high ^ 1 << UInt64(bit), low, for: endpoint, at: .zero))
            #expect(!cookie.verifies(high, low ^ 1 << UInt64(bit), for: endpoint, at: .zero))
        }
        #expect(!cookie.verifies(low, high, for: endpoint, at: .zero))
    }

    @Test func zeroIsNeverAccepted() {
        for second in 0..<1000 {
            #expect(
                !cookie.verifies(0, 0, for: endpoint, at: .zero + .seconds(Int64(second))))
        }
    }

    @Test func theEndsOfTimeAreNoDanger() {
        for now in [Instant.distantFuture, Instant(nanoseconds: .min)] {
            let (high, low) = cookie.word(for: endpoint, at: now)
            #expect(cookie.verifies(high, low, for: endpoint, at: now))
        }
    }

    @Test func shortSecretsAreRefused() async {
        await #expect(processExitsWith: .failure) {
            _ = AddressCookie(secret: [1, 2, 3])
        }
    }
}
