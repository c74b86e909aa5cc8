import Foundation
import Sealing
import Testing

/// Handshakes with dissononce, an implementation in Python that shares no code with this one.
@Suite(.enabled(if: Dissononce.isInstalled, "python3-dissononce is installed"))
struct NoiseInteroperationTests {
    private let prologue = Array("polycast test".utf8)
    private let psk = randomBytes(32)
    private let initiator: AgreementKeyPair
    private let responder: AgreementKeyPair
    private let ephemeral: AgreementKeyPair

    init() throws {
        initiator = try AgreementKeyPair(secret: SecretBytes(randomBytes(32)))
        responder = try AgreementKeyPair(secret: SecretBytes(randomBytes(32)))
        ephemeral = try AgreementKeyPair(secret: SecretBytes(randomBytes(32)))
    }

    @Test func dissononceAnswersUs() throws {
        let ours = try NoiseIKpsk2.Initiator(
            keys: initiator, ephemeral: ephemeral, responder: responder.publicKey,
            psk: SecretBytes(psk), prologue: prologue, payload: Array("question".utf8))

        let theirs = try Dissononce.run([
            "responder", hex(responder.secret), hex(initiator.publicKey.bytes), hex(psk),
            hex(prologue), hex(ours.message), hex(Array("answer".utf8)),
        ])
        let (payload, session) = try ours.finish(hex(theirs[1]))

        #expect(theirs[0] == hex(Array("question".utf8)))
        #expect(payload == Array("answer".utf8))
        expect(session, agreesWith: theirs[2...])
    }

    @Test func weAnswerDissononce() throws {
        let process = try Dissononce.start([
            "initiator", hex(initiator.secret), hex(responder.publicKey.bytes), hex(psk),
            hex(prologue), hex(Array("question".utf8)),
        ])
        let request = try NoiseIKpsk2.Responder(keys: responder, prologue: prologue)
            .read(hex(process.readLine()))
        let (message, session) = try request.answer(
            Array("answer".utf8), ephemeral: ephemeral, psk: SecretBytes(psk))

        process.write(hex(message))
        let theirs = process.finish()

        #expect(request.payload == Array("question".utf8))
        #expect(request.initiator == initiator.publicKey)
        #expect(theirs.first == hex(Array("answer".utf8)))
        expect(session, agreesWith: theirs.dropFirst())
    }

    /// The handshake hash, the key that they send with, and the key that they receive with.
    private func expect(_ session: NoiseIKpsk2.Session, agreesWith lines: ArraySlice<String>) {
        #expect(
            Array(lines) == [
                hex(session.handshakeHash), hex(session.receiveKey), hex(session.sendKey),
            ])
    }
}

/// Runs dissononce in Debian's Python; other interpreters in `PATH` may not have it.
private final class Dissononce {
    private static let python = "/usr/bin/python3"
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()

    static let isInstalled: Bool = {
        guard FileManager.default.isExecutableFile(atPath: python) else { return false }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments = ["-c", "import dissononce"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()

    static func start(_ arguments: [String]) throws -> Dissononce {
        let peer = Dissononce()
        peer.process.executableURL = URL(fileURLWithPath: python)
        peer.process.arguments = ["-c", script] + arguments
        peer.process.standardInput = peer.input
        peer.process.standardOutput = peer.output
        try peer.process.run()
        return peer
    }

    /// All lines that the script prints.
    static func run(_ arguments: [String]) throws -> [String] { try start(arguments).finish() }

    func readLine() -> String {
        var line: [UInt8] = []
        while let byte = output.fileHandleForReading.readData(ofLength: 1).first, byte != 0x0A {
            line.append(byte)
        }
        return String(decoding: line, as: UTF8.self)
    }

    func write(_ line: String) { input.fileHandleForWriting.write(Data((line + "\n").utf8)) }

    func finish() -> [String] {
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private static let script = """
        import sys
        from dissononce.processing.impl.handshakestate import HandshakeState
        from dissononce.processing.impl.symmetricstate import SymmetricState
        from dissononce.processing.impl.cipherstate import CipherState
        from dissononce.processing.handshakepatterns.interactive.IK import IKHandshakePattern
        from dissononce.processing.modifiers.psk import PSKPatternModifier
        from dissononce.cipher.chachapoly import ChaChaPolyCipher
        from dissononce.dh.x25519.x25519 import X25519DH
        from dissononce.dh.x25519.private import PrivateKey
        from dissononce.dh.x25519.public import PublicKey
        from dissononce.hash.blake2b import Blake2bHash

        role = sys.argv[1]
        own, theirs, psk, prologue, first = map(bytes.fromhex, sys.argv[2:7])
        state = HandshakeState(
            SymmetricState(CipherState(ChaChaPolyCipher()), Blake2bHash()), X25519DH())
        keys = X25519DH().generate_keypair(PrivateKey(own))
        isInitiator = role == "initiator"
        state.initialize(
            PSKPatternModifier(2).modify(IKHandshakePattern()), isInitiator, prologue, s=keys,
            rs=PublicKey(theirs) if isInitiator else None, psks=(psk,))
        assert state.protocol_name == "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2b"
        payload, message = bytearray(), bytearray()
        if isInitiator:
            state.write_message(first, message)
            print(message.hex(), flush=True)
            ciphers = state.read_message(bytes.fromhex(sys.stdin.readline()), payload)
            print(payload.hex())
            send, receive = ciphers
        else:
            state.read_message(first, payload)
            assert state.rs.data == theirs
            print(payload.hex())
            ciphers = state.write_message(bytes.fromhex(sys.argv[7]), message)
            print(message.hex())
            receive, send = ciphers
        print(state.symmetricstate.get_handshake_hash().hex())
        print(send._key.hex())
        print(receive._key.hex())
        """
}
