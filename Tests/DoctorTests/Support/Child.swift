import Foundation

/// A process that a test started, its output kept in files.
final class Child {
    private let process = Process()
    private let folder: URL

    init(_ words: [String]) throws {
        folder = FileManager.default.temporaryDirectory
            .appending(path: "polycast-pcdoc\(getpid())n-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = words
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try Self.file(folder.appending(path: "out"))
        process.standardError = try Self.file(folder.appending(path: "err"))
        try process.run()
    }

    deinit {
        kill()
        try? FileManager.default.removeItem(at: folder)
    }

    private static func file(_ place: URL) throws -> FileHandle {
        try Data().write(to: place)
        return try FileHandle(forWritingTo: place)
    }

    var isRunning: Bool { process.isRunning }
    var output: String { read("out") }
    var errors: String { read("err") }

    private func read(_ name: String) -> String {
        (try? String(contentsOf: folder.appending(path: name), encoding: .utf8)) ?? ""
    }

    func signal(_ number: Int32) {
        if process.isRunning { _ = Foundation.kill(process.processIdentifier, number) }
    }

    func kill() {
        signal(SIGCONT)
        signal(SIGKILL)
        process.waitUntilExit()
    }

    /// Ends it by SIGINT; its exit code.
    func finish() -> Int32 {
        signal(SIGINT)
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// Runs a program to its end.
    static func run(_ words: [String]) throws -> (status: Int32, output: String, errors: String) {
        let child = try Child(words)
        child.process.waitUntilExit()
        return (child.process.terminationStatus, child.output, child.errors)
    }
}

/// Whether this machine lets the tests build a lab, asked once.
enum DoctorPermission {
    static func has(_ program: String) -> Bool {
        (try? Child.run(["sh", "-c", "command -v \(program)"]).status) == 0
    }

    /// Why there can be no lab; `nil` when there can.
    static let reason: String? = {
        guard getuid() == 0 else { return "only root may make namespaces that programs run in" }
        for program in ["ip", "nft", "sysctl"] {
            if !has(program) { return "\(program) is not installed" }
        }
        let name = "pcdoc\(getpid())probe"
        guard let made = try? Child.run(["ip", "netns", "add", name]), made.status == 0 else {
            return "no network namespace can be made"
        }
        _ = try? Child.run(["ip", "netns", "del", name])
        return nil
    }()
}
