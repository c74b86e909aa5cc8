import CFuzzer
import Diagnosis
import Glibc
import Management
import Media
import NetBasics
import PacketFormats
import Parity
import Sealing
import Simulation
import Wire

/// What reads bytes of strangers; `tools/fuzz NAME` feeds one of them.
enum FuzzTarget: String, CaseIterable {
    case datagram, media, rtp, rtcp, sdp, json, topology, text, sframe, noise, link, overlay
    case rendezvous, links, parity, protocols, capture, frames, pair

    /// Reads `bytes` once; anything but returning is a finding.
    func run(_ bytes: [UInt8]) {
        switch self {
        case .datagram: readDatagram(bytes)
        case .media: _ = try? MediaHeader(decoding: bytes.span.bytes)
        case .rtp: _ = try? RTPHeader(decoding: bytes.span.bytes)
        case .rtcp: _ = try? RTCPHeader(decoding: bytes.span.bytes)
        case .sdp: readSession(bytes)
        case .json: readJSON(bytes)
        case .topology: _ = try? TopologyFile.parse(bytes)
        case .text: readText(bytes)
        case .sframe: openSealed(bytes)
        case .noise: readHandshake(bytes)
        case .link: openLink(bytes)
        case .overlay: driveOverlay(bytes)
        case .rendezvous: driveRendezvous(bytes)
        case .links: driveLinks(bytes)
        case .parity: restoreBlock(bytes)
        case .protocols: readProtocols(bytes)
        case .capture: inspectCapture(bytes)
        case .frames: inspectFrames(bytes)
        case .pair: readPairMessage(bytes)
        }
    }
}

/// What is read must be written as it was.
private func readDatagram(_ bytes: [UInt8]) {
    guard let datagram = try? Datagram(decoding: bytes.span.bytes) else { return }
    let written: [[UInt8]] =
        switch datagram {
        case .control(let control): control.encodedDatagrams
        case .link(let message): [message.encoded]
        case .rendezvous(let message): [message.encoded]
        }
    guard written.count == 1, let first = written.first else { return }
    guard let again = try? Datagram(decoding: first.span.bytes), again == datagram else {
        fatalError("\(datagram) is read differently from what it was written as")
    }
}

/// What two doctors say to each other.
private func readPairMessage(_ bytes: [UInt8]) {
    guard let message = try? PairMessage(decoding: bytes.span.bytes) else { return }
    let written = message.encoded(size: bytes.count)
    guard written.count == bytes.count, (try? PairMessage(decoding: written.span.bytes)) == message
    else { fatalError("\(message) is read differently from what it was written as") }
}

/// A header, and shards of hostile lengths and contents.
private func restoreBlock(_ bytes: [UInt8]) {
    _ = try? ParityHeader(decoding: bytes.span.bytes)
    guard let width = bytes.first, var block = ParityBlock(width: Int(width)) else { return }
    bytes.withUnsafeBytes { input in
        for start in stride(from: 1, to: input.count, by: Int(width) + 1) {
            let shard = UnsafeRawBufferPointer(rebasing: input[(start + 1)...].prefix(Int(width)))
            let index = Int(input[start] % 32)
            if index < ParityBlock.packetCount {
                _ = block.add(shard, isControlFlow: false, at: index)
            } else {
                _ = block.add(parity: shard, row: index - ParityBlock.packetCount)
            }
        }
    }
    guard block.restore() else { return }
    for index in 0..<ParityBlock.packetCount { _ = block.packet(at: index) }
}

private func readSession(_ bytes: [UInt8]) {
    guard let session = try? SessionDescription(parsing: bytes) else { return }
    guard (try? SessionDescription(parsing: session.description)) != nil else {
        fatalError("a session description is not read back")
    }
}

private func readJSON(_ bytes: [UInt8]) {
    for request in ManagementRequest.allCases {
        _ = try? ManagementResponse(line: bytes, to: request)
    }
    guard let value = try? JSONValue(parsing: bytes) else { return }
    // Numbers are rounded when they are written, and not a second time.
    let text = value.description
    guard let again = try? JSONValue(parsing: Array(text.utf8)), again.description == text
    else { fatalError("JSON is not read back") }
}

private func readText(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    if let invite = try? Invite(text), let secret = invite.secret {
        _ = try? InviteSecret(text: secret.text)
    }
    _ = try? PublishSpec(parsing: text)
    _ = try? DeliverSpec(parsing: text)
    _ = try? TopologySpec(parsing: text)
    _ = Endpoint(text)
    _ = MemberName(text)
}

/// Fuzzes, or, if the environment names a directory, only writes what fuzzing begins with.
func runFuzzer() -> Int32 {
    if let directory = getenv("POLYCAST_SEEDS") {
        return target.writeSeeds(to: String(cString: directory)) ? 0 : 1
    }
    var count = CommandLine.argc
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
    return LLVMFuzzerRunDriver(&count, &arguments, fuzzOne)
}

/// The target is named by the environment, since libFuzzer reads the arguments.
private let target: FuzzTarget = {
    guard let name = getenv("POLYCAST_FUZZ").map({ String(cString: $0) }),
        let target = FuzzTarget(rawValue: name)
    else { fatalError("set POLYCAST_FUZZ to one of \(FuzzTarget.allCases.map(\.rawValue))") }
    return target
}()

private func fuzzOne(_ data: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    target.run(Array(UnsafeBufferPointer(start: data, count: size)))
    return 0
}
