import NetBasics
import PacketFormats

/// One packet of a stream, as its measures need it.
struct StreamPacket: Sendable {
    var number: UInt64
    var time: Instant
    /// IP packet; bytes.
    var byteCount: Int
    var hopLimit: UInt8
    var trafficClass: UInt8
    var sender: MACAddress?
    var isFragmented = false
    /// Longer than a frame, and captured in part: others may be behind it that cannot be seen.
    var isCutLong = false
    /// Bits per second of the wireless frame.
    var wirelessRate: UInt32?
    /// RTP's, where it is RTP.
    var sequence: UInt16 = 0
    var timestamp: UInt32 = 0
    var payloadType: UInt8 = 0
}

/// What is known of one stream: counts, quality and where to look; about 11 KiB from its second packet.
package struct StreamMeasure: Sendable {
    /// Back from the highest number; further back 16 bits are ambiguous.
    private static let windowSize: UInt64 = 32_768
    /// Steps of the number that are taken for a new beginning, if what follows agrees (RFC 3550, A.1).
    private static let dropoutLimit = 3000
    private static let misorderLimit = -100
    /// How far off time stamps of a new beginning are at least; seconds.
    private static let newBeginning = 2.0

    package let key: FlowKey
    /// RTP's source identifier; `nil` for other UDP.
    package let ssrc: UInt32?
    package internal(set) var payloadType: UInt8
    package internal(set) var hasSeveralPayloadTypes = false
    package internal(set) var kind: PayloadKind = .unknown
    package private(set) var packets: UInt64 = 0
    package private(set) var bytes: UInt64 = 0
    package private(set) var duplicates: UInt64 = 0
    package private(set) var reordered: UInt64 = 0
    /// Runs of missing numbers, as they appeared; some may have been filled since.
    package private(set) var gapCount: UInt64 = 0
    /// Packets too far behind to tell whether they are duplicates.
    package private(set) var late: UInt64 = 0
    package private(set) var restarts: UInt64 = 0
    package private(set) var firstTime = Instant.zero
    package private(set) var lastTime = Instant.zero
    /// Of the packets' numbers in the capture: the first of each kind.
    package internal(set) var evidence = Evidence()
    package private(set) var hopLimits: (least: UInt8, greatest: UInt8) = (0, 0)
    package private(set) var trafficClass: UInt8 = 0
    package private(set) var changedTrafficClass: UInt8?
    package private(set) var sender: MACAddress?
    /// Duplicates that another link-layer address sent, and that address.
    package private(set) var duplicatesOfOthers: UInt64 = 0
    package private(set) var otherSender: MACAddress?
    /// Duplicates with another hop limit, of the same sender.
    package private(set) var loopedDuplicates: UInt64 = 0
    /// Packets that came in fragments.
    package private(set) var fragmented: UInt64 = 0
    /// Packets longer than a frame that were captured in part.
    package private(set) var cutLong: UInt64 = 0
    package private(set) var longestPause: Duration = .zero
    package private(set) var gaps = LatencyHistogram()
    package internal(set) var reports = SenderReports()
    /// The slowest rate at which a wireless frame of it was sent; bits per second.
    package private(set) var wirelessRate: UInt32?
    /// Only of a transport stream.
    package internal(set) var transportStream: TransportStreamMeter?
    private(set) var jitter: JitterMeter
    private(set) var rate: RateMeter
    private(set) var timeline: Timeline?
    /// With which the numbers began, or last began anew.
    private var firstNumber: UInt64 = 0
    private var tracker = SequenceTracker(windowSize: windowSize)
    /// What was lost, repeated and received before the numbers last began anew.
    private var lostBefore: UInt64 = 0
    /// A number far off, which the next packet confirms or not.
    private var suspect: StreamPacket?

    package struct Evidence: Equatable, Sendable {
        package var first: UInt64 = 0
        package var last: UInt64 = 0
        package var loss: UInt64?
        package var duplicate: UInt64?
        package var reorder: UInt64?
        package var restart: UInt64?
        package var pause: UInt64?
        package var trafficClass: UInt64?
        package var fragment: UInt64?
    }

    init(
        _ key: FlowKey, ssrc: UInt32?, payloadType: UInt8, clockRate: Double?,
        _ settings: InspectionSettings
    ) {
        self.key = key
        self.ssrc = ssrc
        self.payloadType = payloadType
        jitter = JitterMeter(clockRate: clockRate)
        rate = RateMeter(window: settings.window, drain: settings.drainRate)
        timeline = settings.keepsTimelines ? Timeline() : nil
    }

    /// Between the first and the last number, never received.
    package var lost: UInt64 { lostBefore &+ tracker.missingCount }
    package var received: UInt64 { packets &- duplicates }
    package var duration: Duration { lastTime - firstTime }

    // MARK: - Packets

    @inline(__always)
    mutating func record(_ packet: StreamPacket) {
        recordArrival(packet)
        guard ssrc != nil else { return }
        if let suspect { settle(suspect, with: packet) }
        recordSequence(packet)
    }

    @inline(__always)
    private mutating func recordArrival(_ packet: StreamPacket) {
        if packets == 0 {
            begin(packet)
        } else {
            let pause = packet.time - lastTime
            gaps.record(nanoseconds: UInt64(max(0, pause.nanoseconds)))
            if pause > longestPause {
                longestPause = pause
                evidence.pause = packet.number
            }
            if packet.time > lastTime { lastTime = packet.time }
            evidence.last = packet.number
            if packet.hopLimit < hopLimits.least { hopLimits.least = packet.hopLimit }
            if packet.hopLimit > hopLimits.greatest { hopLimits.greatest = packet.hopLimit }
            // ECN bits are the routers' to change.
            if (packet.trafficClass ^ trafficClass) >> 2 != 0, changedTrafficClass == nil {
                changedTrafficClass = packet.trafficClass
                evidence.trafficClass = packet.number
            }
        }
        if let rate = packet.wirelessRate { wirelessRate = min(rate, wirelessRate ?? rate) }
        if packet.isFragmented {
            fragmented &+= 1
            if evidence.fragment == nil { evidence.fragment = packet.number }
        }
        if packet.isCutLong { cutLong &+= 1 }
        packets &+= 1
        bytes &+= UInt64(packet.byteCount)
        rate.record(bytes: packet.byteCount, at: packet.time, number: packet.number)
        timeline?.record(bytes: packet.byteCount, at: packet.time)
    }

    private mutating func begin(_ packet: StreamPacket) {
        firstTime = packet.time
        lastTime = packet.time
        evidence.first = packet.number
        evidence.last = packet.number
        hopLimits = (packet.hopLimit, packet.hopLimit)
        trafficClass = packet.trafficClass
        sender = packet.sender
    }

    // MARK: - Sequence

    @inline(__always)
    private mutating func recordSequence(_ packet: StreamPacket) {
        if packet.payloadType != payloadType { notePayloadType(packet.payloadType) }
        guard !tracker.isEmpty else {
            jitter.record(packet.timestamp, at: packet.time)
            begin(numbersAt: packet.sequence)
            return
        }
        let step = Int(
            Int16(bitPattern: packet.sequence &- UInt16(truncatingIfNeeded: tracker.highest)))
        if step > Self.dropoutLimit || step < Self.misorderLimit {
            suspect = packet
            return
        }
        count(packet, step: step)
    }

    /// Leaves room below the first number for those that it overtook.
    private mutating func begin(numbersAt sequence: UInt16) {
        firstNumber = 1 << 32 | UInt64(sequence)
        _ = tracker.record(firstNumber)
    }

    @inline(__always)
    private mutating func count(_ packet: StreamPacket, step: Int) {
        jitter.record(packet.timestamp, at: packet.time)
        if step > 1 {
            gapCount &+= 1
            if evidence.loss == nil { evidence.loss = packet.number }
            timeline?.lose(UInt64(step - 1), at: packet.time)
        }
        let number = tracker.highest &+ UInt64(bitPattern: Int64(step))
        switch tracker.record(number) {
        case .advanced: break
        case .reordered:
            reordered &+= 1
            if evidence.reorder == nil { evidence.reorder = packet.number }
            timeline?.regain(at: packet.time)
        case .duplicate: noteDuplicate(packet)
        case .late: late &+= 1
        }
        timeline?.noteJitter(jitter.milliseconds?.running, at: packet.time)
    }

    /// Tells, by the packet behind it, whether a number far off was a new beginning.
    private mutating func settle(_ far: StreamPacket, with next: StreamPacket) {
        suspect = nil
        if next.sequence == far.sequence &+ 1, beginsAnew(far) {
            lostBefore &+= tracker.missingCount
            tracker = SequenceTracker(windowSize: Self.windowSize)
            begin(numbersAt: far.sequence)
            restarts &+= 1
            if evidence.restart == nil { evidence.restart = far.number }
            jitter.restart(far.timestamp, at: far.time)
        } else {
            count(far, step: stepToSuspect(far))
        }
    }

    /// Whether neither the time that passed nor its number explains its time stamp: after a long loss
    /// time stamps go on with the time, and those of old packets are as old as their numbers.
    private func beginsAnew(_ far: StreamPacket) -> Bool {
        let step = stepToSuspect(far)
        guard let seconds = jitter.seconds(to: far.timestamp) else { return step < 0 }
        let (arrival, covered) = jitter.progress
        let numbers = Double(tracker.highest &- firstNumber)
        let byNumber = numbers > 0 ? Double(step) * covered / numbers : 0
        return abs(seconds - (far.time - arrival).seconds) > Self.newBeginning
            && abs(seconds - byNumber) > Self.newBeginning
    }

    private func stepToSuspect(_ far: StreamPacket) -> Int {
        Int(Int16(bitPattern: far.sequence &- UInt16(truncatingIfNeeded: tracker.highest)))
    }

    private mutating func noteDuplicate(_ packet: StreamPacket) {
        duplicates &+= 1
        if evidence.duplicate == nil { evidence.duplicate = packet.number }
        if let sender, let other = packet.sender, sender != other {
            duplicatesOfOthers &+= 1
            otherSender = other
        } else if hopLimits.least != hopLimits.greatest {
            loopedDuplicates &+= 1
        }
    }

    private mutating func notePayloadType(_ type: UInt8) {
        hasSeveralPayloadTypes = true
        payloadType = type
    }

    /// A description tells the clock of the payload type.
    mutating func learn(clockRate: Double) { jitter.learn(clockRate: clockRate) }

    /// No packet comes any more.
    mutating func finish() {
        if let suspect {
            self.suspect = nil
            count(suspect, step: stepToSuspect(suspect))
        }
        jitter.finish()
    }
}

