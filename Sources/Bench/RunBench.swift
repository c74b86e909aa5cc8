import Glibc
import Management
import Media
import Sockets

/// Measures and prints; returns the exit code.
package func runBench(_ configuration: BenchConfiguration) throws(Failure) -> Int32 {
    let results: [BenchResult]
    do {
        results = try measure(configuration)
    } catch {
        throw Failure(
            .runtimeFailure, "cannot measure: \(error)",
            advice: "see whether this host lets a process bind UDP ports of 127.0.0.1")
    }
    if configuration.isJSON {
        for result in results { print(result.json(configuration)) }
    } else {
        print(table(of: results, limit: configuration.limitName), terminator: "")
    }
    return ExitCode.success.rawValue
}

private func measure(_ configuration: BenchConfiguration) throws -> [BenchResult] {
    switch configuration.measure {
    case .forward where configuration.comparesWorkers:
        var bench = try WorkerBench.start(configuration)
        return try bench.measure()
    case .forward:
        var bench = try ForwardBench.start(configuration, burst: 32)
        return [try bench.measureThroughput()]
    case .latency:
        // Packets of different senders come one by one.
        var bench = try ForwardBench.start(configuration, burst: 1)
        return try bench.measureLatency()
    case .paced:
        var bench = try ForwardBench.start(configuration, burst: 1)
        return [try bench.measurePaced()]
    case .growth:
        return [try GrowthBench(configuration).measure()]
    case .seal:
        var bench = try SealBench(configuration)
        return [try bench.measure()]
    case .inspect:
        return [try InspectBench(configuration).measure()]
    case .link:
        var bench = try LinkBench(configuration)
        return try bench.measure()
    }
}
