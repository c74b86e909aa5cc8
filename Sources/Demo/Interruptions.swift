import Glibc
import Management
import NetBasics

/// Why a run ends before its time.
enum Stop: Error {
    case failure(Failure)
    /// SIGINT, SIGTERM or SIGHUP.
    case signal(Int32)
}

/// Waiting that a signal ends; while it lives, the signals do nothing else.
struct Interruptions: ~Copyable {
    private var signals = sigset_t()
    private var previousMask = sigset_t()

    init() {
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, number) }
        pthread_sigmask(SIG_BLOCK, &signals, &previousMask)
    }

    /// Sleeps, unless a signal is pending or comes.
    func pause(_ duration: Duration) throws(Stop) {
        var signals = signals
        let nanoseconds = max(0, duration.nanoseconds)
        var time = timespec(
            tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        let number = sigtimedwait(&signals, nil, &time)
        if number > 0 { throw .signal(number) }
    }

    deinit {
        var mask = previousMask
        pthread_sigmask(SIG_SETMASK, &mask, nil)
    }
}
