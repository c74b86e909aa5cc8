import NetBasics

/// One packet of a capture, without its bytes.
package struct CapturedPacket: Equatable, Sendable {
    /// Whose it is, of the capture's interfaces.
    package var interface: Int
    /// Since 1970 began, UTC.
    package var time: Instant
    /// How long it was on the wire; bytes.
    package var wireByteCount: Int
    /// Where its captured part is, in the bytes that were read.
    package var range: Range<Int>
    package var comment: String?

    package init(
        interface: Int = 0, time: Instant, wireByteCount: Int, range: Range<Int>,
        comment: String? = nil
    ) {
        self.interface = interface
        self.time = time
        self.wireByteCount = wireByteCount
        self.range = range
        self.comment = comment
    }

    package var isCut: Bool { range.count < wireByteCount }
}

/// An interface that a capture has packets of.
package struct CaptureInterface: Equatable, Sendable {
    /// Its number in the file: an unknown type can be told, but not decoded.
    package var linkType: UInt16
    package var name: String
    /// Longest captured part; zero: no limit.
    package var snapByteCount: UInt32
    package var counts = CaptureCounts()
    var clock: CaptureClock

    package init(
        linkType: UInt16, name: String = "", snapByteCount: UInt32 = 0,
        clock: CaptureClock = .nanoseconds
    ) {
        self.linkType = linkType
        self.name = name
        self.snapByteCount = snapByteCount
        self.clock = clock
    }
}

/// What a capture says of itself; `nil` where it does not say.
package struct CaptureCounts: Equatable, Sendable {
    /// Packets that came to the interface while it was captured.
    package var received: UInt64?
    /// Dropped by the kernel, whose buffer for this capture was full.
    package var kernelDropped: UInt64?
    /// Dropped by the interface or its driver.
    package var interfaceDropped: UInt64?

    package init(
        received: UInt64? = nil, kernelDropped: UInt64? = nil, interfaceDropped: UInt64? = nil
    ) {
        self.received = received
        self.kernelDropped = kernelDropped
        self.interfaceDropped = interfaceDropped
    }
}

/// What an interface's time stamps count.
package struct CaptureClock: Equatable, Sendable {
    package static let nanoseconds = CaptureClock(multiplier: 1, unitsPerSecond: 1_000_000_000)
    package static let microseconds = CaptureClock(multiplier: 1000, unitsPerSecond: 1_000_000)

    /// Nanoseconds of a unit, where a unit is so many; else zero.
    private var multiplier: UInt64
    private var unitsPerSecond: UInt64
    /// Seconds to be added (`if_tsoffset`).
    var offset: Int64 = 0

    private init(multiplier: UInt64, unitsPerSecond: UInt64) {
        self.multiplier = multiplier
        self.unitsPerSecond = unitsPerSecond
    }

    /// Reads `if_tsresol`: a power of ten, or of two with the highest bit.
    init(resolution: UInt8) throws(DecodeError) {
        let exponent = resolution & 0x7F
        let isBinary = resolution & 0x80 != 0
        guard exponent <= (isBinary ? 62 : 18) else { throw .invalidField("if_tsresol") }
        unitsPerSecond = (0..<exponent).reduce(1) { units, _ in units * (isBinary ? 2 : 10) }
        multiplier =
            1_000_000_000 % unitsPerSecond == 0 ? 1_000_000_000 / unitsPerSecond : 0
    }

    /// Stamps beyond the year 2262 are clamped.
    @inline(__always)
    func instant(_ units: UInt64) -> Instant {
        var nanoseconds: UInt64
        if multiplier > 0 {
            let (product, overflow) = units.multipliedReportingOverflow(by: multiplier)
            nanoseconds = overflow ? .max : product
        } else {
            let (seconds, rest) = units.quotientAndRemainder(dividingBy: unitsPerSecond)
            let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
            let part = unitsPerSecond.dividingFullWidth(
                rest.multipliedFullWidth(by: 1_000_000_000))
            nanoseconds = overflow ? .max : whole &+ part.quotient
        }
        let instant = Instant(nanoseconds: Int64(clamping: nanoseconds))
        guard offset != 0 else { return instant }
        let (shift, overflow) = offset.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .distantFuture : instant + .nanoseconds(shift)
    }
}
