import NetBasics

/// A random group in which loss, crashes, farewells and newcomers follow each other until
/// everything is calm; one seed decides all of it.
struct RandomGroup {
    private(set) var group: SimulatedGroup
    private let sources: [Int]
    private let seed: UInt64
    private var generator: SeededGenerator
    /// Copies of a stream that a newcomer's uplink carries.
    private let newcomerChildren: Int

    /// Draws 6 to 14 members, each added by `addMember` to one of `lanCount` subnets; `salt` makes
    /// different groups of equal seeds.
    init(
        seed: UInt64, salt: UInt64, newcomerChildren: Int,
        addMember: (
            _ group: inout SimulatedGroup, _ lanCount: Int, _ generator: inout SeededGenerator
        ) -> Void
    ) {
        self.seed = seed
        self.newcomerChildren = newcomerChildren
        generator = SeededGenerator(seed: seed &* salt)
        group = SimulatedGroup(seed: seed)
        let lanCount = 1 + generator.uniform(below: 4)
        for _ in 0..<6 + generator.uniform(below: 9) {
            addMember(&group, lanCount, &generator)
        }
        group.loss = Double(generator.uniform(below: 5)) / 100
        sources = generator.sample(1 + generator.uniform(below: 2), of: [0, 1, 2])
    }

    /// What is wrong after 20 calm seconds; empty if nothing is.
    mutating func problemsOnceFaultsStop() -> [String] {
        for index in group.hosts.indices {
            group.join(index)
            if sources.contains(index) { group.publish(index) }
            group.run(for: .milliseconds(Int64(generator.uniform(below: 400))))
        }
        group.run(for: .seconds(5))
        disturb()
        group.loss = 0
        group.run(for: .seconds(20))
        return problems
    }

    /// Crashes, farewells and newcomers, a second or so apart.
    private mutating func disturb() {
        for _ in 0..<6 {
            let victims = group.hosts.indices.filter {
                group.hosts[$0].isUp && !sources.contains($0)
            }
            let choice = generator.uniform(below: 3)
            if choice == 2 || victims.count < 4 {
                let newcomer = group.add(
                    lan: generator.uniform(below: 3), children: newcomerChildren)
                group.join(newcomer)
            } else {
                let victim = victims[generator.uniform(below: victims.count)]
                if choice == 0 { group.crash(victim) } else { group.leave(victim) }
            }
            group.run(for: .milliseconds(Int64(200 + generator.uniform(below: 2000))))
        }
    }

    private var problems: [String] {
        var found = group.violations
        if group.duplicates > 0 { found.append("\(group.duplicates) delivered twice") }
        for source in sources {
            found += group.missingDeliveries(of: source, since: group.now + .milliseconds(-500))
        }
        return found
    }
}
