import NetBasics

/// What an address says about how far a group reaches, and who may use it.
enum GroupScope {
    /// Never forwarded by routers, whatever the TTL (RFC 5771, section 4; RFC 4291, section 2.7).
    static func isLinkLocal(_ group: IPAddress) -> Bool {
        switch group {
        case .v4(let address): address.rawValue >> 8 == 0xE0_0000
        case .v6(let address): (1...2).contains(address.high >> 48 & 0x0F)
        }
    }

    /// Where receivers have to name their sources (RFC 4607, section 1).
    static func isSourceSpecific(_ group: IPAddress) -> Bool {
        switch group {
        case .v4(let address): address.rawValue >> 24 == 232
        case .v6(let address): address.high >> 32 & 0xFFF0_FFFF == 0xFF30_0000
        }
    }

    /// Groups in which hosts listen for requests that come now and then, or never.
    static func isService(_ group: IPAddress) -> Bool {
        switch group {
        // 224.0.1.0/24 is assigned to services; SSDP, and SAP of each scope.
        case .v4(let address):
            address.rawValue >> 8 == 0xE0_0001 || address.rawValue == 0xEFFF_FFFA
                || address.rawValue == 0xEFFF_FFFF || address.rawValue == 0xE002_7FFE
        // Permanently assigned groups.
        case .v6(let address): address.high >> 52 & 0x1 == 0 && address.high >> 48 & 0x10 == 0
        }
    }

    /// Why nobody may use it for media; `nil` if one may.
    static func misuse(of group: IPAddress) -> String? {
        switch group {
        case .v4(let address):
            switch address.rawValue >> 24 {
            case 224 where address.rawValue >> 8 == 0xE0_0000:
                "is for protocols of one link (224.0.0.0/24, RFC 5771): routers never forward it "
                    + "and switches flood it"
            case 225...231, 235...238: "is reserved (RFC 5771)"
            default: nil
            }
        case .v6(let address):
            switch address.high >> 48 & 0x0F {
            case 0, 15: "has a reserved scope (RFC 4291, section 2.7)"
            case 1: "has interface-local scope, which must not leave a host (RFC 4291, 2.7)"
            default: nil
            }
        }
    }
}
