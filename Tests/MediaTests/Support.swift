import Foundation
import NetBasics
import Sockets
import Testing

func endpoint(_ text: String) throws -> Endpoint { try #require(Endpoint(text)) }

/// A directory for one test, removed with it.
final class TemporaryDirectory: Sendable {
    let path = NSTemporaryDirectory() + "polycast-media-\(UUID().uuidString.prefix(8))"

    init() {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
        } catch {
            Issue.record(error)
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ text: String) throws -> String {
        let file = path + "/" + name
        try text.write(toFile: file, atomically: false, encoding: .utf8)
        return file
    }

    var names: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }
}

/// Waits until the descriptor is readable; two seconds at most.
func isReadable(_ descriptor: Int32, within limit: Duration = .seconds(2)) throws -> Bool {
    var loop = try EventLoop()
    try loop.watch(descriptor, key: 1)
    var ready: [Int] = []
    loop.wait(until: Clocks.now + limit, ready: &ready)
    return !ready.isEmpty
}
