// swift-tools-version: 6.2
import PackageDescription

// The rows of docs/architecture.md, bottom up; a target imports only from rows below its own.
// ProjectRulesTests reads this file and the sources and enforces it.

// `tools/fuzz` sets it: everything is then built for libFuzzer and the address sanitizer.
let isFuzzed = Context.environment["POLYCAST_FUZZED"] == "1"
let fuzzing = ["-sanitize=fuzzer,address"]

let swiftSettings: [SwiftSetting] =
    [.treatAllWarnings(as: .error)] + (isFuzzed ? [.unsafeFlags(fuzzing)] : [])

func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

let package = Package(
    name: "polycast",
    targets: [
        // system
        .target(name: "CLinux"),
        .target(name: "CSipHash"),
        .systemLibrary(
            name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(
            name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(
            name: "CISAL", pkgConfig: "libisal", providers: [.apt(["libisal-dev"])]),
        .systemLibrary(
            name: "CPcap", pkgConfig: "libpcap", providers: [.apt(["libpcap-dev"])]),
        // basics
        module("NetBasics"),
        // formats
        module("Wire", ["NetBasics"]),
        module("PacketFormats", ["NetBasics"]),
        module("Sealing", ["CCrypto", "CSipHash", "CSodium", "NetBasics"]),
        module("Parity", ["CISAL"]),
        module("Management", ["NetBasics"]),
        // forwarding
        module("Forwarding", ["Wire", "NetBasics"]),
        // cores
        module("Overlay", ["Forwarding", "Wire", "Sealing", "NetBasics"]),
        module("Links", ["Wire", "Sealing", "NetBasics"]),
        module("Rendezvous", ["Wire", "Sealing", "NetBasics"]),
        module("Inspection", ["PacketFormats", "Wire", "NetBasics"]),
        module("Diagnosis", ["NetBasics"]),
        // input and output
        module("Sockets", ["CLinux", "NetBasics"]),
        module("Drawing"),
        // edges
        module("Media", ["Sockets", "PacketFormats", "Wire", "NetBasics"]),
        module(
            "Capture", ["CPcap", "CLinux", "Sockets", "Inspection", "PacketFormats", "NetBasics"]),
        // data path
        module(
            "DataPath",
            [
                "CLinux", "Media", "Sockets", "Overlay", "Forwarding", "Parity", "Wire", "Sealing",
                "NetBasics",
            ]),
        // shells
        module(
            "Daemon",
            [
                "DataPath", "Media", "Sockets", "Links", "Overlay", "Forwarding", "Rendezvous",
                "Wire", "Sealing", "PacketFormats", "Management", "NetBasics",
            ]),
        module(
            "Analysis",
            [
                "Capture", "Drawing", "Sockets", "Inspection", "PacketFormats", "Wire",
                "Management", "NetBasics",
            ]),
        module("Demo", ["Sockets", "Management", "NetBasics"]),
        module(
            "Doctor",
            [
                "CLinux", "Diagnosis", "Management", "NetBasics", "Rendezvous", "Sealing",
                "Sockets", "Wire",
            ]),
        module(
            "Bench",
            [
                "Capture", "CPcap", "Inspection", "PacketFormats",
                "CCrypto", "CLinux", "CSodium", "DataPath", "Media", "Sockets", "Links",
                "Forwarding", "Sealing", "Wire", "Management", "NetBasics",
            ]),
        module(
            "Simulation",
            [
                "Drawing", "Overlay", "Forwarding", "Rendezvous", "Wire", "Sealing", "Management",
                "NetBasics",
            ]),
        // program
        .executableTarget(
            name: "polycast",
            dependencies: [
                "Analysis", "Bench", "Capture", "Inspection", "Daemon", "Demo", "Doctor",
                "Simulation", "Management", "Media", "Wire", "Sockets", "NetBasics",
            ],
            swiftSettings: swiftSettings),
        // tests
        tests("NetBasicsTests", ["NetBasics"]),
        tests("WireTests", ["Wire", "NetBasics"]),
        .target(
            name: "TestSupport", dependencies: ["PacketFormats", "NetBasics"],
            path: "Tests/TestSupport", swiftSettings: swiftSettings),
        tests("PacketFormatsTests", ["PacketFormats", "NetBasics", "TestSupport"]),
        tests(
            "InspectionTests",
            ["Inspection", "PacketFormats", "Wire", "NetBasics", "TestSupport"]),
        tests(
            "AnalysisTests",
            ["Analysis", "Inspection", "Management", "PacketFormats", "NetBasics", "TestSupport"]),
        tests("SealingTests", ["Sealing", "NetBasics"]),
        tests("ManagementTests", ["Management", "NetBasics"]),
        tests("OverlayTests", ["Overlay", "Forwarding", "Wire", "NetBasics"]),
        tests("LinksTests", ["CLinux", "Links", "Forwarding", "Sealing", "Wire", "NetBasics"]),
        tests("ParityTests", ["Parity", "Forwarding", "Wire", "NetBasics"]),
        tests("ForwardingTests", ["Forwarding", "Wire", "NetBasics"]),
        tests("RendezvousTests", ["Rendezvous", "Sealing", "Wire", "NetBasics"]),
        tests("CaptureTests", ["Capture", "PacketFormats", "NetBasics", "polycast"]),
        tests("SocketsTests", ["Sockets", "NetBasics"]),
        tests("MediaTests", ["Media", "Sockets", "PacketFormats", "Wire", "NetBasics"]),
        tests(
            "DataPathTests",
            [
                "DataPath", "Media", "Sockets", "Overlay", "Forwarding", "Sealing", "Wire",
                "NetBasics",
            ]),
        tests(
            "DaemonTests",
            [
                "polycast", "Links", "Management", "Sealing", "Sockets", "Wire", "NetBasics",
                "TestSupport",
            ]),
        tests(
            "CommandLineTests",
            [
                "polycast", "Analysis", "Bench", "Capture", "Inspection", "Simulation",
                "Management", "NetBasics",
            ]),
        tests("DiagnosisTests", ["Diagnosis", "NetBasics"]),
        tests("DoctorTests", ["Diagnosis", "Doctor", "Management", "NetBasics", "polycast"]),
        tests("DemoTests", ["Demo", "Management", "NetBasics", "polycast"]),
        tests(
            "SimulationTests",
            [
                "Drawing", "Simulation", "Overlay", "Forwarding", "Rendezvous", "Wire",
                "Management", "NetBasics",
            ]),
        tests("LabTests", ["Management", "NetBasics", "TestSupport"]),
        tests("ProjectRulesTests", []),
    ],
    swiftLanguageModes: [.v6]
)

if isFuzzed {
    // The samples are sources of a test target otherwise, and a file belongs to one target.
    package.targets.removeAll { $0.type == .test || $0.name == "TestSupport" }
    package.targets += [
        .target(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer"),
        .executableTarget(
            name: "polycast-fuzz",
            dependencies: [
                "Analysis", "CFuzzer", "Diagnosis", "Inspection", "Links", "Management", "Media",
                "NetBasics", "Overlay",
                "PacketFormats", "Parity", "Rendezvous", "Sealing", "Simulation", "Wire",
            ],
            path: "Tests",
            sources: [
                "Fuzz/Driver", "WireTests/Samples.swift", "WireTests/Samples+Rate.swift",
                "CaptureTests/CaptureFiles.swift", "TestSupport/ProtocolSamples.swift",
                "PacketFormatsTests/SessionDescriptionSamples.swift",
            ],
            swiftSettings: swiftSettings,
            linkerSettings: [.unsafeFlags(fuzzing + ["-use-ld=lld"])]),
    ]
}
