import Foundation
import NetBasics
import Testing
import Wire

/// The Wireshark script of `tools/wireshark`, beside the decoders of this module.
@Suite(.enabled(if: Tshark.isInstalled, Tshark.comment)) struct DissectorTests {
    /// All that the script can show, from its own table.
    private static let fields = (try? DissectorFields())?.rows.map(\.abbreviation) ?? []

    /// What the script says of a datagram, or the decoder: `nil` if nothing is wrong.
    private func reason(of bytes: [UInt8]) -> String? {
        do {
            _ = try decode(bytes)
            return nil
        } catch let error as DecodeError {
            return error.reason
        } catch {
            return "\(error)"
        }
    }

    private func noErrors(_ shown: Tshark.Shown) -> Bool {
        Tshark.errors.allSatisfy { shown[$0] == nil }
    }

    @Test func everySampleIsShownFieldByField() throws {
        let samples = Samples.all
        let shown = try Tshark.show(
            samples.map { .init(bytes: $0.bytes) }, Self.fields, isClear: true)

        for (sample, shown) in zip(samples, shown) {
            let expected = ExpectedFields(sample.datagram).shown
            for field in Set(shown.keys).union(expected.keys).sorted() {
                #expect(shown[field] == expected[field], "\(sample.name): \(field)")
            }
        }
    }

    @Test func truncationsAreRefusedForTheDecodersReasons() throws {
        let cuts = Samples.all.flatMap { sample in
            (1..<sample.bytes.count).map { Array(sample.bytes.prefix($0)) }
        }
        try expectAgreement(on: cuts)
    }

    @Test func everyFlippedBitIsJudgedAsTheDecoderDoes() throws {
        let flipped = Samples.all.flatMap { sample in
            (0..<sample.bytes.count * 8).map { bit in
                var bytes = sample.bytes
                bytes[bit / 8] ^= 1 << UInt8(bit % 8)
                return bytes
            }
        }
        try expectAgreement(on: flipped)
    }

    @Test func bytesBehindTheEndAreJudgedAsTheDecoderDoes() throws {
        try expectAgreement(
            on: Samples.all.flatMap { [$0.bytes + [0], $0.bytes + [0xFF, 0xFF, 0xFF]] }
                + [Samples.all[0].bytes + [UInt8](repeating: 0, count: 1100)])
    }

    @Test(arguments: [1, 2] as [UInt64])
    func hostileRecordsAreJudgedAsTheDecoderDoes(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let records = Samples.all.filter { $0.bytes[1] == 2 }
        try expectAgreement(
            on: (0..<4000).map { _ in
                var bytes = records[generator.uniform(below: records.count)].bytes
                for _ in 0...generator.uniform(below: 3) {
                    let place = generator.uniform(below: bytes.count)
                    bytes[place] = [0, 1, 0x7F, 0x80, 0xFF][generator.uniform(below: 5)]
                }
                let tail = generator.uniform(below: 2) * generator.uniform(below: 60)
                return bytes + (0..<tail).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
            })
    }

    /// Short, long and well-formed characters, and such as only look well-formed.
    @Test func textIsJudgedAsTheDecoderDoes() throws {
        let description = try #require(Samples.all.first { $0.name == "description" }).bytes
        let texts = [
            "41", "7f", "80", "c280", "c1bf", "dfbf", "c3", "c341", "e0a080", "e09fbf", "ed9fbf",
            "eda080", "edbfbf", "ee8080", "efbfbf", "e282", "f0908080", "f08fbfbf", "f48fbfbf",
            "f4908080", "f5808080", "f09f98", "ff", "fe", "00",
        ].map(parseHex)
        try expectAgreement(
            on: texts.flatMap { text in
                ["", "6d3d", "c3a9"].flatMap { around -> [[UInt8]] in
                    let text = parseHex(around) + text + parseHex(around)
                    return [description.dropLast(8) + [0, UInt8(text.count)] + text]
                }
            })
    }

    /// The script refuses what the decoder refuses, for the same reason, and nothing else.
    private func expectAgreement(on datagrams: [[UInt8]]) throws {
        // Media is no business of the decoder's.
        let others = datagrams.filter { bytes in
            ![.media, .parity, .mediaPiece].contains(
                try? DatagramHeader.kind(of: bytes.span.bytes))
        }
        let shown = try Tshark.show(
            others.map { .init(bytes: $0) }, ["polycast.magic"], isClear: true)

        let disagreements = zip(others, shown).compactMap { bytes, shown -> String? in
            let expected = reason(of: bytes)
            let isUnderstood =
                expected == "not_polycast"
                ? shown.isEmpty : shown[Tshark.reason]?.first == expected
            guard !isUnderstood || !noErrors(shown) else { return nil }
            let hex = bytes.map { String($0, radix: 16) }.joined(separator: " ")
            return "\(hex): \(expected ?? "well-formed"), shown \(shown)"
        }
        #expect(shown.count > 50)
        #expect(disagreements.isEmpty, "\(disagreements.count), as \(disagreements.prefix(5))")
    }
}
