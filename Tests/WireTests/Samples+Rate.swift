import Wire

extension Samples {
    static let rates: [Sample] = [
        Sample(
            record: "measure", .rate(.measure(time: 0x0102_0304_0506_0708)), "1c 0102030405060708"),
        Sample(
            record: "received report",
            .rate(
                .received(
                    ReceivedReport(
                        time: 0x0102_0304_0506_0708, arrivedAt: 0x1112_1314_1516_1718,
                        packets: 0x2122, bytes: 0x3132_3334_35))),
            """
            19 0102030405060708 1112131415161718 0000000000002122 0000003132333435
            """),
        Sample(
            record: "shed",
            .rate(
                .shed(
                    ShedRun(
                        stream: StreamID(source: source, index: 2), first: 0xFFFF_FFFE,
                        count: 0x0102))),
            "1d 5152535455565758 02 fffffffe 0102"),
    ]
}
