import Glibc

/// A descriptor with one owner, closed when the owner goes.
package struct FileDescriptor: ~Copyable {
    package let number: Int32

    /// Takes over `number`, the result of `call`.
    package init(_ number: Int32, call: String, subject: String) throws(SystemError) {
        guard number >= 0 else { throw SystemError(call: call, subject: subject) }
        self.number = number
    }

    deinit { close(number) }
}
