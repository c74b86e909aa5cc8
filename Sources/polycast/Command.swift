import Analysis
import Bench
import Doctor
import Management
import Simulation

/// What the arguments ask for; every value in it is already valid.
enum Command: Equatable, Sendable {
    case join(PeerConfiguration)
    /// An invite, for standard output.
    case invite(InviteConfiguration)
    case rendezvous(RendezvousServiceConfiguration)
    case query(QueryConfiguration)
    case demo(DemoConfiguration)
    case bench(BenchConfiguration)
    case capture(CaptureConfiguration)
    case inspect(InspectConfiguration)
    case simulate(SimulateConfiguration)
    case doctor(DoctorConfiguration)
    /// Help, version or completion, for standard output.
    case print(String)
}
