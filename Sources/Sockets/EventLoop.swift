import CLinux
import Glibc
import NetBasics

/// A readiness queue (`epoll`): descriptors in, the keys of the ready ones out.
///
/// It calls nobody back: the driver waits, looks at the keys and acts, so there is one thread
/// and one order of things.
package struct EventLoop: ~Copyable {
    private let descriptor: FileDescriptor
    private var events: [epoll_event]

    private static let eventLimit = 64
    /// An hour; nanoseconds.
    private static let longestWait: Int64 = 3_600_000_000_000

    package init() throws(SystemError) {
        descriptor = try FileDescriptor(
            epoll_create1(Int32(EPOLL_CLOEXEC)), call: "epoll_create1", subject: "event loop")
        events = Array(repeating: epoll_event(), count: Self.eventLimit)
    }

    /// Reports `key` whenever `number` is readable.
    package func watch(_ number: Int32, key: Int) throws(SystemError) {
        var event = epoll_event()
        event.events = EPOLLIN.rawValue
        event.data.u64 = UInt64(bitPattern: Int64(key))
        guard epoll_ctl(descriptor.number, EPOLL_CTL_ADD, number, &event) == 0 else {
            throw SystemError(call: "epoll_ctl", subject: "descriptor \(number)")
        }
    }

    package func unwatch(_ number: Int32) {
        epoll_ctl(descriptor.number, EPOLL_CTL_DEL, number, nil)
    }

    /// Waits until a descriptor is ready or `deadline` has come, and replaces `ready` by the keys.
    ///
    /// A deadline in the past only looks; without one it may wait for an hour.
    package mutating func wait(until deadline: Instant?, ready: inout [Int]) {
        ready.removeAll(keepingCapacity: true)
        let number = descriptor.number
        let left = deadline.map { $0.nanoseconds &- Clocks.now.nanoseconds } ?? Self.longestWait
        let bounded = min(max(0, left), Self.longestWait)
        var timeout = timespec(
            tv_sec: Int(bounded / 1_000_000_000), tv_nsec: Int(bounded % 1_000_000_000))
        let count = events.withUnsafeMutableBufferPointer { buffer in
            epoll_pwait2(number, buffer.baseAddress, Int32(buffer.count), &timeout, nil)
        }
        // Negative on EINTR: a look at the world, as after a deadline.
        for index in 0..<Int(max(0, count)) {
            ready.append(Int(Int64(bitPattern: events[index].data.u64)))
        }
    }
}
