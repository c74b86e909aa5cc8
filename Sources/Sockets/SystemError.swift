import Glibc

/// A system call that failed: which, on what, and the kernel's reason.
package struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    package let code: Int32
    package let call: String
    /// The address, path or interface that the call was about.
    package let subject: String

    package init(code: Int32 = errno, call: String, subject: String) {
        self.code = code
        self.call = call
        self.subject = subject
    }

    /// The kernel's words for the code.
    package var reason: String { String(cString: strerror(code)) }

    package var description: String { "\(call) \(subject): \(reason)" }
}

/// Runs a call again while a signal interrupts it.
package func retrying(_ call: () -> Int) -> Int {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}
