import NetBasics
import Wire

/// What a child was not sent on purpose, so that it is told and need not ask.
///
/// Runs of one stream's numbers, the last few; older ones are forgotten.
struct ShedLedger: Sendable {
    static let limit = 64

    private var runs: [ShedRun] = []
    /// Runs that the child is still to be told of; all others come before them.
    private var newCount = 0

    mutating func note(_ header: MediaHeader) {
        for index in runs.indices.suffix(newCount).reversed()
        where runs[index].stream == header.stream {
            if runs[index].extend(by: header.sequence) { return }
            break
        }
        append(ShedRun(stream: header.stream, first: header.sequence, count: 1))
    }

    /// The numbers of `request` that were not shed; the child is told once more of those that were.
    mutating func remaining(of request: RepairRequest) -> UInt64 {
        var bitmap = request.bitmap
        for run in runs where run.stream == request.stream {
            var isAsked = false
            for bit in 0..<UInt32(RepairRequest.span) where bitmap >> UInt64(bit) & 1 == 1 {
                guard run.contains(request.base &+ bit) else { continue }
                bitmap &= ~(1 << UInt64(bit))
                isAsked = true
            }
            if isAsked { tellAgain(run) }
        }
        return bitmap
    }

    /// Hands over, once each, the runs that the child is to be told of.
    mutating func takeNew(into news: inout [ShedRun]) {
        guard newCount > 0 else { return }
        news.append(contentsOf: runs.suffix(newCount))
        newCount = 0
    }

    private mutating func tellAgain(_ run: ShedRun) {
        guard let place = runs.dropLast(newCount).firstIndex(of: run) else { return }
        append(runs.remove(at: place))
    }

    private mutating func append(_ run: ShedRun) {
        if runs.count == Self.limit {
            runs.removeFirst()
            newCount = min(newCount, runs.count)
        }
        runs.append(run)
        newCount += 1
    }
}
