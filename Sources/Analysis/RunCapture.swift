import Capture
import Glibc
import Management
import NetBasics
import PacketFormats
import Sockets

/// Captures to files, or prints packets; returns the exit code.
package func runCapture(_ configuration: CaptureConfiguration) throws(Failure) -> Int32 {
    // A reader that goes away, as of `-w -`, is an error of the write and no signal.
    signal(SIGPIPE, SIG_IGN)
    switch configuration.input {
    case .file(let path): return try copyFile(path, configuration)
    case .interfaces(let names):
        var run = try CaptureRun.start(names, configuration)
        return try run.run()
    }
}

/// Where packets go, and what stopped them.
struct PacketSink: ~Copyable {
    private var writer: CaptureFileWriter?
    private var printer: PacketPrinter?
    private var text = ""
    private(set) var packets: UInt64 = 0
    private(set) var failure: Failure?
    private let limits: CaptureConfiguration.Limits
    private static let textLimit = 64 << 10

    init(
        _ configuration: CaptureConfiguration, _ interfaces: [CaptureInterface]
    ) throws(Failure) {
        limits = configuration.limits
        printer = configuration.output.map { PacketPrinter($0, interfaces: interfaces) }
        writer = try Self.openWriter(configuration, interfaces)
        text = printer?.begin() ?? ""
    }

    private static func openWriter(
        _ configuration: CaptureConfiguration, _ interfaces: [CaptureInterface]
    ) throws(Failure) -> CaptureFileWriter? {
        guard let plan = configuration.plan else { return nil }
        do throws(SystemError) {
            return try CaptureFileWriter(
                plan, interfaces: interfaces, filter: configuration.filter,
                application: "polycast", at: Clocks.now)
        } catch {
            throw Failure(
                .runtimeFailure, "cannot write \(quoted(error.subject)): \(error.reason)",
                advice: "choose another file with --write")
        }
    }

    /// Whether nothing more is wanted.
    var isOver: Bool {
        if failure != nil { return true }
        if let limit = limits.packets, packets >= limit { return true }
        if let limit = limits.bytes, writer?.totalByteCount ?? 0 >= limit { return true }
        return false
    }

    mutating func take(_ bytes: UnsafeRawBufferPointer, _ packet: CapturedPacket) {
        guard !isOver else { return }
        packets &+= 1
        do throws(SystemError) {
            try writer?.write(bytes, packet)
        } catch {
            fail(error)
            return
        }
        guard printer != nil else { return }
        text += printer?.line(bytes.bytes, packet, number: packets) ?? ""
        if text.utf8.count >= Self.textLimit { flush() }
    }

    /// Describes interfaces that the file names behind its first packet.
    mutating func add(_ interfaces: some Sequence<CaptureInterface>) {
        for interface in interfaces {
            writer?.add(interface)
            printer?.interfaces.append(interface)
        }
    }

    /// Whether files end, and need to tell what was counted, before the capture does.
    var isRing: Bool { writer?.isRing ?? false }

    func note(_ counts: [CaptureCounts?]) { writer?.counts = counts }

    /// Prints, and writes, what waits.
    mutating func flush() {
        if !text.isEmpty {
            if !writeText(text, to: STDOUT_FILENO), failure == nil {
                failure = Failure(
                    .runtimeFailure, "cannot write to standard output: \(reason(errno))")
            }
            text.removeAll(keepingCapacity: true)
        }
        do throws(SystemError) {
            try writer?.flush()
        } catch {
            fail(error)
        }
    }

    /// Ends files with what the interfaces counted.
    mutating func finish(_ counts: [CaptureCounts?]) {
        text += printer?.end() ?? ""
        flush()
        guard failure == nil else { return }
        do throws(SystemError) {
            try writer?.finish(counts)
        } catch {
            fail(error)
        }
    }

    private mutating func fail(_ error: SystemError) {
        let written = writer?.byteCount ?? 0
        guard error.code != EPIPE else {
            failure = Failure(
                .runtimeFailure,
                "whoever read standard output is gone; \(written) bytes were written before")
            return
        }
        failure = Failure(
            .runtimeFailure,
            "cannot write \(quoted(error.subject)): \(error.reason); \(written) bytes written "
                + "before are a valid capture",
            advice: "make room, or bound the files with --ring files:5,filesize:100M")
    }

    var paths: [String] { writer?.paths ?? [] }
    var byteCount: UInt64 { writer?.byteCount ?? 0 }
}

/// A live capture, from its start to its summary.
private struct CaptureRun: ~Copyable {
    private static let flushInterval = Duration.milliseconds(500)
    private static let turnLimit = 64

    private let configuration: CaptureConfiguration
    private let names: [String]
    private let captures: CaptureSet
    private let signals: Signals
    private var sink: PacketSink

    static func start(
        _ names: [String], _ configuration: CaptureConfiguration
    ) throws(Failure) -> CaptureRun {
        var settings = configuration.settings
        settings.filter = configuration.filter
        let captures = try CaptureSet.opened(names, settings)
        let signals = try Signals.watched()
        let sink = try PacketSink(configuration, captures.interfaces)
        return CaptureRun(configuration, names, captures, signals, sink)
    }

