import CLinux
import Glibc
import NetBasics
import Sockets

/// Questions to the kernel's routing tables (rtnetlink(7)), read only.
struct Netlink: ~Copyable {
    /// One message of an answer, without its header.
    struct Message {
        var type: UInt16
        var payload: ArraySlice<UInt8>
    }

    /// What the kernel refused, or that it went on for too long.
    enum Refusal: Error {
        case code(Int32)
        case silent
        case oversized
    }

    private let descriptor: FileDescriptor
    private var sequence: UInt32 = 0

    private static let headerBytes = 16
    private static let bufferBytes = 1 << 16
    /// Of all messages of an answer; a thousand interfaces take a tenth of that.
    private static let answerLimit = 32 << 20

    init() throws(SystemError) {
        let type = Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue)
        descriptor = try FileDescriptor(
            socket(Int32(CL_NETLINK_FAMILY), type, NETLINK_ROUTE), call: "socket",
            subject: "rtnetlink")
        var patience = timeval(tv_sec: 2, tv_usec: 0)
        setsockopt(
            descriptor.number, SOL_SOCKET, SO_RCVTIMEO, &patience,
            socklen_t(MemoryLayout<timeval>.size))
    }

    /// Sends a request of `type` with `body`, and collects the answer.
    mutating func ask(
        _ type: Int, _ body: [UInt8], isDump: Bool
    ) throws(Refusal) -> [Message] {
        sequence &+= 1
        var request = NativeWriter()
        request.write(UInt32(Self.headerBytes + body.count))
        request.write(UInt16(type))
        request.write(UInt16(NLM_F_REQUEST | (isDump ? NLM_F_DUMP : 0)))
        request.write(sequence)
        request.write(UInt32(0))
        request.bytes += body
        let number = descriptor.number
        let sent = retrying { Glibc.send(number, request.bytes, request.bytes.count, 0) }
        guard sent == request.bytes.count else { throw .code(errno) }
        return try collect(isDump: isDump)
    }

    private func collect(isDump: Bool) throws(Refusal) -> [Message] {
        var messages: [Message] = []
        var total = 0
        var buffer = [UInt8](repeating: 0, count: Self.bufferBytes)
        let number = descriptor.number
        while true {
            let count = retrying { recv(number, &buffer, Self.bufferBytes, 0) }
            guard count > 0 else { throw .silent }
            total += count
            guard total <= Self.answerLimit else { throw .oversized }
            var rest = Array(buffer[..<count])[...]
            while let (message, sequence) = Self.next(&rest) {
                guard sequence == self.sequence else { continue }
                switch Int32(message.type) {
                case NLMSG_DONE: return messages
                case NLMSG_ERROR:
                    let code = NativeReader.word(message.payload, at: 0) ?? 0
                    let errorNumber = Int32(bitPattern: code)
                    if errorNumber == 0 { return messages }
                    throw .code(0 &- errorNumber)
                default: messages.append(message)
                }
            }
            if !isDump, !messages.isEmpty { return messages }
        }
    }

    /// Takes the next message off the front; `nil` at the end or at what is cut short.
    static func next(_ bytes: inout ArraySlice<UInt8>) -> (Message, UInt32)? {
        guard let length = NativeReader.word(bytes, at: 0).map(Int.init),
            let type = NativeReader.half(bytes, at: 4),
            let sequence = NativeReader.word(bytes, at: 8),
            length >= headerBytes, length <= bytes.count
        else { return nil }
        let payload = bytes.dropFirst(headerBytes).prefix(length - headerBytes)
        bytes = bytes.dropFirst((length + 3) & ~3)
        return (Message(type: type, payload: payload), sequence)
    }
}

/// The attributes of a message (netlink(7)): a type and bytes each.
struct NetlinkAttributes {
    private var values: [UInt16: ArraySlice<UInt8>] = [:]

    /// Reads attributes up to the first that is cut short; of two of one type the last counts.
    init(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        while let length = NativeReader.half(rest, at: 0).map(Int.init),
            let type = NativeReader.half(rest, at: 2), length >= 4, length <= rest.count
        {
            values[type & 0x3FFF] = rest.dropFirst(4).prefix(length - 4)
            rest = rest.dropFirst((length + 3) & ~3)
        }
    }

    subscript(type: Int) -> ArraySlice<UInt8>? { UInt16(exactly: type).flatMap { values[$0] } }

    func byte(_ type: Int) -> UInt8? { self[type]?.first }
    func word(_ type: Int) -> UInt32? { self[type].flatMap { NativeReader.word($0, at: 0) } }
    func nested(_ type: Int) -> NetlinkAttributes? { self[type].map(NetlinkAttributes.init) }

    /// Text up to its zero.
    func text(_ type: Int) -> String? {
        self[type].map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// Four or sixteen bytes in network order.
    func address(_ type: Int) -> IPAddress? { self[type].flatMap { IPAddress(networkBytes: $0) } }
}

extension IPAddress {
    init?(networkBytes bytes: ArraySlice<UInt8>) {
        func number(_ part: ArraySlice<UInt8>) -> UInt64 {
            part.reduce(0) { $0 << 8 | UInt64($1) }
        }
        switch bytes.count {
        case 4: self = .v4(IPv4Address(rawValue: UInt32(truncatingIfNeeded: number(bytes))))
        case 16:
            self = IPAddress(
                IPv6Address(high: number(bytes.prefix(8)), low: number(bytes.dropFirst(8))))
        default: return nil
        }
    }

    var networkBytes: [UInt8] {
        var writer = ByteWriter()
        switch self {
        case .v4(let address): writer.write(address.rawValue)
        case .v6(let address):
            writer.write(address.high)
            writer.write(address.low)
        }
        return writer.bytes
    }
}

/// Words in the host's own order, as the kernel writes them; `nil` beyond the end.
enum NativeReader {
    static func half(_ bytes: ArraySlice<UInt8>, at offset: Int) -> UInt16? {
        load(bytes, at: offset, as: UInt16.self)
    }

    static func word(_ bytes: ArraySlice<UInt8>, at offset: Int) -> UInt32? {
        load(bytes, at: offset, as: UInt32.self)
    }

    private static func load<Word: FixedWidthInteger & BitwiseCopyable>(
        _ bytes: ArraySlice<UInt8>, at offset: Int, as _: Word.Type
    ) -> Word? {
        guard offset >= 0, bytes.count >= MemoryLayout<Word>.size,
            offset <= bytes.count - MemoryLayout<Word>.size
        else { return nil }
        return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Word.self) }
    }
}

struct NativeWriter {
    var bytes: [UInt8] = []

    mutating func write(_ word: some FixedWidthInteger & BitwiseCopyable) {
        withUnsafeBytes(of: word) { bytes.append(contentsOf: $0) }
    }

    mutating func writeAttribute(_ type: Int, _ value: [UInt8]) {
        write(UInt16(4 + value.count))
        write(UInt16(type))
        bytes += value
        while bytes.count % 4 != 0 { bytes.append(0) }
    }
}
