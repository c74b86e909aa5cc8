/// What Python's `hashlib` and `cryptography` compute, implementations of their own.
enum KnownAnswers {
    /// `blake2b(b"polycast media tag 1\0" + handshake_hash, key=send_key, digest_size=16)`.
    static let sendTagKey = "22c3c4b460c033d9af2f60f91c6178e2"

    /// All that follows from a secret.
    struct Group: Sendable {
        var mediaKey, linkSecret, psk, publicKey, groupID, signature: String
        var proofOfInitiator, proofOfResponder, secretText, relayText: String
    }

    /// Of the secret of the bytes 0 to 15.
    static let secret = Group(
        mediaKey: "808796bfb5728ebe7737bca33e604372464a2d54204595c12802a77a64a8e60f",
        linkSecret: "c3fe76263b839cfe0cecd084c396389bd9fdcff227d83fb3ad157045a5f4185e",
        psk: "74848ee2e965bfbc98195d9a5ffd9f2ebc053f42648a4817fce7d6de915fe5ca",
        publicKey: "2c19e36c72dec87cbb450987d2c04f37cb1813797c7a9e42fca74e2a1615780f",
        groupID: "ec07d7aab7bd6ce291b620ffb732ae9c",
        signature: "8ce88a9d3ca35d4c3a14191fb2e9dd14487865d5cf5f2e5a0c226dd7785499c5"
            + "5d37de2429f11a768b3a3e3841792cf32af709831b614a5623bb86f9490dce0b",
        proofOfInitiator: "da71d9b85910ad4b3af4b24aa9da7134",
        proofOfResponder: "7d7a30768d22696f0f4961d8ec0d3705",
        secretText: "000g40r40m30e209185gr38e1zzqac0n",
        relayText: "relay-rfz7c9hvgeefw37ct22c75hrkfczvkzj4zc3zcxd2nr4b9fm31f471rb")

    /// Of the public group `größe`.
    static let publicGroup = Group(
        mediaKey: "3ea51e3bdd506802aaeda29172044fad2bd761305e2a9c0631afcb16d27caf9b",
        linkSecret: "cab12757bb98b1dba98f6b4202afb51f10847d8e6989509ea2ef7b612ad19e3e",
        psk: "46acc667558c384b8884dcc017bdcacb8af603d1aadf7d17c12ed793538d02f5",
        publicKey: "881b5261b2a84cff06328300810855c2466a1a381117ad553b0b1d9c72be788c",
        groupID: "2390c6c39e8af2c8abf3f7e8912b1283",
        signature: "4de27c1faaeb7e6c5986d205ed2e599a96b7ac1bc0d3c58efb78333475fff274"
            + "8382eb02b5adc48c9dcd581dc611ef45e0998934bfb98597519f7f9a657e7a04",
        proofOfInitiator: "40eeb4ff8237b8b4be78e1ff49c259fb",
        proofOfResponder: "781b89a6f52536bd4655f62c8a1b9945",
        secretText: "q02yyffg6qt8as67h40axmea4h7zjys1",
        relayText: "relay-sarjenxvk2rxqacfdd105bxn3w888zced64n17n2xxxp2aphkrzaws3e")

    /// Of the entry `an entry`, under the link secret of `secret`.
    static let entryCode: (high: UInt64, low: UInt64) = (
        0x4C81_BE49_569F_22CC, 0x052C_FD64_5F04_DDF4
    )
    /// Of the name `größe`.
    static let alias: UInt64 = 0x15D7_9540_812A_4542

    /// The sender keys of the first epochs of peer 0x0123456789abcdef under `secret`.
    static let senderKeys = [
        "349a06f9d17f77496e752e90e814a00fee07efc299be0c9dab6da8242ec8d338",
        "5e1a21ccf9842bdb1b97da2af054992f9c67a6270517844b612de5a9be64ef45",
        "82edc2638ccf2ffb8d03fc59ca042392e3e4d2322cbda8e65a13743276868958",
    ]

    /// The same with the bytes 0 to 15 for a base key, and numbers of eight bytes.
    static let sealedWithLongNumbers =
        "ffffffffffffffffff0123456789abcdefa52d36c83dde5065144086c761ced9b9177e222144b2"

    /// `packet` with the metadata `metadata` under those keys, by epoch and counter.
    static let sealedPackets: [(epoch: UInt16, counter: UInt64, sealed: String)] = [
        (0, 0, "0030d7d31b50a28f238c4a618b3d76dd5588f2b92412c7"),
        (0, 1, "01662fafec2c68c60a39cd15518c1ea3d51224e86fc618"),
        (0, 7, "07e7d3071e1d54459de71358dab2f1405844a48ab5ba92"),
        (0, 8, "080871a48f94c6db284e16ca469bc95efa00312868a5c5a0"),
        (0, 9, "080941c3dc30bd3b4b9688bc8996c6f4d244cccdbe400d94"),
        (1, 0, "10aa6584751f47feaabdf2bdb6daf11305c2a254201a82"),
        (9, 0, "8009b96530e9eea3fc57681a637029ecf09fdac8ba8f0383"),
        (9, 9, "8809097260ed6174384899a50e2f2c7c815f7c736ad1e30f20"),
    ]
}
