import NetBasics

/// What parent and child say of how much their link carries (docs/protocol.md, "Rate").
package enum RateMessage: Equatable, Sendable {
    /// A parent asks what has arrived; `time` is opaque to the child.
    case measure(time: UInt64)
    /// The child's answer.
    case received(ReceivedReport)
    /// The parent has left these packets out, and will not send them.
    case shed(ShedRun)
}

/// What has arrived on a link since the receiver began to count.
package struct ReceivedReport: Equatable, Sendable {
    /// Of the `measure` that it answers.
    package var time: UInt64
    /// When that came, by the receiver's clock; nanoseconds since any origin.
    package var arrivedAt: UInt64
    /// Media datagrams, and their bytes.
    package var packets: UInt64
    package var bytes: UInt64

    package init(time: UInt64, arrivedAt: UInt64, packets: UInt64, bytes: UInt64) {
        self.time = time
        self.arrivedAt = arrivedAt
        self.packets = packets
        self.bytes = bytes
    }
}

/// Numbers of one stream, one after the other.
package struct ShedRun: Equatable, Sendable {
    package var stream: StreamID
    package var first: UInt32
    /// At least one.
    package var count: UInt16

    package init(stream: StreamID, first: UInt32, count: UInt16) {
        self.stream = stream
        self.first = first
        self.count = count
    }

    package var last: UInt32 { first &+ UInt32(count) &- 1 }

    package func contains(_ sequence: UInt32) -> Bool { sequence &- first < UInt32(count) }

    /// Takes in the number behind the last one; `false` if it is another, or there are too many.
    package mutating func extend(by sequence: UInt32) -> Bool {
        guard count < .max, sequence == last &+ 1 else { return false }
        count += 1
        return true
    }
}

extension RateMessage {
    func write(to writer: inout ByteWriter) {
        switch self {
        case .measure(let time):
            writer.write(time)
        case .received(let report):
            writer.write(report.time)
            writer.write(report.arrivedAt)
            writer.write(report.packets)
            writer.write(report.bytes)
        case .shed(let run):
            writer.write(run.stream)
            writer.write(run.first)
            writer.write(run.count)
        }
    }

    init(measureFrom bytes: RawSpan, reader: inout ByteReader) throws(DecodeError) {
        self = .measure(time: try reader.readUInt64(from: bytes))
    }

    init(receivedFrom bytes: RawSpan, reader: inout ByteReader) throws(DecodeError) {
        self = .received(
            ReceivedReport(
                time: try reader.readUInt64(from: bytes),
                arrivedAt: try reader.readUInt64(from: bytes),
                packets: try reader.readUInt64(from: bytes),
                bytes: try reader.readUInt64(from: bytes)))
    }

    init(shedFrom bytes: RawSpan, reader: inout ByteReader) throws(DecodeError) {
        let run = ShedRun(
            stream: try reader.readStream(from: bytes), first: try reader.readUInt32(from: bytes),
            count: try reader.readUInt16(from: bytes))
        guard run.count > 0 else { throw .invalidField("count") }
        self = .shed(run)
    }
}
