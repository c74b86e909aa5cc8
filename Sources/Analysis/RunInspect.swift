import Capture
import Drawing
import Glibc
import Inspection
import Management
import NetBasics
import PacketFormats
import Sockets

/// Looks at a file or at interfaces, and prints what there is; returns the exit code.
package func runInspect(_ configuration: InspectConfiguration) throws(Failure) -> Int32 {
    let report: InspectionReport
    var signal: Int32?
    switch configuration.input {
    case .file(let path): report = try inspectFile(path, configuration)
    case .interfaces(let names):
        var inspection = try LiveInspection.start(names, configuration)
        (report, signal) = try inspection.run()
    }
    try show(report, configuration)
    if let directory = configuration.plotDirectory { try draw(report, in: directory) }
    let breaches = configuration.alarms.flatMap { $0.breaches(report) }
    for breach in breaches { writeText("polycast: alarm: \(breach)\n", to: STDERR_FILENO) }
    if let signal { return 128 + signal }
    if let trouble = report.capture.trouble {
        writeText("polycast: \(report.subject): \(trouble)\n", to: STDERR_FILENO)
        return ExitCode.runtimeFailure.rawValue
    }
    return (breaches.isEmpty ? ExitCode.success : .checkFailed).rawValue
}

private func show(
    _ report: InspectionReport, _ configuration: InspectConfiguration
) throws(Failure) {
    let text =
        switch configuration.output {
        case .text: report.text
        case .json: "\(report.json)\n"
        case .csv: report.csv
        }
    guard writeText(text, to: STDOUT_FILENO) else {
        throw Failure(.runtimeFailure, "cannot write to standard output: \(reason(errno))")
    }
}

private func inspectFile(
    _ path: String, _ configuration: InspectConfiguration
) throws(Failure) -> InspectionReport {
    var reader = try CaptureFileReader.opened(path)
    var inspector = Inspector(configuration.settings)
    let filter =
        try configuration.filter.isEmpty ? nil : PacketFilter.checked(configuration.filter)
    reader.read(into: &inspector, filter: filter, limit: configuration.packetLimit ?? .max)
    inspector.finish()
    let trouble = reader.end.flatMap { $0.trouble(after: inspector.counts.packets) }
    var report = InspectionReport(
        inspector, subject: path == "-" ? "standard input" : path,
        interfaces: reader.parser.interfaces, groups: configuration.groups, trouble: trouble)
    report.capture.stray = reader.parser.strayCount
    return report
}

private func draw(_ report: InspectionReport, in directory: String) throws(Failure) {
    guard mkdir(directory, 0o755) == 0 || errno == EEXIST else {
        throw Failure(
            .runtimeFailure, "cannot create \(quoted(directory)): \(reason(errno))",
            advice: "choose a directory of your own with --plot")
    }
    for (name, plot) in report.plots {
        let path = "\(directory)/\(name).svg"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        defer { close(descriptor) }
        guard descriptor >= 0, writeText(plot.svg, to: descriptor) else {
            throw Failure(
                .runtimeFailure, "cannot write \(quoted(path)): \(reason(errno))",
                advice: "choose a directory of your own with --plot")
        }
    }
}

func reason(_ code: Int32) -> String { String(cString: strerror(code)) }
