import Foundation
import Management
import NetBasics

/// The program under test as a process of its own.
final class PolycastProcess {
    private let process = Process()
    private let output = Drain()
    private let errors = Drain()

    /// The binary that was built beside the test bundle.
    static let executable: URL = {
        let bundle = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }
        let folder =
            bundle?.bundleURL.deletingLastPathComponent()
            ?? URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        return folder.appendingPathComponent("polycast")
    }()

    convenience init(_ arguments: String...) throws { try self.init(list: arguments) }

    init(list arguments: [String]) throws {
        process.executableURL = Self.executable
        process.arguments = arguments
        process.standardOutput = output.pipe
        process.standardError = errors.pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        output.start()
        errors.start()
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    var isRunning: Bool { process.isRunning }
    var number: Int32 { process.processIdentifier }

    func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    /// Waits for the end, at most `seconds`; a process that goes on is killed and `nil` returned.
    func exitCode(within seconds: Double) -> Int32? {
        let deadline = Date().addingTimeInterval(seconds)
        while process.isRunning, Date() < deadline { usleep(5000) }
        guard !process.isRunning else {
            kill(process.processIdentifier, SIGKILL)
            return nil
        }
        output.wait()
        errors.wait()
        return process.terminationStatus
    }

    /// Valid after ``exitCode(within:)``.
    var outputText: String { String(decoding: output.data, as: UTF8.self) }
    var errorText: String { String(decoding: errors.data, as: UTF8.self) }

    var summary: JoinSummary? {
        try? JoinSummary(json: JSONValue(parsing: Array(outputText.utf8)))
    }
}

/// Reads a pipe to its end on a thread of its own; refers to no process, so that one can be
/// dropped, and killed, while it runs.
private final class Drain: @unchecked Sendable {
    let pipe = Pipe()
    private let end = DispatchSemaphore(value: 0)
    private(set) var data = Data()

    func start() {
        Thread.detachNewThread { [self] in
            data = pipe.fileHandleForReading.readDataToEndOfFile()
            end.signal()
        }
    }

    /// Returns once everything was read; ``data`` is valid from then on.
    func wait() {
        end.wait()
        end.signal()
    }
}

/// A directory of the test's own.
final class ScratchDirectory {
    let path = NSTemporaryDirectory() + "polycast-\(UUID().uuidString.prefix(8))"
    init() throws {
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }
    func file(_ name: String) -> String { "\(path)/\(name)" }
}

/// Polls `condition` until it holds; whether it did within `seconds`.
func eventually(within seconds: Double, _ condition: () -> Bool) -> Bool {
    let deadline = Date().addingTimeInterval(seconds)
    while Date() < deadline {
        if condition() { return true }
        usleep(20_000)
    }
    return condition()
}
