import Diagnosis
import NetBasics
import Testing

@testable import Doctor

@Suite struct ReportTests {
    private let report = DoctorReport(
        host: "h", question: Question(), interface: "eth0",
        checks: [
            .pass(.route, "224.0.0.0/4", "it leaves by eth0"),
            .fail(
                .firewall, "x", "reports are \u{1B}[2Jdropped", cause: "rule 2\ndrops them",
                fix: "nft insert rule inet f o ip protocol igmp accept", evidence: ["rule 2"]),
            .cannotSee(.querier, "eth0", "needs CAP_NET_RAW"),
        ])

    @Test func textHasALineForEachCheckAndCauseAndFixBelow() {
        #expect(
            report.text == """
                pass        route               it leaves by eth0
                fail        firewall            reports are ?[2Jdropped
                            cause: rule 2?drops them
                            fix:   nft insert rule inet f o ip protocol igmp accept
                cannot see  querier             needs CAP_NET_RAW
                239.255.77.17 on eth0: 1 pass, 0 warn, 1 fail, 1 cannot see

                """)
        #expect(report.exitCode == 3)
    }

    @Test func jsonIsOneObject() {
        let parts = [
            #"{"schema":"polycast.doctor/1","host":"h","group":"239.255.77.17","#,
            #""interface":"eth0","checks":[{"name":"route","subject":"224.0.0.0/4","#,
            #""status":"pass","text":"it leaves by eth0","cause":null,"fix":null,"#,
            #""evidence":[]},{"name":"firewall","subject":"x","status":"fail","#,
            #""text":"reports are \u001b[2Jdropped","cause":"rule 2\ndrops them","#,
            #""fix":"nft insert rule inet f o ip protocol igmp accept","#,
            #""evidence":["rule 2"]},{"name":"querier","subject":"eth0","#,
            #""status":"cannot_see","text":"needs CAP_NET_RAW","cause":null,"fix":null,"#,
            #""evidence":[]}],"summary":{"pass":1,"warn":0,"fail":1,"cannot_see":1}}"#,
        ]

        #expect("\(report.json)" == parts.joined())
    }

    @Test func warningsDoNotFail() {
        var mild = report
        mild.checks = [.warn(.clock, "", "x", cause: "y", fix: "z")]
        #expect(mild.exitCode == 0)
    }
}
