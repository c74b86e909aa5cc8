import Glibc
import Management

/// Runs random scenarios, and prints the command that repeats each one that fails.
func runSwarm(
    _ request: SimulateConfiguration.SwarmRequest, isJSON: Bool
) async throws(Failure) -> Int32 {
    var tally = SwarmTally(count: request.count)
    var progress = ProgressLine()
    var failure: Failure?
    await withTaskGroup(of: (UInt64, Result<[String], Failure>).self) { group in
        func start(_ place: Int, in group: inout TaskGroup<(UInt64, Result<[String], Failure>)>) {
            guard place < request.count else { return }
            let seed = request.firstSeed &+ UInt64(place)
            group.addTask {
                do throws(Failure) {
                    return (seed, .success(try SwarmScenario(seed: seed).problems()))
                } catch {
                    return (seed, .failure(error))
                }
            }
        }
        var next = 0
        while next < Experiment.parallelism {
            start(next, in: &group)
            next += 1
        }
        for await (seed, result) in group {
            switch result {
            // What a signal cut short proves nothing.
            case .success where Interruption.pending != nil: continue
            case .success(let problems): tally.note(seed, problems)
            case .failure(let found): failure = failure ?? found
            }
            if let line = tally.latestFailure, !isJSON {
                progress.clear()
                writeAll(line, to: STDOUT_FILENO)
                tally.latestFailure = nil
            }
            progress.show(
                "\(tally.done) of \(request.count) scenarios, \(tally.failures.count) failed")
            guard failure == nil, Interruption.pending == nil else { continue }
            start(next, in: &group)
            next += 1
        }
    }
    progress.clear()
    if let failure { throw failure }
    if request.count == 1, !isJSON {
        writeAll("\(SwarmScenario(seed: request.firstSeed))", to: STDOUT_FILENO)
    }
    writeAll(isJSON ? "\(tally.json)\n" : tally.text, to: STDOUT_FILENO)
    if let signal = Interruption.pending { return 128 + signal }
    return (tally.failures.isEmpty ? ExitCode.success : .runtimeFailure).rawValue
}

/// What random scenarios showed so far.
private struct SwarmTally {
    let count: Int
    var done = 0
    var failures: [(seed: UInt64, problems: [String])] = []
    var latestFailure: String?

    mutating func note(_ seed: UInt64, _ problems: [String]) {
        done += 1
        guard !problems.isEmpty else { return }
        failures.append((seed, problems))
        latestFailure = "polycast simulate --swarm-seed \(seed)\n"
        for problem in problems.prefix(5) { latestFailure? += "    \(problem)\n" }
        if problems.count > 5 { latestFailure? += "    and \(problems.count - 5) more\n" }
    }

    var text: String {
        let scenarios = done == 1 ? "scenario" : "scenarios"
        return failures.isEmpty
            ? "\(Readable.count(done)) \(scenarios), no violation\n"
            : "\(Readable.count(done)) \(scenarios), \(failures.count) failed\n"
    }

    var json: JSONValue {
        let ordered = failures.sorted { $0.seed < $1.seed }
        return [
            "schema": "polycast.swarm/1", "scenarios": JSONValue(done),
            "failures": .array(
                ordered.map { failure in
                    [
                        "seed": .string("\(failure.seed)"),
                        "repeat": .string("polycast simulate --swarm-seed \(failure.seed)"),
                        "violations": .array(failure.problems.map(JSONValue.string)),
                    ]
                }),
        ]
    }
}
