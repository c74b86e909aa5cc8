/// The networks of the tests.
extension DoctorLab {
    /// Hosts `a` and `b` at a bridge in `sw`, which snoops and queries from its own address.
    ///
    ///     a 10.77.0.11 ── br0 of sw 10.77.0.1 ── b 10.77.0.12
    static func switched(
        querier: Bool = true, usesAddress: Bool = true, igmp: Int = 3, mld: Int = 2
    ) throws -> DoctorLab {
        let lab = try DoctorLab()
        try lab.add("sw")
        try lab.ip(
            "sw",
            "link add br0 type bridge mcast_snooping 1 mcast_querier \(querier ? 1 : 0) "
                + "mcast_query_interval 100 mcast_query_response_interval 50 "
                + "mcast_startup_query_interval 50 mcast_igmp_version \(igmp) "
                + "mcast_mld_version \(mld) mcast_query_use_ifaddr \(usesAddress ? 1 : 0)")
        try lab.ip("sw", "addr add 10.77.0.1/24 dev br0")
        try lab.ip("sw", "link set br0 up")
        for (host, number) in [("a", 11), ("b", 12)] {
            try lab.add(host)
            try lab.link("sw", "p\(host)", nil, host, "eth0", "10.77.0.\(number)/24")
            try lab.ip("sw", "link set p\(host) master br0")
            try lab.ip(host, "route add default via 10.77.0.1")
        }
        return lab
    }

    /// Hosts `a` and `b` on two sides of the router `r`, which forwards unicast.
    ///
    ///     a 10.77.1.11 ── 10.77.1.1 r 10.77.2.1 ── 10.77.2.12 b
    static func routed() throws -> DoctorLab {
        let lab = try DoctorLab()
        for host in ["a", "r", "b"] { try lab.add(host) }
        try lab.link("r", "toa", "10.77.1.1/24", "a", "eth0", "10.77.1.11/24")
        try lab.link("r", "tob", "10.77.2.1/24", "b", "eth0", "10.77.2.12/24")
        try lab.ip("a", "route add default via 10.77.1.1")
        try lab.ip("b", "route add default via 10.77.2.1")
        try lab.set("r", "net.ipv4.ip_forward", 1)
        return lab
    }
}
