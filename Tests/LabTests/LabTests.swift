import Foundation
import Testing

/// Tests on a network of namespaces, one after the other.
///
/// They run wherever namespaces may be made, and otherwise are reported as skipped.
@Suite(.serialized, .enabled(if: LabPermission.reason == nil, LabPermission.comment))
enum LabTests {}

/// Whether this machine lets us build a lab, asked once.
enum LabPermission {
    /// Why there can be no lab; `nil` when there can.
    static let reason: String? = {
        do {
            let (status, output) = try Program.outcome([Files.netns, "probe"])
            return status == 0 ? nil : output
        } catch {
            return "\(error)"
        }
    }()

    static var comment: Comment { "a network lab: \(reason ?? "permitted")" }
}

/// Tests that need ffmpeg say so when it is missing.
enum MediaTools {
    static let isInstalled = Files.has("ffmpeg")
    static let comment: Comment = "ffmpeg is installed (tools/setup installs it)"
}
