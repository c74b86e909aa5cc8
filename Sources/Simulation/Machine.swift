import Glibc

/// What the simulator asks of the machine that it runs on.
enum Machine {
    /// Memory that may be taken; `nil`: unknown.
    static var availableBytes: Int? {
        kibibytes(of: "MemAvailable:", in: "/proc/meminfo").map { $0 * 1024 }
    }

    /// The most memory that the process had since ``forgetPeakMemory()``; bytes, `nil`: unknown.
    static var peakBytes: Int? {
        kibibytes(of: "VmHWM:", in: "/proc/self/status").map { $0 * 1024 }
    }

    /// Starts the peak anew (proc(5), `clear_refs`); where that is not allowed, it stays.
    static func forgetPeakMemory() {
        let number = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC)
        guard number >= 0 else { return }
        _ = Glibc.write(number, "5", 1)
        close(number)
    }

    /// For reports: processors and their kind.
    static var description: String {
        let count = sysconf(Int32(_SC_NPROCESSORS_ONLN))
        let model = text("/proc/cpuinfo").split(separator: "\n")
            .first { $0.hasPrefix("model name") }
            .flatMap { $0.split(separator: ":", maxSplits: 1).last }
        let name = model.map { $0.drop { $0 == " " } } ?? "unknown processor"
        return "\(count) x \(name)"
    }

    /// Seconds on a clock that only goes forward.
    static var seconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Seconds of processor time that the calling thread has used.
    static var threadSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static func kibibytes(of name: String, in path: String) -> Int? {
        text(path).split(separator: "\n").first { $0.hasPrefix(name) }
            .flatMap {
                Int(
                    $0.dropFirst(name.count).drop { $0 == " " || $0 == "\t" }
                        .prefix { ("0"..."9").contains($0) })
            }
    }

    /// The start of a small file; empty if it cannot be read.
    private static func text(_ path: String) -> String {
        let number = open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return "" }
        defer { close(number) }
        var bytes = [UInt8](repeating: 0, count: 16384)
        let count = read(number, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : ""
    }
}
