import Glibc
import Management
import NetBasics

/// Performs `polycast simulate` and returns the exit code.
///
/// Results go to standard output, all else to standard error. Blocks the calling thread; work that
/// can be shared runs on the threads of the concurrency runtime.
package func runSimulate(_ configuration: SimulateConfiguration) -> Int32 {
    Interruption.hold()
    do throws(Failure) {
        switch configuration.task {
        case .run(let plan):
            return try runOne(plan, configuration)
        case .experiments(let request):
            return try waitFor { () throws(Failure) in
                try await runExperiments(request, isJSON: configuration.isJSON)
            }
        case .swarm(let request):
            return try waitFor { () throws(Failure) in
                try await runSwarm(request, isJSON: configuration.isJSON)
            }
        }
    } catch {
        writeAll(error.line + "\n", to: STDERR_FILENO)
        return error.code.rawValue
    }
}

/// Blocks until asynchronous work is done; its result comes through a pipe.
private func waitFor(
    _ work: @escaping @Sendable () async throws(Failure) -> Int32
) throws(Failure) -> Int32 {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else {
        throw Failure(.runtimeFailure, "cannot make a pipe: \(String(cString: strerror(errno)))")
    }
    let (readEnd, writeEnd) = (ends[0], ends[1])
    defer {
        close(readEnd)
        close(writeEnd)
    }
    Task.detached {
        var code: Int32
        do throws(Failure) {
            code = try await work()
        } catch {
            writeAll(error.line + "\n", to: STDERR_FILENO)
            code = error.code.rawValue
        }
        _ = write(writeEnd, &code, MemoryLayout<Int32>.size)
    }
    var code = ExitCode.runtimeFailure.rawValue
    while read(readEnd, &code, MemoryLayout<Int32>.size) < 0, errno == EINTR {}
    return code
}

// MARK: - One simulation

private func runOne(
    _ plan: RunPlan, _ configuration: SimulateConfiguration
) throws(Failure) -> Int32 {
    var plan = plan
    plan.scenario.keepsTrees = configuration.treesPath != nil
    let run = try plan.prepared()
    if let directory = configuration.plotDirectory {
        try OutputFiles.makeDirectory(directory, option: "plot")
    }
    if let path = configuration.topologyPath {
        try OutputFiles.write("\(try run.topologyDocument())\n", to: path, option: "topology-out")
    }
    if let path = configuration.treesPath {
        // Whether it can be written is better known before a long run.
        try OutputFiles.write("", to: path, option: "trees")
    }
    var progress = ProgressLine()
    let end = Readable.duration(seconds: plan.scenario.duration.seconds)
    let outcome = try run.run { now in
        progress.show("\(Readable.duration(seconds: (now - .zero).seconds)) of \(end)")
        return Interruption.pending != nil
    }
    progress.clear()
    if let path = configuration.treesPath {
        try OutputFiles.write(run.treeLines(of: outcome), to: path, option: "trees")
    }
    if let directory = configuration.plotDirectory {
        for (name, plot) in run.plots(of: outcome) {
            try OutputFiles.write(plot.svg, to: "\(directory)/\(name).svg", option: "plot")
        }
    }
    let text = configuration.isJSON ? "\(run.json(of: outcome))\n" : run.text(of: outcome)
    guard writeAll(text, to: STDOUT_FILENO) else { return ExitCode.runtimeFailure.rawValue }
    return exitCode(of: outcome)
}

private func exitCode(of outcome: Outcome) -> Int32 {
    if let signal = Interruption.pending {
        let at = Readable.duration(seconds: (outcome.endedAt - .zero).seconds)
        writeAll("polycast: interrupted after \(at) of virtual time\n", to: STDERR_FILENO)
        return 128 + signal
    }
    guard let violation = outcome.violations.first else { return ExitCode.success.rawValue }
    let failure = Failure(.checkFailed, "an invariant was violated: \(violation)")
    writeAll(failure.line + "\n", to: STDERR_FILENO)
    return failure.code.rawValue
}

extension PreparedRun {
    func topologyDocument() throws(Failure) -> JSONValue {
        do throws(TopologyError) {
            return try topology.json()
        } catch {
            throw error.failure
        }
    }
}
