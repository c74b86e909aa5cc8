import Forwarding
import NetBasics
import Sockets
import Wire

/// How much links carry: those to children, and those from parents that ask.
struct LinkRates {
    var flows = ChildFlows()
    var arrivals = ArrivalCounts()
    /// As their sources declared; lower is shed later.
    var priorities: [StreamID: UInt8] = [:]
    /// Reused.
    var runs: [ShedRun] = []
    /// The flow of each lane, and the lane of each flow; -1: none.
    private var laneFlows: [Int] = []
    private var flowLanes: [Int] = []
    /// What had gone out on a lane when lanes last changed hands, and to a flow until then.
    private var bases: [SendBatch.LaneCount] = []
    private var sums: [SendBatch.LaneCount] = []
    /// What the kernel had refused when the flows were last served.
    var seenRefusals: UInt64 = 0
    var hasRefusals = false

    func isLimited(lane: Int) -> Bool { flows.isLimited(laneFlows[lane]) }

    func flow(ofLane lane: Int) -> Int { laneFlows[lane] }

    /// -1: it has none.
    func lane(ofFlow flow: Int) -> Int { flow < flowLanes.count ? flowLanes[flow] : -1 }

    /// Gives the lanes to those who receive at `endpoints`, in order; `outgoing` is empty.
    mutating func install(_ endpoints: [Endpoint], _ outgoing: borrowing SendCrew) {
        for (lane, flow) in laneFlows.enumerated() {
            sums[flow] = sums[flow] + (outgoing.count(ofLane: lane) - bases[lane])
        }
        let (places, new) = flows.install(endpoints)
        laneFlows = places
        bases = places.indices.map { outgoing.count(ofLane: $0) }
        for flow in new {
            if flow == sums.count { sums.append(SendBatch.LaneCount()) }
            sums[flow] = SendBatch.LaneCount()
        }
        flowLanes = [Int](repeating: -1, count: sums.count)
        for (lane, flow) in laneFlows.enumerated() { flowLanes[flow] = lane }
    }

    /// What has gone out to a child since it is one.
    func sent(to flow: Int, _ outgoing: borrowing SendCrew) -> SendBatch.LaneCount {
        var sum = sums[flow]
        for (lane, owner) in laneFlows.enumerated() where owner == flow {
            sum = sum + (outgoing.count(ofLane: lane) - bases[lane])
        }
        return sum
    }
}
