import CLinux
import Glibc
import NetBasics
import Sockets

/// A thread that sends copies of what the owner hands over.
///
/// It takes no signals, and ends with the object; nothing is left then.
final class SendWorker {
    /// What the thread refers to; not the worker, which would then live as long.
    private final class Task: Sendable {
        let number: Int
        let runs: SharedRuns
        let sender: RunSender

        init(_ number: Int, _ runs: SharedRuns, _ sender: RunSender) {
            self.number = number
            self.runs = runs
            self.sender = sender
        }

        func run() {
            cl_name_thread("polycast-send\(number)")
            runs.work(by: sender)
        }
    }

    let sender: RunSender
    private let runs: SharedRuns
    private let thread: pthread_t
    private let clock: clockid_t

    /// `number`: for the thread's name.
    init(number: Int, _ runs: SharedRuns, joinsDatagrams: Bool) throws(SystemError) {
        self.runs = runs
        sender = RunSender(number: number, joinsDatagrams: joinsDatagrams)
        thread = try Self.start(Task(number, runs, sender))
        var clock = clockid_t()
        pthread_getcpuclockid(thread, &clock)
        self.clock = clock
    }

    /// What the thread has had so far.
    var processorTime: Duration { .nanoseconds(Clocks.nanoseconds(of: clock)) }

    private static func start(_ task: Task) throws(SystemError) -> pthread_t {
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        var thread = pthread_t()
        let context = Unmanaged.passRetained(task)
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<Task>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, context.toOpaque())
        guard code == 0 else {
            context.release()
            throw SystemError(code: code, call: "pthread_create", subject: "sending thread")
        }
        return thread
    }

    deinit {
        runs.close()
        pthread_join(thread, nil)
    }
}
