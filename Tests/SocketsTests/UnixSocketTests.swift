import Foundation
import Sockets
import Testing

@Suite struct UnixSocketTests {
    private let path = NSTemporaryDirectory() + "polycast-test-\(UUID().uuidString.prefix(8)).sock"

    @Test func onlyTheOwnerMayConnect() throws {
        let listener = try UnixListener(path: path)

        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]

        #expect(mode as? Int == 0o600)
        _ = listener.number
    }

    @Test func aQuestionGetsItsAnswer() throws {
        let server = try ServerThread(path: path) { $0.uppercased() }

        #expect(try UnixClient.ask("hello", at: path, timeout: .seconds(2)) == "HELLO")
        server.stop()
    }

    @Test func anAbandonedSocketIsReplacedAndALiveOneIsNot() throws {
        do { _ = try UnixListener(path: path) }
        // A file that nobody listens on: bind without a listener behind it.
        let stale = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(stale, $0, size) }
        }
        #expect(bound == 0)
        close(stale)

        let listener = try UnixListener(path: path)

        #expect(UnixClient.isServed(path))
        #expect(throws: SystemError.self) { _ = try UnixListener(path: path) }
        #expect(UnixClient.isServed(path))
        _ = listener.number
    }

    @Test func nobodyThereIsAnError() {
        #expect(throws: SystemError.self) {
            _ = try UnixClient.ask("hello", at: path, timeout: .seconds(1))
        }
    }
}

/// Answers every line through `answer` until stopped.
private final class ServerThread: @unchecked Sendable {
    private let thread: Thread

    init(path: String, answer: @escaping @Sendable (String) -> String) throws {
        let ready = DispatchSemaphore(value: 0)
        thread = Thread {
            guard let listener = try? UnixListener(path: path) else { return }
            ready.signal()
            while !Thread.current.isCancelled {
                if var client = listener.accept() {
                    while !Thread.current.isCancelled {
                        if case .line(let line) = client.readLine() {
                            client.write(line: answer(line))
                            break
                        }
                        usleep(1000)
                    }
                }
                usleep(1000)
            }
        }
        thread.start()
        #expect(ready.wait(timeout: .now() + 2) == .success)
    }

    func stop() { thread.cancel() }
}
