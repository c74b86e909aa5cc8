import Glibc

/// SIGINT and SIGTERM, held back while a simulation runs; every thread can ask for them.
enum Interruption {
    /// Holds them back in this thread and those that it starts.
    static func hold() {
        var set = signals
        pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    /// The signal that waits, if one does; it goes on waiting.
    static var pending: Int32? {
        var set = sigset_t()
        guard sigpending(&set) == 0 else { return nil }
        return [SIGINT, SIGTERM].first { sigismember(&set, $0) == 1 }
    }

    private static var signals: sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for number in [SIGINT, SIGTERM] { sigaddset(&set, number) }
        return set
    }
}
