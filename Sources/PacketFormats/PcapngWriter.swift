import NetBasics

/// Writes the blocks of a pcapng file, in the order of the machine that reads them here: little-endian.
///
/// Stamps are in nanoseconds. It appends to bytes that its driver writes out and clears. The blocks are
/// drawn at ``Pcapng``.
package struct PcapngWriter: Sendable {
    package var bytes: [UInt8] = []

    package init() {}

    /// A section header, with which a file begins; `application`: what wrote the file.
    package mutating func beginSection(application: String, comment: String? = nil) {
        block(Pcapng.sectionHeader) { writer in
            writer.word(Pcapng.byteOrderMagic)
            writer.halfWord(1)
            writer.halfWord(0)
            // The section's length is not known before its end.
            writer.word(.max)
            writer.word(.max)
            writer.option(Pcapng.Option.comment, comment)
            writer.option(Pcapng.Option.application, application)
            writer.endOptions()
        }
    }

    /// Describes the next interface; packets name interfaces by their order.
    package mutating func add(_ interface: CaptureInterface, filter: String = "") {
        block(Pcapng.interfaceDescription) { writer in
            writer.halfWord(interface.linkType)
            writer.halfWord(0)
            writer.word(interface.snapByteCount)
            writer.option(Pcapng.Option.interfaceName, interface.name)
            writer.option(Pcapng.Option.timestampResolution, [9])
            // The first byte says that text follows, not a program.
            writer.option(
                Pcapng.Option.filter, filter.isEmpty ? [] : [0] + Array(filter.utf8))
            writer.endOptions()
        }
    }

    /// Appends a packet, of which `data` was captured.
    package mutating func add(
        _ data: UnsafeRawBufferPointer, interface: Int, at time: Instant, wireByteCount: Int,
        comment: String? = nil
    ) {
        block(Pcapng.enhancedPacket) { writer in
            writer.word(UInt32(truncatingIfNeeded: interface))
            writer.stamp(time)
            writer.word(UInt32(truncatingIfNeeded: data.count))
            writer.word(UInt32(truncatingIfNeeded: wireByteCount))
            writer.padded(data)
            guard let comment else { return }
            writer.option(Pcapng.Option.comment, comment)
            writer.endOptions()
        }
    }

    /// Appends what an interface's capture counted.
    package mutating func add(_ counts: CaptureCounts, interface: Int, at time: Instant) {
        block(Pcapng.interfaceStatistics) { writer in
            writer.word(UInt32(truncatingIfNeeded: interface))
            writer.stamp(time)
            writer.option(Pcapng.Option.received, counts.received)
            writer.option(Pcapng.Option.interfaceDropped, counts.interfaceDropped)
            writer.option(Pcapng.Option.kernelDropped, counts.kernelDropped)
            writer.endOptions()
        }
    }

    // MARK: - Parts

    /// Writes a block around what `body` writes.
    private mutating func block(_ type: UInt32, _ body: (inout PcapngWriter) -> Void) {
        let start = bytes.count
        word(type)
        word(0)
        body(&self)
        let length = UInt32(truncatingIfNeeded: bytes.count - start + 4)
        word(length)
        withUnsafeBytes(of: length.littleEndian) { length in
            for (offset, byte) in length.enumerated() { bytes[start + 4 + offset] = byte }
        }
    }

    private mutating func word(_ word: UInt32) {
        withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
    }

    private mutating func halfWord(_ word: UInt16) {
        withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
    }

    private mutating func stamp(_ time: Instant) {
        let nanoseconds = UInt64(bitPattern: time.nanoseconds)
        word(UInt32(truncatingIfNeeded: nanoseconds >> 32))
        word(UInt32(truncatingIfNeeded: nanoseconds))
    }

    private mutating func padded(_ data: UnsafeRawBufferPointer) {
        bytes.append(contentsOf: data)
        for _ in 0..<(4 - data.count % 4) % 4 { bytes.append(0) }
    }

    /// Writes an option, unless it is empty; long ones are cut.
    private mutating func option(_ code: UInt16, _ value: [UInt8]) {
        guard !value.isEmpty else { return }
        let kept = value.prefix(Int(UInt16.max))
        halfWord(code)
        halfWord(UInt16(truncatingIfNeeded: kept.count))
        kept.withUnsafeBytes { padded($0) }
    }

    private mutating func option(_ code: UInt16, _ text: String?) {
        option(code, text.map { Array($0.utf8) } ?? [])
    }

    private mutating func option(_ code: UInt16, _ number: UInt64?) {
        guard let number else { return }
        option(code, withUnsafeBytes(of: number.littleEndian) { Array($0) })
    }

    private mutating func endOptions() {
        word(UInt32(Pcapng.Option.end))
    }
}
