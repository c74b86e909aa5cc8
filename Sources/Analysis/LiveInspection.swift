import Capture
import Glibc
import Inspection
import Management
import NetBasics
import PacketFormats
import Sockets

/// Looks at interfaces until a signal, a limit or a key ends it.
struct LiveInspection: ~Copyable {
    private static let drawInterval = Duration.milliseconds(500)
    /// Rounds of packets before the time and the keys are looked at.
    private static let turnLimit = 64

    private let configuration: InspectConfiguration
    private let subject: String
    private let captures: CaptureSet
    private let signals: Signals
    private let types: [LinkType?]
    private var inspector: Inspector
    private var view = LiveView()
    /// What the screen shows while it is held.
    private var held: InspectionReport?

    static func start(
        _ names: [String], _ configuration: InspectConfiguration
    ) throws(Failure) -> LiveInspection {
        let captures = try CaptureSet.opened(
            names, LiveCaptureSettings(filter: configuration.filter))
        let signals = try Signals.watched()
        return LiveInspection(configuration, names.joined(separator: ", "), captures, signals)
    }

    private init(
        _ configuration: InspectConfiguration, _ subject: String,
        _ captures: consuming CaptureSet, _ signals: consuming Signals
    ) {
        self.configuration = configuration
        self.subject = subject
        types = captures.interfaces.map { LinkType(rawValue: $0.linkType) }
        var settings = configuration.settings
        settings.ownAddresses = captures.hardware
        inspector = Inspector(settings)
        self.captures = captures
        self.signals = signals
    }

    /// The report at the end, and the signal that ended it.
    mutating func run() throws(Failure) -> (InspectionReport, Int32?) {
        let screen =
            configuration.isQuiet || configuration.output != .text
            ? nil : FullScreen(input: STDIN_FILENO, output: STDOUT_FILENO)
        let watched = [signals.number] + (screen == nil ? [] : [STDIN_FILENO])
        let start = Clocks.now
        var drawDue = start
        var signal: Int32?
        while signal == nil, !captures.isOver, !view.isOver, !isEnough(since: start) {
            let end = configuration.duration.map { start + $0 } ?? .distantFuture
            let next = min(end, screen == nil ? .distantFuture : drawDue)
            captures.wait(or: watched, atMost: min(next - Clocks.now, .seconds(1)))
            take()
            signal = signals.next()
            guard let screen else { continue }
            let keys = screen.keys()
            view.press(keys)
            guard !keys.isEmpty || Clocks.now >= drawDue else { continue }
            drawDue = Clocks.now + Self.drawInterval
            draw(on: screen)
        }
        take()
        return (report(), signal)
    }

    private mutating func take() {
        let (types, limit) = (types, configuration.packetLimit ?? .max)
        for _ in 0..<Self.turnLimit {
            let count = captures.read(into: &inspector) { inspector, bytes, packet in
                guard inspector.counts.packets < limit else { return }
                inspector.see(bytes.bytes, packet, linkType: types[packet.interface])
            }
            if count == 0 { return }
        }
    }

    private func isEnough(since start: Instant) -> Bool {
        if let limit = configuration.packetLimit, inspector.counts.packets >= limit { return true }
        guard let duration = configuration.duration else { return false }
        return Clocks.now - start >= duration
    }

    private mutating func draw(on screen: FullScreen) {
        let size = Terminal.size(of: STDOUT_FILENO)
        let report = view.isPaused ? held ?? report() : report()
        held = view.isPaused ? report : nil
        screen.show(
            view.lines(
                report, columns: size.columns, rows: size.rows, hasColors: Terminal.hasColors))
    }

    /// What is known so far; the inspection goes on.
    private func report() -> InspectionReport {
        var finished = inspector
        finished.finish()
        var interfaces = captures.interfaces
        for (index, counts) in captures.counts.enumerated() {
            if let counts { interfaces[index].counts = counts }
        }
        var report = InspectionReport(
            finished, subject: subject, interfaces: interfaces, groups: configuration.groups,
            trouble: captures.trouble)
        // Numbers in a file are another host's.
        for interface in finished.cooked.all {
            report.namesOfIndexes[interface.index] = Self.name(interface.index)
        }
        return report
    }

    private static func name(_ index: UInt32) -> String? {
        var text = [CChar](repeating: 0, count: Int(IF_NAMESIZE))
        guard if_indextoname(index, &text) != nil else { return nil }
        return String(
            decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
