import NetBasics

extension BitRate {
    /// Parses `4M`, `800k`, `2.5M` or `1500000`; the error says what to write.
    package init(parsing text: some StringProtocol) throws(MediaError) {
        guard let rate = BitRate(text) else {
            throw MediaError(
                .usage, "no bit rate: '\(shown(text))'",
                advice: "write 4M, 800k, 2.5M or 1500000, above 0 and at most 1000G")
        }
        self = rate
    }

    /// In kbit/s, rounded up, as descriptions carry it.
    package var kilobitsPerSecond: UInt32 { UInt32(clamping: (bitsPerSecond + 999) / 1000) }
}
