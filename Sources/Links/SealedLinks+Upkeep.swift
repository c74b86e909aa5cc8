import NetBasics
import Sealing
import Wire

// What keeps a link in order while it lasts: new keys, a new address, the length of datagrams.

extension SealedLinks {
    /// Between two tries to get new keys, at least.
    private static let rekeyRetry: Duration = .seconds(1)
    /// How long an address has to answer before it, or another, is asked.
    static let checkTime: Duration = .milliseconds(100)

    mutating func updateWakeup() {
        let due = associations.values.map { min($0.rekeyDue, $0.mtu.due) }.min()
        nextWakeup = due == .distantFuture ? nil : due
    }

    package mutating func wake(at now: Instant, into orders: inout [Order]) {
        defer { updateWakeup() }
        for token in associations.keys.sorted() {
            if let due = associations[token]?.rekeyDue, due <= now {
                askForKeys(on: token, at: now, into: &orders)
            }
            serveMTU(of: token, at: now, into: &orders)
        }
    }

    // MARK: - New keys

    /// Asks for new keys, or asks again; the end that made the present ones does.
    private mutating func askForKeys(
        on token: LinkToken, at now: Instant, into orders: inout [Order]
    ) {
        guard let association = associations[token], let current = association.current else {
            return
        }
        let retry = Self.rekeyRetry + .milliseconds(Int64(drawNonce() % 250))
        do throws(SealingError) {
            let handshake =
                if let waiting = association.rekeying { waiting.handshake } else {
                    try NoiseIKpsk2.Initiator(
                        keys: identity, ephemeral: drawEphemeral(), responder: association.key,
                        psk: keys.psk, prologue: Self.rekeyPrologue(current), payload: [])
                }
            associations[token]?.rekeying = Association.Rekeying(
                handshake: handshake, retryDue: now + retry)
            send(
                [.rekey(handshake.message)], on: token, to: association.endpoint, at: now,
                into: &orders)
        } catch {
            count(Self.drop(for: error))
        }
    }

    /// Ties new keys to the ones they follow.
    private static func rekeyPrologue(_ session: Session) -> [UInt8] {
        Array("polycast rekey 1".utf8) + session.handshakeHash
    }

    /// Answers a request that came over the link itself: its sender and its order are known.
    mutating func answerRekey(
        _ request: [UInt8], on token: LinkToken, phase: Int, at now: Instant,
        into orders: inout [Order]
    ) {
        guard let association = associations[token], let current = association.sessions[phase]
        else { return }
        if let known = association.answered, known.request == request {
            return send(
                [.rekeyed(known.answer)], on: token, phase: phase, to: association.endpoint,
                at: now, into: &orders)
        }
        guard freshness.admits(request.suffix(16), at: now) else { return count(.handshakeRate) }
        do throws(SealingError) {
            let opened = try NoiseIKpsk2.Responder(
                keys: identity, prologue: Self.rekeyPrologue(current)
            ).read(request)
            guard opened.initiator == association.key else { throw .notAuthentic }
            let result = try opened.answer([], ephemeral: drawEphemeral(), psk: keys.psk)
            associations[token]?.add(
                try Session(result.session, phase: 1 - phase, isInitiator: false, at: now))
            // The answer goes with the keys that the other end has.
            send(
                [.rekeyed(result.message)], on: token, phase: phase, to: association.endpoint,
                at: now, into: &orders)
            associations[token]?.answered = Association.AnsweredRekey(
                request: request, answer: result.message)
            haveKeysChanged = true
        } catch {
            count(Self.drop(for: error))
        }
    }

    mutating func finishRekey(
        _ answer: [UInt8], on token: LinkToken, at now: Instant, into orders: inout [Order]
    ) {
        guard let association = associations[token], let waiting = association.rekeying,
            let current = association.current
        else { return count(.unexpectedAnswer) }
        do throws(SealingError) {
            let session = try waiting.handshake.finish(answer).session
            associations[token]?.rekeying = nil
            associations[token]?.add(
                try Session(session, phase: 1 - current.phase, isInitiator: true, at: now))
            haveKeysChanged = true
            // Shows the other end that it may use them, too.
            send([], on: token, to: association.endpoint, at: now, into: &orders)
        } catch {
            count(Self.drop(for: error))
        }
    }

    // MARK: - A new address

    /// New media of the link with this local token, rightly tagged, has come from `sender`.
    package mutating func noteMedia(
        on token: LinkToken, from sender: Endpoint, at now: Instant, into orders: inout [Order]
    ) {
        checkPath(of: token, sender, at: now, into: &orders)
    }

    /// Asks an address that the peer seems to send from to show that it receives there.
    ///
    /// Repeats the question unchanged, so that an answer counts however long the way is.
    mutating func checkPath(
        of token: LinkToken, _ sender: Endpoint, at now: Instant, into orders: inout [Order]
    ) {
        guard let association = associations[token], association.endpoint != sender else { return }
        let asked = association.check.flatMap { $0.endpoint == sender ? $0 : nil }
        if let check = association.check,
            check.sentAt + (asked?.patience ?? Self.checkTime) > now
        {
            return
        }
        let nonce = asked?.nonce ?? drawNonce()
        associations[token]?.check = Association.PathCheck(
            endpoint: sender, nonce: nonce, sentAt: now, tries: 1 + (asked?.tries ?? 0))
        send([.probe(nonce: nonce, padding: 0)], on: token, to: sender, at: now, into: &orders)
    }

    mutating func noteProbed(
        _ nonce: UInt64, on token: LinkToken, from sender: Endpoint, at now: Instant,
        into orders: inout [Order]
    ) {
        let before = associations[token]?.mtu.confirmed
        associations[token]?.mtu.note(probed: nonce, at: now)
        if associations[token]?.mtu.confirmed != before { haveKeysChanged = true }
        guard let check = associations[token]?.check, check.nonce == nonce,
            check.endpoint == sender
        else { return }
        associations[token]?.check = nil
        associations[token]?.endpoint = sender
        associations[token]?.mtu.reset(at: now)
        orders.append(.moved(token, to: sender))
        haveKeysChanged = true
    }

    // MARK: - Length of datagrams

    private mutating func serveMTU(
        of token: LinkToken, at now: Instant, into orders: inout [Order]
    ) {
        guard let association = associations[token], association.mtu.due <= now else { return }
        var mtu = association.mtu
        let probe = mtu.takeProbe(at: now) { drawNonce() }
        associations[token]?.mtu = mtu
        if mtu.confirmed != association.mtu.confirmed { haveKeysChanged = true }
        guard let probe else { return }
        let padding = probe.size - ControlDatagram.sealBytes - 8 - 11
        let record = ControlMessage.probe(nonce: probe.nonce, padding: UInt16(clamping: padding))
        send([record], on: token, to: association.endpoint, at: now, into: &orders)
    }
}
