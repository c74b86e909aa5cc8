import Glibc
import Links
import Management
import Media
import NetBasics
import Overlay
import Rendezvous
import Sealing
import Sockets
import Wire

/// Everything a peer needs before its loop can run; making it finds every bad input.
struct PeerParts: ~Copyable {
    let configuration: PeerConfiguration
    let startedAt: Instant
    let peer: PeerID
    let keys: GroupKeys
    let name: MemberName
    let server: [Endpoint]
    let socket: UDPSocket
    let loop: EventLoop
    let signals: Signals
    let listener: UnixListener
    let delivery: DeliveryEdge
    let publishers: [Publisher]
    let directory: SessionDirectory?
    let overlay: OverlayPeer
    let links: SealedLinks
    let rendezvous: RendezvousClient
    let generator: SeededGenerator

    init(_ configuration: PeerConfiguration) throws(Failure) {
        let startedAt = Clocks.now
        var generator = SeededGenerator(seed: configuration.seed ?? randomUInt64())
        let keys = try Self.keys(configuration)
        let identity = try Self.identity(keys, &generator)
        let peer = PeerID(rawValue: identity.publicKey.identifier)
        let name = try Self.name(configuration, peer)
        let streams = try Self.streams(configuration)
        let server = try Self.serverEndpoints(configuration.invite)
        let group = GroupID(keys.publicKey)

        let socket = try Self.openSocket(configuration.bind)
        let loop = try attempt { () throws(SystemError) in try EventLoop() }
        let signals = try attempt { () throws(SystemError) in try Signals() }
        let delivery = try Self.openDelivery(configuration, streams)
        let publishers = try Self.openPublishers(streams, peer, name, startedAt)
        let directory = try configuration.sdpDirectory.map { path throws(Failure) in
            try Self.media { () throws(MediaError) in try SessionDirectory(path: path) }
        }
        let listener = try Self.openListener(configuration, name)

        self.configuration = configuration
        self.startedAt = startedAt
        self.peer = peer
        self.keys = keys
        self.name = name
        self.server = server
        let cookieSecret = randomBytes(AddressCookie.secretByteCount)
        overlay = OverlayPeer(
            configuration: Self.overlayConfiguration(
                configuration, group, peer, name, socket.local),
            cookieSecret: cookieSecret, generator: generator.child())
        links = SealedLinks(
            keys: keys, identity: identity, group: group,
            cookie: AddressCookie(secret: cookieSecret), randomness: { randomBytes($0) })
        rendezvous = RendezvousClient(
            keys: keys, groupName: configuration.invite.group, peer: peer,
            isSource: !publishers.isEmpty, generator: generator.child())
        self.generator = generator.child()
        self.socket = socket
        self.loop = loop
        self.signals = signals
        self.delivery = delivery
        self.publishers = publishers
        self.directory = directory
        self.listener = listener
    }

    // MARK: - Keys

    /// What follows from the invite; a relay keeps no more than lets it forward.
    private static func keys(_ configuration: PeerConfiguration) throws(Failure) -> GroupKeys {
        let keys = try GroupKeys(invite: configuration.invite)
        if configuration.isRelay { return GroupKeys(invite: .relay(keys.linkSecret)) }
        guard keys.mediaKey != nil else {
            throw Failure(
                .usage, "the invite is a relay's: it lets a machine forward, and not read",
                advice: "run 'polycast relay' with it, or join with a member's invite")
        }
        return keys
    }

