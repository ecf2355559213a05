// swift-tools-version: 6.2
import PackageDescription

func engine(_ name: String, pkgConfig: String? = nil, apt: String, brew: String) -> Target {
  .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([apt]), .brew([brew])])
}

// A package of its own, so that nobody who builds Varve needs the engines it is compared with. It
// sees of Varve what any user sees.
let package = Package(
  name: "peer-bench",
  platforms: [.macOS("26.0")],
  products: [.executable(name: "peer-bench", targets: ["PeerBench"])],
  dependencies: [.package(name: "varve", path: "../..")],
  targets: [
    engine("CRocksDB", apt: "librocksdb-dev", brew: "rocksdb"),
    engine("CLevelDB", apt: "libleveldb-dev", brew: "leveldb"),
    engine("CLMDB", pkgConfig: "lmdb", apt: "liblmdb-dev", brew: "lmdb"),
    engine("CSQLite", pkgConfig: "sqlite3", apt: "libsqlite3-dev", brew: "sqlite"),
    .executableTarget(
      name: "PeerBench",
      dependencies: [
        "CRocksDB", "CLevelDB", "CLMDB", "CSQLite", .product(name: "Varve", package: "varve"),
      ]),
    .testTarget(name: "PeerBenchTests", dependencies: ["PeerBench"]),
  ],
  swiftLanguageModes: [.v6]
)
