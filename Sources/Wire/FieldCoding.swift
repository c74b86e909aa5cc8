import NetBasics

// How the fields that several messages share are written; docs/protocol.md, "Common fields".

extension ByteReader {
    mutating func readPeer(from bytes: RawSpan) throws(DecodeError) -> PeerID {
        PeerID(rawValue: try readUInt64(from: bytes))
    }

    mutating func readToken(from bytes: RawSpan) throws(DecodeError) -> LinkToken {
        LinkToken(rawValue: try readUInt32(from: bytes))
    }

    mutating func readGroup(from bytes: RawSpan) throws(DecodeError) -> GroupID {
        GroupID(high: try readUInt64(from: bytes), low: try readUInt64(from: bytes))
    }

    mutating func readCookie(from bytes: RawSpan) throws(DecodeError) -> Cookie {
        Cookie(high: try readUInt64(from: bytes), low: try readUInt64(from: bytes))
    }

    mutating func readName(from bytes: RawSpan) throws(DecodeError) -> MemberName {
        let count = Int(try readUInt8(from: bytes))
        guard count <= MemberName.lengthLimit,
            let name = MemberName(try readText(count, field: "name", from: bytes))
        else { throw .invalidField("name") }
        return name
    }

    /// Family (4 or 6), address, port; refuses IPv4-mapped addresses, which have one form: IPv4.
    mutating func readEndpoint(from bytes: RawSpan) throws(DecodeError) -> Endpoint {
        let address: IPAddress
        switch try readUInt8(from: bytes) {
        case 4:
            address = .v4(IPv4Address(rawValue: try readUInt32(from: bytes)))
        case 6:
            let high = try readUInt64(from: bytes)
            address = IPAddress(IPv6Address(high: high, low: try readUInt64(from: bytes)))
            guard case .v6 = address else { throw .invalidField("address") }
        default:
            throw .invalidField("family")
        }
        return Endpoint(address: address, port: try readUInt16(from: bytes))
    }

    mutating func readContact(from bytes: RawSpan) throws(DecodeError) -> Contact {
        let peer = try readPeer(from: bytes)
        let endpoint = try readEndpoint(from: bytes)
        guard endpoint.address.isUnicast, endpoint.port != 0 else {
            throw .invalidField("contact")
        }
        return Contact(peer: peer, endpoint: endpoint)
    }

    mutating func readCoordinate(from bytes: RawSpan) throws(DecodeError) -> Coordinate {
        Coordinate(
            x: Int16(bitPattern: try readUInt16(from: bytes)),
            y: Int16(bitPattern: try readUInt16(from: bytes)),
            z: Int16(bitPattern: try readUInt16(from: bytes)),
            height: try readUInt16(from: bytes), error: try readUInt8(from: bytes))
    }

    /// A count of at most `limit`, then as many peers with endpoints and coordinates.
    mutating func readAcquaintances(
        limit: Int, from bytes: RawSpan
    ) throws(DecodeError) -> [Acquaintance] {
        let count = Int(try readUInt8(from: bytes))
        guard count <= limit else { throw .invalidField("peer count") }
        var peers: [Acquaintance] = []
        peers.reserveCapacity(count)
        for _ in 0..<count {
            let contact = try readContact(from: bytes)
            peers.append(
                Acquaintance(
                    contact: contact, coordinate: try readCoordinate(from: bytes),
                    metric: try readUInt24(from: bytes), admitCost: try readUInt24(from: bytes)))
        }
        return peers
    }

    /// A count of at most `limit`, then as many peers with endpoints one can send to.
    mutating func readContacts(
        limit: Int, from bytes: RawSpan
    ) throws(DecodeError) -> [Contact] {
        let count = Int(try readUInt8(from: bytes))
        guard count <= limit else { throw .invalidField("contact count") }
        var contacts: [Contact] = []
        contacts.reserveCapacity(count)
        for _ in 0..<count { contacts.append(try readContact(from: bytes)) }
        return contacts
    }
}

extension ByteWriter {
    mutating func write(_ peer: PeerID) { write(peer.rawValue) }
    mutating func write(_ token: LinkToken) { write(token.rawValue) }

    mutating func write(_ group: GroupID) {
        write(group.high)
        write(group.low)
    }

    mutating func write(_ cookie: Cookie) {
        write(cookie.high)
        write(cookie.low)
    }

    mutating func write(_ name: MemberName) {
        write(UInt8(name.description.utf8.count))
        write(name.description.utf8)
    }

    mutating func write(_ endpoint: Endpoint) {
        switch endpoint.address {
        case .v4(let address):
            write(UInt8(4))
            write(address.rawValue)
        case .v6(let address):
            write(UInt8(6))
            write(address.high)
            write(address.low)
        }
        write(endpoint.port)
    }

    mutating func write(_ contacts: [Contact]) {
        write(UInt8(contacts.count))
        for contact in contacts { write(contact) }
    }

    mutating func write(_ contact: Contact) {
        write(contact.peer)
        write(contact.endpoint)
    }

    mutating func write(_ coordinate: Coordinate) {
        write(UInt16(bitPattern: coordinate.x))
        write(UInt16(bitPattern: coordinate.y))
        write(UInt16(bitPattern: coordinate.z))
        write(coordinate.height)
        write(coordinate.error)
    }

    mutating func write(_ peers: [Acquaintance]) {
        write(UInt8(peers.count))
        for peer in peers {
            write(peer.contact)
            write(peer.coordinate)
            writeUInt24(peer.metric)
            writeUInt24(peer.admitCost)
        }
    }
}
