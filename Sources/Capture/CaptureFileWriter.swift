import Glibc
import NetBasics
import PacketFormats
import Sockets

/// Where captured packets are written, and when the next file begins.
package struct CaptureFilePlan: Equatable, Sendable {
    /// `-` is standard output.
    package var path: String
    /// A new file begins after so many bytes, or so much time.
    package var byteLimit: UInt64?
    package var durationLimit: Duration?
    /// Of a ring so many files are kept; `nil`: all.
    package var fileLimit: Int?

    package init(
        path: String, byteLimit: UInt64? = nil, durationLimit: Duration? = nil,
        fileLimit: Int? = nil
    ) {
        self.path = path
        self.byteLimit = byteLimit
        self.durationLimit = durationLimit
        self.fileLimit = fileLimit
    }

    package var isRing: Bool { byteLimit != nil || durationLimit != nil }
}

/// Writes packets to a pcapng file, or to a ring of them.
///
/// Whole blocks are written at once, so that what was written stays readable whenever it ends.
package final class CaptureFileWriter {
    private static let flushBytes = 256 << 10

    private let plan: CaptureFilePlan
    private let application: String
    private var interfaces: [CaptureInterface]
    private let filter: String
    private var writer = PcapngWriter()
    private var descriptor: Int32 = -1
    /// Of the open file, and of all.
    private var fileBytes: UInt64 = 0
    package private(set) var byteCount: UInt64 = 0
    /// What was written, and what waits for ``flush()``.
    package var totalByteCount: UInt64 { byteCount + UInt64(writer.bytes.count) }
    package private(set) var packetCount: UInt64 = 0
    private var fileStart: Instant?
    /// Names of the ring's files, the oldest first.
    package private(set) var paths: [String] = []
    private var sequence = 0
    private var lastTime = Instant.zero
    /// What the interfaces have counted so far, for the end of each file of a ring.
    package var counts: [CaptureCounts?] = []

    package init(
        _ plan: CaptureFilePlan, interfaces: [CaptureInterface], filter: String,
        application: String, at now: Instant
    ) throws(SystemError) {
        self.plan = plan
        self.application = application
        self.interfaces = interfaces
        self.filter = filter
        try openNext(at: now)
    }

    package var isRing: Bool { plan.isRing }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Appends a packet; it may stay in memory until ``flush()``.
    package func write(
        _ data: UnsafeRawBufferPointer, _ packet: CapturedPacket
    ) throws(SystemError) {
        if isFull(at: packet.time) { try turn(at: packet.time) }
        if fileStart == nil { fileStart = packet.time }
        writer.add(
            data, interface: packet.interface, at: packet.time,
            wireByteCount: packet.wireByteCount, comment: packet.comment)
        packetCount &+= 1
        lastTime = packet.time
        if writer.bytes.count >= Self.flushBytes { try flush() }
    }

    /// Describes one more interface, whose packets may follow.
    package func add(_ interface: CaptureInterface) {
        interfaces.append(interface)
        writer.add(interface, filter: filter)
    }

    private func isFull(at now: Instant) -> Bool {
        if let limit = plan.byteLimit, fileBytes + UInt64(writer.bytes.count) >= limit {
            return true
        }
        guard let limit = plan.durationLimit, let fileStart else { return false }
        return now - fileStart >= limit
    }

    /// Writes what waits.
    package func flush() throws(SystemError) {
        var offset = 0
        while offset < writer.bytes.count {
            let count = writer.bytes.withUnsafeBytes { bytes in
                Glibc.write(
                    descriptor, bytes.baseAddress.map { $0 + offset }, bytes.count - offset)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                let error = SystemError(call: "write", subject: paths.last ?? plan.path)
                cutToWholeBlocks()
                throw error
            }
            offset += count
        }
        fileBytes += UInt64(offset)
        byteCount += UInt64(offset)
        writer.bytes.removeAll(keepingCapacity: true)
    }

    /// Takes the part of a block that was still written from a file's end.
    private func cutToWholeBlocks() {
        ftruncate(descriptor, off_t(clamping: fileBytes))
        writer.bytes.removeAll()
    }

    /// Ends the capture, with what each interface counted.
    package func finish(_ counts: [CaptureCounts?]) throws(SystemError) {
        self.counts = counts
        try endFile()
    }

    private func endFile() throws(SystemError) {
        for (index, counts) in counts.enumerated() {
            if let counts { writer.add(counts, interface: index, at: lastTime) }
        }
        try flush()
    }

    // MARK: - Files

    private func turn(at now: Instant) throws(SystemError) {
        try endFile()
        close(descriptor)
        descriptor = -1
        try openNext(at: now)
    }

    private func openNext(at now: Instant) throws(SystemError) {
        (fileBytes, fileStart) = (0, nil)
        writer.bytes.removeAll(keepingCapacity: true)
        if plan.path == "-" {
            descriptor = dup(STDOUT_FILENO)
        } else {
            let path = plan.isRing ? nextPath() : plan.path
            descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
            guard descriptor >= 0 else { throw SystemError(call: "open", subject: path) }
            paths.append(path)
            if let limit = plan.fileLimit, paths.count > limit {
                unlink(paths.removeFirst())
            }
        }
        writer.beginSection(application: application)
        for interface in interfaces { writer.add(interface, filter: filter) }
        try flush()
    }

    /// `NAME_00001.pcapng` for `NAME.pcapng`.
    private func nextPath() -> String {
        sequence += 1
        let digits = String(sequence)
        let number = String(repeating: "0", count: max(0, 5 - digits.count)) + digits
        let slash = plan.path.lastIndex(of: "/") ?? plan.path.startIndex
        guard let dot = plan.path.lastIndex(of: "."), dot > slash else {
            return "\(plan.path)_\(number)"
        }
        return "\(plan.path[..<dot])_\(number)\(plan.path[dot...])"
    }
}
