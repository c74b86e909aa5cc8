import Diagnosis
import Glibc
import Management
import NetBasics
import Sockets

/// Looks at this host, or with another doctor at the path between both; returns the exit code.
package func runDoctor(_ configuration: DoctorConfiguration) throws(Failure) -> Int32 {
    switch configuration.role {
    case .alone:
        return finish(examine(configuration), configuration)
    case .with(let host, let port):
        var configuration = configuration
        let remote = try resolve(host, port, configuration.question)
        configuration.question.remote = remote.address
        var report = examine(configuration)
        report.checks += PairClient.examine(
            remote, configuration, interface: interfaceIndex(report), here: report.checks)
        return finish(report, configuration)
    case .listen(let endpoint):
        return try PairListener.serve(endpoint, configuration, report: examine(configuration))
    }
}

/// The checks of this host alone.
private func examine(_ configuration: DoctorConfiguration) -> DoctorReport {
    let servers = configuration.invite.map(rendezvousEndpoints) ?? []
    let facts = FactCollector(configuration).collect(toRendezvous: servers)
    return DoctorReport(
        host: facts.host, question: configuration.question,
        interface: facts.chosenInterface(for: configuration.question)?.name
            ?? configuration.question.interface,
        checks: HostChecks.judge(facts, configuration.question))
}

private func finish(_ report: DoctorReport, _ configuration: DoctorConfiguration) -> Int32 {
    let text = configuration.isJSON ? "\(report.json)\n" : report.text
    guard writeText(text, to: STDOUT_FILENO) else { return ExitCode.runtimeFailure.rawValue }
    return report.exitCode
}

/// Index of the interface that the report is about; zero lets the kernel choose.
func interfaceIndex(_ report: DoctorReport) -> Int {
    report.interface.map { Int(if_nametoindex($0)) } ?? 0
}

/// The addresses of an invite's rendezvous; none if its name has none.
private func rendezvousEndpoints(_ invite: Invite) -> [Endpoint] {
    switch invite.host {
    case .address(let address):
        return [Endpoint(address: address, port: invite.port)]
    case .name(let name):
        let addresses = (try? Resolver.addresses(of: name)) ?? []
        return addresses.map { Endpoint(address: $0, port: invite.port) }
    }
}

/// The other doctor's first address of the group's family.
private func resolve(
    _ host: String, _ port: UInt16, _ question: Question
) throws(Failure) -> Endpoint {
    let addresses = (try? Resolver.addresses(of: host)) ?? []
    guard let address = addresses.first(where: { IPAddress.areOfOneFamily($0, question.group) })
    else {
        throw Failure(
            addresses.isEmpty ? .runtimeFailure : .usage,
            "--with \(quoted(host)) has no \(question.isIPv6 ? "IPv6" : "IPv4") address",
            advice: "name an address of the group's family")
    }
    return Endpoint(address: address, port: port)
}
