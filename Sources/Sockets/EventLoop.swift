import CLinux
import Glibc
import NetBasics

/// A readiness queue (`epoll`): descriptors in, the keys of the ready ones out.
///
/// It calls nobody back: the driver waits, looks at the keys and acts, so there is one thread
/// and one order of things. A socket on which much is sent is polled with the queue instead of being in
/// it, see ``watchSender(_:key:)``.
package struct EventLoop: ~Copyable {
    private let descriptor: FileDescriptor
    private let timer: FileDescriptor
    /// When the timer goes off; `nil`: it does not.
    ///
    /// Set again only for something earlier: deadlines move on with every packet, and to set and
    /// clear a timer each time costs more than to receive the packet.
    private var alarm: Instant?
    private var events: [epoll_event]
    /// The queue, and sockets that are polled besides; the keys of these.
    private var polled: [pollfd]
    private var polledKeys: [Int] = []

    private static let eventLimit = 64
    private static let timerKey = Int.min

    package init() throws(SystemError) {
        let descriptor = try FileDescriptor(
            epoll_create1(Int32(EPOLL_CLOEXEC)), call: "epoll_create1", subject: "event loop")
        let timer = try FileDescriptor(
            timerfd_create(CLOCK_MONOTONIC, Int32(TFD_CLOEXEC | TFD_NONBLOCK)),
            call: "timerfd_create", subject: "event loop")
        try Self.add(timer.number, key: Self.timerKey, to: descriptor)
        polled = [pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)]
        self.descriptor = descriptor
        self.timer = timer
        events = Array(repeating: epoll_event(), count: Self.eventLimit)
    }

    /// Reports `key` whenever `number` is readable; any key but the lowest integer.
    package func watch(_ number: Int32, key: Int) throws(SystemError) {
        try Self.add(number, key: key, to: descriptor)
    }

    /// Reports `key` whenever `number`, on which much is sent, is readable; stays watched.
    ///
    /// A socket in the queue has somebody to wake for every packet that leaves, as its buffer then has
    /// room again: 3 % of what a small packet costs. So it is looked at only where the thread waits.
    package mutating func watchSender(_ number: Int32, key: Int) {
        polled.append(pollfd(fd: number, events: Int16(POLLIN), revents: 0))
        polledKeys.append(key)
    }

    private static func add(
        _ number: Int32, key: Int, to descriptor: borrowing FileDescriptor
    ) throws(SystemError) {
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
    /// A deadline in the past only looks; without one it waits for a descriptor alone. It may
    /// return before the deadline with nothing ready.
    package mutating func wait(until deadline: Instant?, ready: inout [Int]) {
        ready.removeAll(keepingCapacity: true)
        let isDue = deadline.map { $0 <= Clocks.now } ?? false
        if !isDue, let deadline { setAlarm(at: deadline) }
        guard !polledKeys.isEmpty else { return takeReady(timeout: isDue ? 0 : -1, into: &ready) }
        // Negative on EINTR: a look at the world, as after a deadline.
        guard poll(&polled, nfds_t(polled.count), isDue ? 0 : -1) > 0 else { return }
        for (place, key) in polledKeys.enumerated() where polled[place + 1].revents != 0 {
            ready.append(key)
        }
        if polled[0].revents != 0 { takeReady(timeout: 0, into: &ready) }
    }

    /// Waits for the queue for `timeout` milliseconds, -1: for ever.
    private mutating func takeReady(timeout: Int32, into ready: inout [Int]) {
        let number = descriptor.number
        let count = events.withUnsafeMutableBufferPointer { buffer in
            epoll_wait(number, buffer.baseAddress, Int32(buffer.count), timeout)
        }
        for index in 0..<Int(max(0, count)) {
            let key = Int(Int64(bitPattern: events[index].data.u64))
            if key == Self.timerKey { clearAlarm() } else { ready.append(key) }
        }
    }

    private mutating func setAlarm(at deadline: Instant) {
        if let alarm, alarm <= deadline { return }
        var time = itimerspec()
        time.it_value = timespec(
            tv_sec: Int(deadline.nanoseconds / 1_000_000_000),
            tv_nsec: Int(deadline.nanoseconds % 1_000_000_000))
        if timerfd_settime(timer.number, Int32(CL_TIMER_ABSOLUTE), &time, nil) == 0 {
            alarm = deadline
        }
    }

    private mutating func clearAlarm() {
        alarm = nil
        var expirations: UInt64 = 0
        read(timer.number, &expirations, MemoryLayout<UInt64>.size)
    }
}