    /// The own key pair, whose hash is the own identifier: what is published is sealed under it, so that
    /// in a group with a secret it is never drawn from a seed that may come again.
    private static func identity(
        _ keys: GroupKeys, _ generator: inout SeededGenerator
    ) throws(Failure) -> AgreementKeyPair {
        let count = AgreementPublicKey.byteCount
        let drawn = (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        do {
            return try AgreementKeyPair(
                secret: SecretBytes(keys.isPublic ? drawn : randomBytes(count)))
        } catch {
            throw Failure(.runtimeFailure, "cannot draw a key pair", advice: "try again")
        }
    }

    // MARK: - Names and addresses

    private static func name(
        _ configuration: PeerConfiguration, _ peer: PeerID
    ) throws(Failure) -> MemberName {
        if let text = configuration.name {
            guard let name = MemberName(text) else {
                throw Failure(
                    .usage, "\(quoted(text)) is not a member's name",
                    advice: "use up to 32 of A-Z a-z 0-9 . _ -, not beginning with a dot")
            }
            return name
        }
        // Several peers of one host must differ.
        let suffix = "-\(peer.short.prefix(4))"
        let host = hostName.prefix(MemberName.lengthLimit - suffix.utf8.count)
        guard let name = MemberName(host + suffix) ?? MemberName("peer" + suffix) else {
            throw Failure(.runtimeFailure, "cannot make a name", advice: "give one with --name")
        }
        return name
    }

    private static var hostName: String {
        var bytes = [CChar](repeating: 0, count: 256)
        guard gethostname(&bytes, bytes.count - 1) == 0 else { return "peer" }
        let raw = bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return String(decoding: raw, as: UTF8.self)
    }

    static func serverEndpoints(_ invite: Invite) throws(Failure) -> [Endpoint] {
        switch invite.host {
        case .address(let address):
            return [Endpoint(address: address, port: invite.port)]
        case .name(let host):
            do {
                let addresses = try Resolver.addresses(of: host)
                guard !addresses.isEmpty else {
                    throw SystemError(code: ENOENT, call: "look up", subject: host)
                }
                return addresses.map { Endpoint(address: $0, port: invite.port) }
            } catch {
                throw Failure(
                    .rendezvousUnreachable, "the rendezvous \(quoted(host)) has no address",
                    advice: "check the name in the invite, or write its IP address")
            }
        }
    }

    // MARK: - Sockets

    private static func openSocket(_ bind: Endpoint) throws(Failure) -> UDPSocket {
        do {
            return try UDPSocket(binding: bind, joinsDatagrams: true, forbidsFragments: true)
        } catch {
            throw Failure(
                error.code == EACCES ? .permission : .runtimeFailure,
                "cannot bind to \(bind): \(error.reason)",
                advice: "choose a free port and an address of this host with --bind")
        }
    }

    private static func openListener(
        _ configuration: PeerConfiguration, _ name: MemberName
    ) throws(Failure) -> UnixListener {
        let path: String
        if let given = configuration.socketPath {
            path = given
        } else {
            try PeerSockets.prepareDirectory()
            path = PeerSockets.path(ofPeerNamed: name.description)
        }
        do {
            return try UnixListener(path: path)
        } catch {
            if error.code == EADDRINUSE {
                throw Failure(
                    .runtimeFailure, "a peer answers at \(quoted(path)) already",
                    advice: "choose another --name or --socket")
            }
            throw Failure(
                error.code == EACCES ? .permission : .runtimeFailure,
                "cannot listen at \(quoted(path)): \(error.reason)",
                advice: "choose another place with --socket")
        }
    }

    // MARK: - Media

    private static func streams(
        _ configuration: PeerConfiguration
    ) throws(Failure) -> [PublishedStream] {
        try media { () throws(MediaError) in
            var specs: [PublishSpec] = []
            for text in configuration.publish { specs.append(try PublishSpec(parsing: text)) }
            return try PublishedStream.streams(of: specs)
        }
    }

    private static func openDelivery(
        _ configuration: PeerConfiguration, _ streams: [PublishedStream]
    ) throws(Failure) -> DeliveryEdge {
        do {
            var specs: [DeliverSpec] = []
            for text in configuration.deliver { specs.append(try DeliverSpec(parsing: text)) }
            return try DeliveryEdge(specs, reserved: streams.flatMap(\.endpoints))
        } catch {
            throw failure(error)
        }
    }

    private static func openPublishers(
        _ streams: [PublishedStream], _ peer: PeerID, _ name: MemberName, _ now: Instant
    ) throws(Failure) -> [Publisher] {
        var publishers: [Publisher] = []
        for (index, stream) in streams.enumerated() {
            publishers.append(
                try media { () throws(MediaError) in
                    try Publisher(stream, index: index, source: peer, member: name, at: now)
                })
        }
        return publishers
    }

    // MARK: - Overlay

    private static func overlayConfiguration(
        _ configuration: PeerConfiguration, _ group: GroupID, _ peer: PeerID, _ name: MemberName,
        _ local: Endpoint
    ) -> OverlayConfiguration {
        var overlay = OverlayConfiguration(
            group: group, peer: peer, name: name,
            uplinkRate: UInt32(clamping: configuration.uplink.bitsPerSecond / 1000))
        overlay.childLimit = configuration.fanout
        overlay.algorithm =
            switch configuration.algorithm {
            case .tree: .shortestPathTree
            case .flood: .floodAndPrune
            case .automatic: .automatic
            }
        let own = local.address.isUnicast ? [local.address] : Interfaces.addresses
        overlay.localSubnets = Set(own.map(\.subnet))
        return overlay
    }

    // MARK: - Errors

    private static func media<Result>(
        _ body: () throws(MediaError) -> Result
    ) throws(Failure) -> Result {
        do {
            return try body()
        } catch {
            throw failure(error)
        }
    }

    private static func failure(_ error: MediaError) -> Failure {
        switch error.kind {
        case .usage: Failure(.usage, error.message, advice: error.advice)
        case .input: Failure(.configuration, error.message, advice: error.advice)
        case .system: Failure(.runtimeFailure, error.message, advice: error.advice)
        }
    }
}

/// Runs what only the system can refuse, and turns its refusal into a failure.
func attempt<Result: ~Copyable>(
    _ body: () throws(SystemError) -> Result
) throws(Failure) -> Result {
    do {
        return try body()
    } catch {
        throw Failure(.runtimeFailure, "\(error)")
    }
}
