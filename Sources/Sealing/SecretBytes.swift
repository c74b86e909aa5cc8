import CSodium

/// Key material: never shown, compared in constant time, wiped when the last owner lets go.
///
/// A reference, so that passing it around leaves no copies behind. Neither interpolation nor
/// `dump` nor a `Mirror` shows more than the length. Its memory may still reach a swap file or
/// a core dump.
package final class SecretBytes: @unchecked Sendable {
    // Unchecked, since a pointer is never `Sendable`; the bytes do not change after `init`.
    private let storage: UnsafeMutableRawBufferPointer

    package var count: Int { storage.count }

    /// Copies `bytes`; the caller's array is the caller's to forget.
    package convenience init(_ bytes: [UInt8]) {
        self.init(count: bytes.count) { $0.copyBytes(from: bytes) }
    }

    /// Lets `fill` write the bytes, which are zero before.
    init(count: Int, filledBy fill: (UnsafeMutableRawBufferPointer) -> Void) {
        storage = .allocate(byteCount: count, alignment: 16)
        storage.initializeMemory(as: UInt8.self, repeating: 0)
        fill(storage)
    }

    deinit {
        Sodium.wipe(storage)
        storage.deallocate()
    }

    /// Shows the bytes to `body`, which must neither keep the pointer nor copy without need.
    package func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(storage))
    }

    /// The first byte, for the functions of C that know how many follow.
    func withStart<Result>(_ body: (UnsafeRawPointer) -> Result) -> Result {
        guard let start = storage.baseAddress else { preconditionFailure("memory has no address") }
        return body(UnsafeRawPointer(start))
    }

    /// The bytes from `range` as a secret of its own.
    func part(_ range: Range<Int>) -> SecretBytes {
        SecretBytes(count: range.count) { target in
            target.copyMemory(from: UnsafeRawBufferPointer(rebasing: storage[range]))
        }
    }
}

extension SecretBytes: Equatable {
    package static func == (left: SecretBytes, right: SecretBytes) -> Bool {
        guard left.count == right.count else { return false }
        return left.withStart { first in
            right.withStart { sodium_memcmp(first, $0, left.count) == 0 }
        }
    }
}

extension SecretBytes: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "secret of \(count) bytes" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
