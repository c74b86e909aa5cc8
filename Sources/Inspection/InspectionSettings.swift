import NetBasics

/// How to look at a capture.
package struct InspectionSettings: Equatable, Sendable {
    /// In which bursts are looked for; 1 ms to 10 s.
    ///
    /// Short ones show what switches see, long ones what a viewer does.
    package var window: Duration
    /// What leaves the buffer that is modelled; bits per second, `nil`: none is.
    package var drainRate: Double?
    /// Whether streams from one host to another are looked at, too, and not only those to groups.
    package var includesUnicast: Bool
    /// Whether rate, loss and jitter are kept over time.
    package var keepsTimelines: Bool
    /// Clocks of dynamic payload types; Hz.
    package var clockRates: [UInt8: Double]
    /// Those of the interfaces that are captured live, whose packets come from here; empty for a file.
    package var ownAddresses: Set<MACAddress> = []

    package init(
        window: Duration = .milliseconds(100), drainRate: Double? = nil,
        includesUnicast: Bool = false, keepsTimelines: Bool = false,
        clockRates: [UInt8: Double] = [:]
    ) {
        self.window = window
        self.drainRate = drainRate
        self.includesUnicast = includesUnicast
        self.keepsTimelines = keepsTimelines
        self.clockRates = clockRates
    }
}
