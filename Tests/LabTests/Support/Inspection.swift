import Foundation
import Testing

/// What `polycast inspect --json` said; docs/inspect.md names its members.
struct Inspection: Decodable {
    struct Stream: Decodable {
        let source, group, interface, kind: String
        let sourcePort, destinationPort: Int
        let ssrc: UInt32?
        let payloadType: Int?
        let packets: Int
        let lost, duplicates, reordered: Int?
        let jitterMaxMs, jitterMeanMs, clockHz: Double?
        let ttlMin, dscp, fragmented: Int
        let tsPackets, tsContinuityErrors: Int?
    }
    struct Group: Decodable {
        struct Member: Decodable {
            let address, mode: String
            let version: Int
            let sources: [String]
            let left: Bool
        }
        let group: String
        let sources: [String]
        let members: [Member]
    }
    struct Querier: Decodable {
        let address, interface: String
        let version: Int
        let intervalS: Double?
        let responseS: Double
        let generalQueries: Int
    }
    struct Finding: Decodable, CustomStringConvertible {
        let kind, text: String
        let evidence: [Int]
        var description: String { "\(kind): \(text) \(evidence)" }
    }
    struct Captured: Decodable {
        struct Dropped: Decodable { let kernel, interface: Int? }
        let packets, joinedPackets: Int
        let truncated: Bool
        let trouble: String?
        let dropped: Dropped
    }
    let streams: [Stream]
    let groups: [Group]
    let queriers: [Querier]
    let findings: [Finding]
    let capture: Captured

    /// Kinds of the findings, each once.
    var kinds: Set<String> { Set(findings.map(\.kind)) }

    init(parsing text: String) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        self = try decoder.decode(Inspection.self, from: Data(text.utf8))
    }

    /// Of a file.
    init(of file: URL, _ options: String...) throws {
        let words = [Files.polycast, "inspect", file.path, "--json"]
        self = try Inspection(parsing: try Program.run(list: words + options))
    }
}

extension NetworkLab {
    /// Starts `polycast VERB`, in the router unless a host is named, and waits until it captures.
    func startCapture(
        _ words: String..., on host: Host? = nil, interfaces: Int = 1
    ) async throws -> Program {
        let prefix = host.map { runner($0) } ?? routerRunner
        let program = try start(
            prefix + [Files.polycast] + words, name: "polycast-\(UUID().uuidString.prefix(8))")
        let isOpen = try await eventually(within: .seconds(10), every: .milliseconds(10)) {
            program.runningPacketSockets == interfaces || !program.isRunning
        }
        guard isOpen else { throw LabError("polycast does not capture: \(program.errors)") }
        return program
    }

    /// Starts a program with all words as they are; it ends with the lab at the latest.
    func start(_ arguments: [String], name: String) throws -> Program {
        let program = try Program(arguments, name: name, logs: directory)
        keep(program)
        return program
    }
}

extension Program {
    /// Packet sockets that are its own and bound.
    var runningPacketSockets: Int {
        let table =
            (try? String(contentsOfFile: "/proc/\(processID)/net/packet", encoding: .utf8)) ?? ""
        // "sk RefCnt Type Proto Iface R Rmem User Inode"
        let bound = Set(
            table.split(separator: "\n").dropFirst().compactMap { line -> Substring? in
                let words = line.split(separator: " ")
                return words.count == 9 && words[5] == "1" ? words[8] : nil
            })
        let directory = "/proc/\(processID)/fd"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.count { name in
            let target =
                (try? FileManager.default.destinationOfSymbolicLink(
                    atPath: "\(directory)/\(name)")) ?? ""
            return target.hasPrefix("socket:[") && bound.contains(target.dropFirst(8).dropLast())
        }
    }

    /// What an inspection that has ended printed as JSON.
    func inspection() throws -> Inspection {
        guard case .exit(0) = termination else {
            throw LabError("\(String(describing: termination)): \(errors)")
        }
        return try Inspection(parsing: output)
    }
}
