// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that nobody who builds Varve needs the engines it is compared with. It
// sees of Varve what any user sees.
let package = Package(
  name: "peer-bench",
  platforms: [.macOS("26.0")],
  products: [.executable(name: "peer-bench", targets: ["PeerBench"])],
  dependencies: [.package(name: "varve", path: "../..")],
  targets: [
    .systemLibrary(
      name: "CRocksDB", providers: [.apt(["librocksdb-dev"]), .brew(["rocksdb"])]),
    .systemLibrary(
      name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"]), .brew(["lmdb"])]),
    .executableTarget(
      name: "PeerBench",
      dependencies: ["CRocksDB", "CLMDB", .product(name: "Varve", package: "varve")]),
  ],
  swiftLanguageModes: [.v6]
)
