import Capture
import Management
import Sockets

extension PacketFilter {
    /// A filter, or a failure that says what is wrong with its text.
    static func checked(_ text: String) throws(Failure) -> PacketFilter {
        do throws(CaptureError) {
            return try PacketFilter(text)
        } catch {
            throw error.failure
        }
    }
}

extension CaptureFileReader {
    /// Opens a capture file, or says why it may not; reads as far as shows that it is one.
    static func opened(_ path: String) throws(Failure) -> CaptureFileReader {
        do throws(SystemError) {
            return try CaptureFileReader(path: path)
        } catch {
            throw Failure(
                .runtimeFailure, "cannot open \(quoted(path)): \(error.reason)",
                advice: "give a pcap or pcapng file, - for standard input, or an interface with -i")
        }
    }
}

extension CaptureFileReader.End {
    /// Why a file ended before its end; `nil` if it did not.
    func trouble(after packets: UInt64) -> String? {
        switch self {
        case .complete: nil
        case .malformed(.unknownMagic, 0):
            "it is no capture: it begins like neither pcap nor pcapng; uncompress it first, or "
                + "convert it with editcap"
        case .cut(0): "it is no capture: it is empty, or ends within the first header"
        case .cut(let offset):
            "the file ends within a record, at byte \(offset); the \(packets) packets before it "
                + "count"
        case .malformed(let error, let offset):
            "no record at byte \(offset) (\(error.reason)); the \(packets) packets before it count"
        case .unreadable(let error):
            "reading failed: \(error.reason); the \(packets) packets before count"
        }
    }
}

extension CaptureSet {
    /// Opens interfaces, or says why it may not.
    static func opened(
        _ names: [String], _ settings: LiveCaptureSettings
    ) throws(Failure) -> CaptureSet {
        do throws(CaptureError) {
            return try CaptureSet(names, settings)
        } catch {
            throw error.failure
        }
    }
}

extension Signals {
    static func watched() throws(Failure) -> Signals {
        do throws(SystemError) {
            return try Signals()
        } catch {
            throw Failure(.runtimeFailure, "cannot watch for signals: \(error)")
        }
    }
}

extension CaptureError {
    var failure: Failure {
        switch self {
        case .notPermitted(let name):
            Failure(
                .permission, "may not capture on \(name): CAP_NET_RAW is missing",
                advice: "run it as root, or once: sudo setcap cap_net_raw=ep $(command -v polycast)"
            )
        case .noSuchInterface(let name):
            Failure(
                .runtimeFailure, "there is no interface \(quoted(name))",
                advice: "'ip -br link' lists them; 'any' captures on all")
        case .interfaceDown(let name):
            Failure(
                .runtimeFailure, "interface \(quoted(name)) is down",
                advice: "bring it up: ip link set \(name) up")
        case .badFilter(let text, let reason):
            Failure(
                .usage, "filter \(quoted(text)) is not understood: \(reason)",
                advice: "see pcap-filter(7), for example: -f 'udp and dst net 239.0.0.0/8'")
        case .failed(let name, let reason):
            Failure(.runtimeFailure, "cannot capture on \(quoted(name)): \(reason)")
        }
    }
}
