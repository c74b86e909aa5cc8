import CCrypto
import NetBasics
import Sealing
import Sockets

/// Sealing of packets end to end, turn by turn with a plain loop of libcrypto's calls.
struct SealBench: ~Copyable {
    private let configuration: BenchConfiguration
    private let context: OpaquePointer
    private var sealer: SFrameSealer
    private let packet: UnsafeMutableRawBufferPointer
    private let output: UnsafeMutableRawBufferPointer

    init(_ configuration: BenchConfiguration) throws(SealingError) {
        self.configuration = configuration
        guard let context = EVP_CIPHER_CTX_new() else { preconditionFailure("out of memory") }
        self.context = context
        let key = [UInt8](repeating: 7, count: 16)
        EVP_CipherInit_ex(context, EVP_aes_128_gcm(), nil, key, nil, 1)
        let mediaKey = SecretBytes([UInt8](repeating: 9, count: 32))
        sealer = SFrameSealer(SenderKey(mediaKey: mediaKey, sender: 1))
        packet = .allocate(byteCount: configuration.packetBytes, alignment: 64)
        packet.initializeMemory(as: UInt8.self, repeating: 0xA5)
        output = .allocate(byteCount: configuration.packetBytes + 64, alignment: 64)
    }

    deinit {
        EVP_CIPHER_CTX_free(context)
        packet.deallocate()
        output.deallocate()
    }

    /// Packets per second of processor time.
    mutating func measure() throws(SealingError) -> BenchResult {
        var result = BenchResult(
            name: "seal", unit: "packets per second of processor time", isMoreBetter: true)
        for round in 0...configuration.rounds {
            let limit = try rate(isBare: true)
            let own = try rate(isBare: false)
            // The first round warms up.
            if round > 0 { result.add(limit: limit, polycast: own) }
        }
        return result
    }

    private mutating func rate(isBare: Bool) throws(SealingError) -> Double {
        let batch = 256
        let start = Clocks.threadNanoseconds
        var count = 0
        var spent: Int64 = 0
        while spent < configuration.slice.nanoseconds {
            for _ in 0..<batch {
                if isBare { bare() } else { try sealed() }
            }
            count += batch
            spent = Clocks.threadNanoseconds - start
        }
        return Double(count) / Double(spent) * 1e9
    }

    /// A nonce, the packet and its tag: what no way of sealing with AES-GCM does without.
    private func bare() {
        var written: Int32 = 0
        let nonce: (UInt64, UInt32) = (1, 2)
        let target = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        withUnsafeBytes(of: nonce) {
            _ = EVP_CipherInit_ex(
                context, nil, nil, nil, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), -1)
        }
        EVP_CipherUpdate(
            context, target, &written,
            packet.baseAddress?.assumingMemoryBound(to: UInt8.self), Int32(packet.count))
        EVP_EncryptFinal_ex(context, target, &written)
        EVP_CIPHER_CTX_ctrl(
            context, EVP_CTRL_AEAD_GET_TAG, 16, output.baseAddress.map { $0 + packet.count })
    }

    private mutating func sealed() throws(SealingError) {
        let metadata: (UInt64, UInt64) = (3, 4)
        try withUnsafeBytes(of: metadata) { metadata throws(SealingError) in
            _ = try sealer.seal(UnsafeRawBufferPointer(packet), metadata: metadata, into: output)
        }
    }
}