    private init(
        _ configuration: CaptureConfiguration, _ names: [String],
        _ captures: consuming CaptureSet, _ signals: consuming Signals,
        _ sink: consuming PacketSink
    ) {
        self.configuration = configuration
        self.names = names
        self.captures = captures
        self.signals = signals
        self.sink = sink
    }

    mutating func run() throws(Failure) -> Int32 {
        let start = Clocks.now
        let end = configuration.limits.duration.map { start + $0 } ?? .distantFuture
        var flushDue = start + Self.flushInterval
        var signal: Int32?
        let showsStatus = !configuration.isQuiet && Terminal.isCapable(STDERR_FILENO)
        while signal == nil, !sink.isOver, !captures.isOver, Clocks.now < end {
            captures.wait(
                or: [signals.number], atMost: min(end - Clocks.now, flushDue - Clocks.now))
            take()
            signal = signals.next()
            guard Clocks.now >= flushDue else { continue }
            flushDue = Clocks.now + Self.flushInterval
            sink.flush()
            if showsStatus { writeText("\r\(status)\u{1B}[K", to: STDERR_FILENO) }
        }
        take()
        sink.finish(captures.counts)
        if showsStatus { writeText("\r\u{1B}[K", to: STDERR_FILENO) }
        if !configuration.isQuiet { writeText("polycast: \(status)\n", to: STDERR_FILENO) }
        if let failure = sink.failure { throw failure }
        if let trouble = captures.trouble {
            throw Failure(
                .runtimeFailure,
                "the capture ended early: \(trouble); "
                    + "\(sink.packets) packets were taken")
        }
        return signal.map { 128 + $0 } ?? ExitCode.success.rawValue
    }

    private mutating func take() {
        if sink.isRing { sink.note(captures.counts) }
        for _ in 0..<Self.turnLimit where !sink.isOver {
            let count = captures.read(into: &sink) { sink, bytes, packet in
                sink.take(bytes, packet)
            }
            if count == 0 { return }
        }
    }

    /// What was captured and dropped, by whom.
    private var status: String {
        let counts = captures.counts
        func sum(_ count: (CaptureCounts) -> UInt64?) -> String {
            let known = counts.compactMap { $0.flatMap(count) }
            return known.isEmpty ? "unknown" : "\(known.reduce(0, &+))"
        }
        var line =
            "\(names.joined(separator: ", ")): \(sink.packets) packets; dropped: "
            + "\(sum(\.kernelDropped)) by the kernel (buffer full), "
            + "\(sum(\.interfaceDropped)) by the interface, 0 here"
        if let path = sink.paths.last { line += "; \(sink.byteCount) bytes in \(path)" }
        return line
    }
}

/// Prints packets of a file, or copies those that pass the filter.
private func copyFile(
    _ path: String, _ configuration: CaptureConfiguration
) throws(Failure) -> Int32 {
    var reader = try CaptureFileReader.opened(path)
    let filter = try configuration.filter.isEmpty ? nil : PacketFilter.checked(configuration.filter)
    // Interfaces are described before their packets, so the first packet is read before the sink begins.
    var next = reader.next()
    try refuseToOverwrite(path, with: configuration.plan)
    if next == nil, let trouble = reader.end.flatMap({ $0.trouble(after: 0) }) {
        throw Failure(.runtimeFailure, "\(quoted(path)): \(trouble)")
    }
    var sink = try PacketSink(configuration, reader.parser.interfaces)
    var interfaceCount = reader.parser.interfaces.count
    while let packet = next, !sink.isOver {
        if interfaceCount < reader.parser.interfaces.count {
            sink.add(reader.parser.interfaces[interfaceCount...])
            interfaceCount = reader.parser.interfaces.count
        }
        let bytes = reader.bytes(of: packet)
        let type = LinkType(rawValue: reader.parser.interfaces[packet.interface].linkType)
        if filter == nil || filter?.accepts(bytes, packet, type) == true {
            sink.take(bytes, packet)
        }
        next = reader.next()
    }
    sink.finish(reader.parser.interfaces.map(\.counts))
    if let failure = sink.failure { throw failure }
    if let trouble = reader.end.flatMap({ $0.trouble(after: sink.packets) }) {
        throw Failure(.runtimeFailure, "\(quoted(path)): \(trouble)")
    }
    return ExitCode.success.rawValue
}

/// A file that was opened for writing is empty: it cannot be the one that is read.
private func refuseToOverwrite(
    _ path: String, with plan: CaptureFilePlan?
) throws(Failure) {
    guard let plan, plan.path != "-", !plan.isRing else { return }
    var (read, written) = (stat(), stat())
    let isKnown =
        (path == "-" ? fstat(STDIN_FILENO, &read) : stat(path, &read)) == 0
        && stat(plan.path, &written) == 0
    guard isKnown, read.st_dev == written.st_dev, read.st_ino == written.st_ino,
        read.st_mode & S_IFMT == S_IFREG
    else { return }
    throw Failure(
        .usage, "capture: \(quoted(plan.path)) would be read and overwritten",
        advice: "name another file with --write")
}
