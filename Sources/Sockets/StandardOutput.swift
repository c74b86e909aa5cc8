import Glibc

/// Writes all of the text; `false` if the descriptor refuses it, as a closed pipe does.
@discardableResult
package func writeText(_ text: String, to descriptor: Int32) -> Bool {
    var text = text
    return text.withUTF8 { writeBytes(UnsafeRawBufferPointer($0), to: descriptor) }
}

/// Writes all bytes; `false` if the descriptor refuses them.
package func writeBytes(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Bool {
    var offset = 0
    while offset < bytes.count {
        let count = Glibc.write(
            descriptor, bytes.baseAddress.map { $0 + offset }, bytes.count - offset)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return false }
        offset += count
    }
    return true
}
