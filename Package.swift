// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .strictMemorySafety(),
  .enableExperimentalFeature("Lifetimes"),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

func module(_ name: String, _ dependencies: [Target.Dependency], path: String? = nil) -> Target {
  .target(name: name, dependencies: dependencies, path: path, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
  .testTarget(
    name: name, dependencies: dependencies + ["VarveTestSupport"], exclude: exclude,
    swiftSettings: settings)
}

// A target may depend only on targets above it; Tests/VarveTests/TidyTests.swift holds the imports
// to the same order.
let package = Package(
  name: "varve",
  platforms: [.macOS("26.0")],
  products: [
    .library(name: "Varve", targets: ["Varve"]),
    .library(name: "VarveS3", targets: ["VarveS3"]),
    .executable(name: "varve", targets: ["VarveCLI"]),
  ],
  targets: [
    .target(name: "CVarveShims"),
    .target(name: "CVarveCurl"),
    .systemLibrary(
      name: "CVarveLZ4", pkgConfig: "liblz4",
      providers: [.apt(["liblz4-dev"]), .brew(["lz4"])]),
    .systemLibrary(
      name: "CVarveZstd", pkgConfig: "libzstd",
      providers: [.apt(["libzstd-dev"]), .brew(["zstd"])]),
    module("VarveFormat", ["CVarveShims"]),
    module("VarvePlatform", ["CVarveShims", "VarveFormat"]),
    module("VarveObjects", ["VarvePlatform", "VarveFormat"]),
    module(
      "VarveS3", ["VarveObjects", "VarvePlatform", "VarveFormat", "CVarveShims", "CVarveCurl"]),
    module("VarveSimulation", ["VarveObjects", "VarvePlatform", "VarveFormat"]),
    module(
      "Varve",
      [
        "VarveObjects", "VarvePlatform", "VarveFormat", "CVarveShims", "CVarveLZ4", "CVarveZstd",
      ]),
    .executableTarget(
      name: "VarveCLI",
      dependencies: ["Varve", "VarveS3", "VarveFormat", "VarvePlatform", "CVarveShims"],
      swiftSettings: settings),
    module(
      "VarveTestSupport",
      [
        "Varve", "VarveSimulation", "VarveObjects", "VarvePlatform", "VarveFormat", "CVarveShims",
      ],
      path: "Tests/VarveTestSupport"),
    .target(name: "CVarveAllocations", path: "Tests/CVarveAllocations"),
    .executableTarget(
      name: "VarveSoak",
      dependencies: [
        "VarveTestSupport", "Varve", "VarveSimulation", "VarveObjects", "VarvePlatform",
        "VarveFormat", "CVarveAllocations",
      ],
      path: "Tests/VarveSoak", swiftSettings: settings),
    tests("VarveFormatTests", ["VarveFormat", "CVarveShims"]),
    tests(
      "VarvePlatformTests", ["VarvePlatform", "VarveSimulation", "VarveFormat", "CVarveShims"]),
    tests(
      "VarveObjectsTests",
      ["Varve", "VarveObjects", "VarveSimulation", "VarvePlatform", "VarveFormat"]),
    tests(
      "VarveS3Tests",
      [
        "VarveS3", "Varve", "VarveObjects", "VarvePlatform", "VarveFormat", "CVarveShims",
        "CVarveCurl",
      ]),
    tests(
      "VarveTests",
      [
        "Varve", "VarveSimulation", "VarveObjects", "VarvePlatform", "VarveFormat", "CVarveLZ4",
        "CVarveZstd",
      ],
      exclude: ["Behaviour/README.md"]),
    tests(
      "VarveSoakTests", ["VarveSoak", "Varve", "VarveSimulation", "VarvePlatform"]),
    // A sample of what libFuzzer does with them: the targets of Fuzz, without libFuzzer.
    .testTarget(
      name: "VarveFuzzTests",
      dependencies: [
        "VarveCLI", "VarveS3", "VarveTestSupport", "Varve", "VarveSimulation", "VarveObjects",
        "VarvePlatform", "VarveFormat", "CVarveLZ4", "CVarveZstd",
      ],
      path: "Fuzz",
      exclude: ["README.md", "CFuzzer", "Corpus", "Regressions", "VarveFuzz/LibFuzzer"],
      swiftSettings: settings),
    tests("VarveCLITests", ["VarveCLI", "Varve", "VarvePlatform", "VarveFormat"]),
  ],
  swiftLanguageModes: [.v6]
)

// tools/test: the engine is optimised with its assertions left in, so that sanitizers take less than half
// of the time. For the release configuration; what is not worth the optimiser's time goes without.
if Context.environment["VARVE_ASSERTED"] != nil {
  let plain = ["VarveCLI", "VarveS3", "VarveSoak"]
  for target in package.targets where target.name.hasPrefix("Varve") {
    let flags =
      target.isTest || plain.contains(target.name)
      ? ["-Onone"] : ["-assert-config", "Debug", "-num-threads", "2"]
    target.swiftSettings = settings + [.unsafeFlags(flags)]
  }
}

// Builds only these test targets, separated by commas: where a build of all takes too long, as for the
// thread sanitizer, which few tests are made for. Best with a --scratch-path of its own.
if let kept = Context.environment["VARVE_TESTS"]?.split(separator: ",").map(String.init) {
  package.targets.removeAll { $0.isTest && !kept.contains($0.name) || $0.name == "VarveSoak" }
  if Set(kept).isDisjoint(with: ["VarveCLITests", "VarveFuzzTests", "VarveS3Tests"]) {
    package.products.removeAll { ["varve", "VarveS3"].contains($0.name) }
    package.targets.removeAll { ["VarveCLI", "VarveS3", "CVarveCurl"].contains($0.name) }
  }
}

// tools/bench/run: measures parts that users do not see.
if Context.environment["VARVE_BENCH"] != nil {
  package.products.append(.executable(name: "bench", targets: ["VarveBench"]))
  package.targets.append(
    .executableTarget(
      name: "VarveBench", dependencies: ["Varve", "VarveFormat", "VarvePlatform"],
      path: "tools/bench/Sources", swiftSettings: settings))
}

// tools/fuzz: everything is built for libFuzzer, and the tool as a module that can be imported.
if Context.environment["VARVE_FUZZ"] != nil {
  package.products.removeAll { $0.name == "varve" }
  package.targets.removeAll { $0.name == "VarveCLI" || $0.isTest }
  package.targets += [
    .target(
      name: "VarveCLI",
      dependencies: ["Varve", "VarveS3", "VarveFormat", "VarvePlatform", "CVarveShims"],
      exclude: ["Main.swift"], swiftSettings: settings),
    .target(name: "CFuzzer", path: "Fuzz/CFuzzer"),
    .executableTarget(
      name: "VarveFuzz",
      dependencies: [
        "CFuzzer", "VarveCLI", "VarveS3", "VarveTestSupport", "Varve", "VarveSimulation",
        "VarveObjects", "VarvePlatform", "VarveFormat",
      ],
      path: "Fuzz/VarveFuzz", swiftSettings: settings,
      // Gold cannot link what libFuzzer needs. See Fuzz/CFuzzer/checksums.c for the wrapping.
      linkerSettings: [.unsafeFlags(["-use-ld=lld", "-Xlinker", "--wrap=varve_crc32c"])]),
  ]
}
