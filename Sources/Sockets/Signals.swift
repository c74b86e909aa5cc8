import CLinux
import Glibc

/// SIGINT and SIGTERM as a readable descriptor, so that the event loop sees them in order.
package struct Signals: ~Copyable {
    private let descriptor: FileDescriptor

    package var number: Int32 { descriptor.number }

    /// Blocks the two signals for the process and ignores SIGPIPE.
    package init() throws(SystemError) {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGINT)
        sigaddset(&set, SIGTERM)
        sigprocmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
        descriptor = try FileDescriptor(
            signalfd(-1, &set, Int32(SFD_CLOEXEC | SFD_NONBLOCK)), call: "signalfd",
            subject: "SIGINT, SIGTERM")
    }

    /// The next pending signal, if any.
    package func next() -> Int32? {
        var info = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        return read(number, &info, size) == size ? Int32(info.ssi_signo) : nil
    }
}
