import Glibc
import NetBasics

/// The clocks that drivers read; cores are told the time.
package enum Clocks {
    /// CLOCK_MONOTONIC.
    package static var now: Instant { Instant(nanoseconds: read(CLOCK_MONOTONIC)) }

    /// CLOCK_REALTIME; nanoseconds since 1970, comparable between hosts with set clocks.
    package static var wallNanoseconds: UInt64 { UInt64(clamping: read(CLOCK_REALTIME)) }

    /// CLOCK_THREAD_CPUTIME_ID: processor time of the calling thread, in nanoseconds.
    package static var threadNanoseconds: Int64 { read(CLOCK_THREAD_CPUTIME_ID) }

    /// Of any clock, such as that of another thread or process.
    package static func nanoseconds(of clock: clockid_t) -> Int64 { read(clock) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
