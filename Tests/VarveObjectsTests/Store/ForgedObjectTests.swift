import Testing
import Varve
import VarveFormat
import VarveObjects
import VarveSimulation
import VarveTestSupport

/// Objects of a bucket that no store put there as they are.
@Suite struct ForgedObjectTests {
  /// It names no version of this store: what was kept under its name is not known any more.
  @Test(arguments: [false, true]) func aPinOfAnotherStoreIsDamage(isNameless: Bool) throws {
    let machine = TieredStore()
    let store = try machine.open()
    try store.keyspace("sample").put("key", [1])
    try store.upload()
    try store.makeCheckpoint("one")
    let name = try #require(BucketLayout.pin("one"))
    let bytes = try #require(machine.bucket.bytes(of: name))
    var pin = try bytes.withByteView { try BucketPin(decoding: $0) }
    pin.storeID.low ^= 1
    machine.bucket.tamper(name, with: pin.encoded())
    if isNameless { try machine.bucket.connect().remove([BucketLayout.store]) }
    #expect(try storeCode { try store.collectBucket(grace: 0) } == .corrupted)
    let version = BucketVersion.Name.checkpoint("one")
    let code = try storeCode { _ = try machine.openElsewhere(version: version) }
    #expect(code == (isNameless ? .notFound : .corrupted))
    try store.close()
  }

  /// The logs behind it would have numbers that no file can have.
  @Test func aManifestThatLeavesNoNumbersIsRefused() throws {
    let machine = TieredStore()
    var options = machine.connected()
    options.bucket?.logInterval = 1
    let store = try machine.open(options)
    try store.keyspace("sample").put("key", [1])
    try store.upload()
    let number = try #require(store.bucketStatus().version)
    try store.keyspace("sample").put("in a log", [2], durability: .remote)
    let name = BucketLayout.manifest(number)
    let bytes = try #require(machine.bucket.bytes(of: name))
    var manifest = try bytes.withByteView { try BucketManifest(decoding: $0, named: number) }
    manifest.version.nextFileNumber = Limits.fileNumber
    machine.bucket.tamper(name, with: manifest.encoded())
    let code = try storeCode { _ = try machine.openElsewhere() }
    #expect(code == .invalid)
    try? store.close()
  }

  /// Names that somebody made.
  @Test(arguments: [
    "log/00072057594037927936", "manifest/00072057594037927936",
    "file/aa/0000000000000001-00ffffffffffffff-aabbccddeeff0011.segment", "file/x-ffffffffffffff-y",
  ])
  func namesThatSomebodyMadeMakeNoNumbers(_ text: String) throws {
    let machine = TieredStore()
    var sample = Sample(seed: 3)
    let store = try machine.open()
    try sample.write(150, to: store)
    try store.upload()
    let number = try #require(store.bucketStatus().version)
    try store.close()
    _ = try machine.bucket.connect().put(
      try #require(ObjectName(text)), ObjectContent([1]), if: .always, class: nil)
    let before = machine.bucket.names
    var restored: SegmentStore?
    let code = try storeCode { restored = try machine.openElsewhere(version: .number(number)) }
    let added = machine.bucket.names.filter { !before.contains($0) }
    if let restored {
      let wrote = try storeCode {
        try sample.write(100, to: restored)
        try restored.upload()
      }
      #expect(wrote == nil, "\(wrote as Any)")
      try? restored.close()
    }
    for name in added where name.description.hasPrefix("manifest/") {
      let bytes = try #require(machine.bucket.bytes(of: name))
      let last = try #require(UInt64(name.description.dropFirst(9)))
      do {
        _ = try bytes.withByteView { view throws(FormatError) in
          try BucketManifest(decoding: view, named: last)
        }
      } catch { Issue.record("\(code as Any): \(name) was put and cannot be read: \(error)") }
    }
  }
}
