import Varve
import VarveObjects
import VarveSimulation
import VarveTestSupport

/// The machine on which a golden store is made: nothing about it depends on when or where it runs.
///
/// One thread, one seed for identities and salts, a clock that moves when it is told to.
struct GoldenMachine {
  /// Every dump shows what is there at this moment, 10 seconds after the machine began.
  static let nowMilliseconds: UInt64 = 1_700_000_010_000

  private(set) var disk = SimulatedFileSystem(seed: 1)
  private(set) var bucket = SimulatedBucket()
  let clock = SimulatedClock()
  var random = SeededRandom(seed: 1)
  private let identities = SimulatedRandom(seed: 1)

  /// Opens the store at `store`.
  func open() throws -> SegmentStore {
    try SegmentStore.open(
      at: "store", options: .small,
      components: StoreComponents(
        fileSystem: disk, clock: clock, random: identities, background: .inline))
  }

  /// Opens the same store beside its bucket.
  func openBesideBucket() throws -> SegmentStore {
    try SegmentStore.open(
      at: "store", options: Self.options(bucket, .readWrite, .mapped),
      components: StoreComponents(
        fileSystem: disk, clock: clock, random: identities, background: .inline))
  }

  /// Cuts the power: what goes on is the disk that is left.
  mutating func crash(_ mode: CrashMode) { disk = disk.crashImage(mode, seed: 1) }

  /// Ends the process: what goes on is the disk and the bucket as they are.
  mutating func kill() { (disk, bucket) = (disk.killImage(seed: 1), bucket.copy()) }

  /// The files of the store by name, the lock left out.
  var files: [String: [UInt8]] {
    Dictionary(
      uniqueKeysWithValues: disk.contents().compactMap { path, bytes in
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return name == "lock" ? nil : (name, bytes)
      })
  }

  /// Opens these files as a store of their own.
  static func open(
    _ files: [String: [UInt8]], _ access: StoreOptions.Access, _ readMode: StoreOptions.ReadMode
  ) throws -> (store: SegmentStore, disk: SimulatedFileSystem) {
    let disk = SimulatedFileSystem(seed: 2)
    _ = try disk.openDirectory(at: "store", create: true)
    for (name, bytes) in files { try disk.place(bytes, at: "store/\(name)") }
    var options = StoreOptions.small
    (options.access, options.readMode, options.createIfMissing) = (access, readMode, false)
    let store = try SegmentStore.open(
      at: "store", options: options,
      components: StoreComponents(
        fileSystem: disk, clock: SimulatedClock(wallMilliseconds: nowMilliseconds),
        random: SimulatedRandom(seed: 2), background: .inline))
    return (store, disk)
  }
}

// MARK: - With a bucket

extension GoldenMachine {
  /// What is in the bucket, by name.
  var objects: [String: [UInt8]] {
    Dictionary(
      uniqueKeysWithValues: bucket.names.map { ($0.description, bucket.bytes(of: $0) ?? []) })
  }

  /// Nothing is put, collected or let go but by an operation.
  private static func options(
    _ bucket: SimulatedBucket, _ access: StoreOptions.Access, _ readMode: StoreOptions.ReadMode
  ) -> StoreOptions {
    var options = StoreOptions.small
    (options.access, options.readMode) = (access, readMode)
    var beside = BucketOptions(bucket.connect())
    (beside.uploadInterval, beside.collectInterval, beside.logInterval) = (nil, nil, 3_600)
    options.bucket = beside
    return options
  }

  /// These objects in a bucket.
  static func bucket(of objects: [String: [UInt8]]) throws -> SimulatedBucket {
    let bucket = SimulatedBucket()
    for (name, bytes) in objects {
      guard let name = ObjectName(name) else { continue }
      _ = try bucket.connect().put(name, ObjectContent(bytes), if: .absent, class: nil)
    }
    bucket.forgetCalls()
    return bucket
  }

  /// Opens these files as a store of their own, beside a bucket.
  static func open(
    _ files: [String: [UInt8]], beside bucket: SimulatedBucket, _ access: StoreOptions.Access,
    _ readMode: StoreOptions.ReadMode
  ) throws -> (store: SegmentStore, disk: SimulatedFileSystem) {
    let disk = SimulatedFileSystem(seed: 2)
    _ = try disk.openDirectory(at: "store", create: true)
    for (name, bytes) in files { try disk.place(bytes, at: "store/\(name)") }
    let store = try SegmentStore.open(
      at: "store", options: options(bucket, access, readMode), components: later(disk, seed: 2))
    return (store, disk)
  }

  /// Opens the store of a bucket on a machine that has nothing.
  static func restore(
    from bucket: SimulatedBucket, _ version: BucketVersion.Name
  ) throws -> SegmentStore {
    try SegmentStore.open(
      fromBucketTo: "store", options: options(bucket, .readWrite, .mapped), version: version,
      components: later(SimulatedFileSystem(seed: 3), seed: 3))
  }

  private static func later(_ disk: SimulatedFileSystem, seed: UInt64) -> StoreComponents {
    StoreComponents(
      fileSystem: disk, clock: SimulatedClock(wallMilliseconds: nowMilliseconds),
      random: SimulatedRandom(seed: seed), background: .inline)
  }
}
