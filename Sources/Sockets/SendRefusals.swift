import Glibc

/// Datagrams that the kernel did not take, by reason.
package struct SendRefusals: Equatable, Sendable {
    /// The send buffer or a device queue was full; live media does not wait.
    package var bufferFullCount: UInt64 = 0
    /// Longer than UDP or the path allows.
    package var tooLongCount: UInt64 = 0
    /// No route, or nobody there.
    package var unreachableCount: UInt64 = 0
    package var otherCount: UInt64 = 0

    package init() {}

    package var total: UInt64 {
        bufferFullCount &+ tooLongCount &+ unreachableCount &+ otherCount
    }

    /// The counts that are not zero, under short stable names.
    package var reasons: [(name: String, count: UInt64)] {
        [
            ("send_buffer_full", bufferFullCount), ("send_too_long", tooLongCount),
            ("send_unreachable", unreachableCount), ("send_other", otherCount),
        ].filter { $0.1 > 0 }
    }

    package mutating func add(_ other: SendRefusals) {
        bufferFullCount &+= other.bufferFullCount
        tooLongCount &+= other.tooLongCount
        unreachableCount &+= other.unreachableCount
        otherCount &+= other.otherCount
    }

    mutating func count(_ code: Int32) {
        switch code {
        case EAGAIN, ENOBUFS: bufferFullCount &+= 1
        case EMSGSIZE: tooLongCount &+= 1
        case ENETUNREACH, EHOSTUNREACH, ECONNREFUSED, ENETDOWN, EADDRNOTAVAIL:
            unreachableCount &+= 1
        default: otherCount &+= 1
        }
    }
}
