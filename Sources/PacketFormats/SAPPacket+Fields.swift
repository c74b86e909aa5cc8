import NetBasics

extension SAPPacket {
    /// For people, and under Wireshark's names; that of the description is apart.
    package var field: PacketField {
        let name = "sap.originating_source" + (isIPv6 ? ".ipv6" : "")
        var children = [
            flagField,
            PacketField(
                "sap.auth.len", "Authentication length", .integer(authenticationLength),
                meaning: "words"),
            PacketField(
                "sap.message_identifier_hash", "Message identifier hash", .word(messageHash)),
            PacketField(name, "Originating source", .address(source)),
        ]
        if let payloadType {
            children.append(PacketField("sap.payload_type", "Payload type", .text(payloadType)))
        }
        return .heading(
            "sap", "Session Announcement Protocol",
            meaning: isDeletion ? "deletion" : "announcement", children)
    }

    private var flagField: PacketField {
        PacketField(
            "sap.flags", "Flags", .word(flags),
            children: [
                PacketField("sap.flags.v", "Version", .integer(Self.version)),
                PacketField("sap.flags.a", "IPv6 source", .flag(isIPv6)),
                PacketField("sap.flags.t", "Deletion", .flag(isDeletion)),
                PacketField("sap.flags.e", "Encrypted", .flag(isEncrypted)),
                PacketField("sap.flags.c", "Compressed", .flag(isCompressed)),
            ])
    }
}
