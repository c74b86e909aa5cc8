import NetBasics

/// What one doctor learnt of the path to another.
package struct PairFindings: Equatable, Sendable {
    package enum Contact: Equatable, Sendable {
        case ready
        case silent
        case refused(PairRefusal)
        /// The kernel's words.
        case failed(String)
    }

    /// Packets to the group in one direction.
    package struct GroupCount: Equatable, Sendable {
        package var sent = 0
        package var received = 0
        /// Hop limit left at the receiver; zero if none came.
        package var hopsLeft = 0

        package init(sent: Int = 0, received: Int = 0, hopsLeft: Int = 0) {
            self.sent = sent
            self.received = received
            self.hopsLeft = hopsLeft
        }
    }

    /// What passed of one size of IP packets, and the least that did not.
    package struct Sizes: Equatable, Sendable {
        package var tried = 0
        package var passed = 0
        /// Whether a router on the way said that it was too much.
        package var wasTold = false

        package init(tried: Int = 0, passed: Int = 0, wasTold: Bool = false) {
            self.tried = tried
            self.passed = passed
            self.wasTold = wasTold
        }
    }

    package var remote: Endpoint
    package var contact = Contact.silent
    package var probesSent = 0
    package var probesArrived = 0
    package var echoesArrived = 0
    package var roundTrips: [Duration] = []
    /// Routers on the way there and back, by what was left of the hop limit.
    package var routersOut: Int?
    package var routersBack: Int?
    package var multicastOut = GroupCount()
    package var multicastIn = GroupCount()
    /// Why the group could not be joined or sent to here; the kernel's words.
    package var groupFailure: String?
    package var sizesOut = Sizes()
    package var sizesIn = Sizes()
    /// The checks that failed at the other end, by its own word.
    package var failedThere = CheckNames(bits: 0)
    /// Its clock less ours, with half of the best round trip as its uncertainty.
    package var clockOffset: Duration?

    package init(remote: Endpoint) { self.remote = remote }
}
