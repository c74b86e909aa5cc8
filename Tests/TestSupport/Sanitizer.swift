import Foundation

/// What `tools/test --sanitize` builds with.
package enum Sanitizer {
    /// Whether there is one.
    ///
    /// It fills the memory of processes: what these hold, and how much, says nothing then.
    package static let isOn = ProcessInfo.processInfo.environment["POLYCAST_SANITIZED"] != nil
}