// MARK: - Results

extension StreamMeasure {
    /// Where it goes.
    package var target: Endpoint {
        Endpoint(address: key.destination, port: key.destinationPort)
    }

    /// `192.0.2.1 to 239.1.2.3:5004`.
    package var title: String { "\(key.source) to \(target)" }

    /// IP bits per second between the first and the last packet; `nil` for one alone.
    package var meanRate: Double? {
        guard duration > .zero else { return nil }
        return Double(bytes) * 8 / duration.seconds
    }

    /// The most in a window, scaled to a second.
    package func peakRate(window: Duration) -> Double {
        Double(rate.peak.bytes) * 8 / window.seconds
    }

    /// Packets in the fullest window, and the packet that filled it.
    package var burst: (packets: UInt32, number: UInt64) { rate.burst }
    /// The most that the modelled buffer held; bytes.
    package var greatestBufferLevel: Double { rate.greatestLevel }
    package var jitterMilliseconds: (running: Double, greatest: Double, mean: Double)? {
        jitter.milliseconds
    }
    package var clockRate: Double? { jitter.clockRate }
    /// How much faster than its nominal rate the stream's clock runs, by the capture's; millionths.
    package var clockDrift: Double? {
        guard let rate = jitter.clockRate, let measured = jitter.measuredRate,
            duration >= .seconds(10)
        else { return nil }
        return (measured / rate - 1) * 1e6
    }

    package var times: Timeline? { timeline }
}
