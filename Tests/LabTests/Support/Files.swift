import Foundation

/// Where the tests find the programs they start.
enum Files {
    /// Root of the package, found from this file's own place in it.
    static let package = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    static let netns = package.appending(path: "tools/netns").path

    /// The program under test: `POLYCAST`, else the one built beside this test bundle.
    static let polycast: String = {
        if let chosen = ProcessInfo.processInfo.environment["POLYCAST"] { return chosen }
        let bundle = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(filePath: bundle ?? ".").deletingLastPathComponent()
            .appending(path: "polycast").path
    }()

    /// Whether `name` is a program on the search path.
    static func has(_ name: String) -> Bool {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return path.split(separator: ":").contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/\(name)")
        }
    }
}
