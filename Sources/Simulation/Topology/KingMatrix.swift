import NetBasics

/// The file format of the King data set (Gummadi, Saroiu and Gribble, 2002), as simulators read it.
///
/// Four header lines; a line `node I` for each host, numbered from 1; then `I,J LATENCY` for all
/// pairs with `I < J`, where the latency is a round trip in microseconds. The one-way delay is half
/// of it.
enum KingMatrix {
    private static let headerLineCount = 4

    static func parse(_ bytes: [UInt8]) throws(TopologyError) -> Topology {
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        var number = min(headerLineCount, lines.count)
        var count = 0
        while number < lines.count, let index = nodeIndex(lines[number]) {
            guard index == count + 1 else {
                throw wrong(number, "node \(count + 1) expected, not \(index)")
            }
            count += 1
            number += 1
        }
        guard (2...DelayMatrix.hostLimit).contains(count) else {
            throw TopologyError(
                "neither JSON nor a King matrix: \(count) lines of nodes behind the header",
                advice: TopologySpec.advice)
        }
        var matrix = DelayMatrix(count: count)
        try readPairs(lines[number...], into: &matrix)
        return Topology(
            hosts: (1...count).map { Topology.Host(name: "node\($0)") },
            pairwise: .matrix(matrix))
    }

    private static func readPairs(
        _ lines: ArraySlice<ArraySlice<UInt8>>, into matrix: inout DelayMatrix
    ) throws(TopologyError) {
        var known = [Bool](repeating: false, count: matrix.count * matrix.count)
        for (number, line) in zip(lines.indices, lines) where !line.allSatisfy(isSpace) {
            guard let (first, second, latency) = pair(line) else {
                throw wrong(number, "I,J LATENCY expected")
            }
            guard first >= 1, first < second, second <= matrix.count else {
                throw wrong(number, "no pair I < J of the \(matrix.count) nodes")
            }
            let (a, b) = (first - 1, second - 1)
            guard !known[a * matrix.count + b] else { throw wrong(number, "a pair seen before") }
            known[a * matrix.count + b] = true
            let limit = 2 * Int(Topology.delayLimit.nanoseconds / 1000)
            guard latency <= limit else { throw wrong(number, "a latency above \(limit)") }
            let delay = Duration.nanoseconds(500 * Int64(latency))
            try matrix.set(from: a, to: b, to: delay, subject: "line \(number + 1)")
            try matrix.set(from: b, to: a, to: delay, subject: "line \(number + 1)")
        }
        for a in 0..<matrix.count {
            for b in (a + 1)..<max(a + 1, matrix.count) where !known[a * matrix.count + b] {
                throw TopologyError("no latency for the pair \(a + 1),\(b + 1)")
            }
        }
    }

    /// The number of a line `node I`; `nil` for any other line.
    private static func nodeIndex(_ line: ArraySlice<UInt8>) -> Int? {
        let words = line.split(whereSeparator: isSpace)
        guard words.count == 2, words[0].elementsEqual("node".utf8) else { return nil }
        return number(words[1])
    }

    private static func pair(_ line: ArraySlice<UInt8>) -> (Int, Int, Int)? {
        let words = line.split { isSpace($0) || $0 == UInt8(ascii: ",") }
        guard words.count == 3, let first = number(words[0]), let second = number(words[1]),
            let latency = number(words[2])
        else { return nil }
        return (first, second, latency)
    }

    /// A whole number of at most twelve digits, without a sign.
    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        guard (1...12).contains(digits.count) else { return nil }
        var value = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            value = 10 * value + Int(digit - UInt8(ascii: "0"))
        }
        return value
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0D
    }

    private static func wrong(_ index: Int, _ what: String) -> TopologyError {
        TopologyError("line \(index + 1): \(what)")
    }
}
