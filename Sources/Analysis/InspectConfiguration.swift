import Inspection
import NetBasics

/// What `polycast inspect` is asked to do.
package struct InspectConfiguration: Equatable, Sendable {
    package enum Input: Equatable, Sendable {
        /// `-`: standard input.
        case file(String)
        case interfaces([String])
    }

    package enum Output: String, Sendable, CaseIterable {
        case text
        case json
        case csv
    }

    package var input: Input
    /// In libpcap's language; empty: everything.
    package var filter: String
    /// Streams of other groups are not shown; empty: all are.
    package var groups: [IPAddress]
    package var settings: InspectionSettings
    package var output: Output
    /// Where pictures of rate, loss and jitter go.
    package var plotDirectory: String?
    package var alarms: [Alarm]
    /// Of a live capture; `nil`: until a signal.
    package var duration: Duration?
    package var packetLimit: UInt64?
    /// Whether a live capture prints no view meanwhile.
    package var isQuiet: Bool

    package init(
        input: Input, filter: String = "", groups: [IPAddress] = [],
        settings: InspectionSettings = InspectionSettings(), output: Output = .text,
        plotDirectory: String? = nil, alarms: [Alarm] = [], duration: Duration? = nil,
        packetLimit: UInt64? = nil, isQuiet: Bool = false
    ) {
        self.input = input
        self.filter = filter
        self.groups = groups
        self.settings = settings
        self.output = output
        self.plotDirectory = plotDirectory
        self.alarms = alarms
        self.duration = duration
        self.packetLimit = packetLimit
        self.isQuiet = isQuiet
    }
}
