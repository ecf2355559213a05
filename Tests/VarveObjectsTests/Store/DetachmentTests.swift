import Testing
import Varve
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// A store leaves its bucket, or goes to another one, after syncs that failed or were never made: what is seen on the
/// machine may not be durable, and nothing leads to the bucket any more.
@Suite struct DetachmentTests {
  private static let opening = CrashMachine.Opening()

  /// A machine whose files all lie in the bucket: two segments, which a compaction replaces by one.
  private static func small() throws -> (CrashMachine, Sample) {
    let machine = CrashMachine(SimulatedFileSystem(), bucket: SimulatedBucket())
    let store = try machine.open(opening)
    var sample = Sample(seed: 4)
    for round in 0..<2 as Range<UInt8> {
      for number in 0..<20 {
        sample.expected["key-\(number)"] = [round]
        try store.keyspace("sample").put("key-\(number)", [round], durability: .buffered)
      }
      try store.flush()
    }
    try store.upload()
    try store.evict()
    try store.close()
    return (machine, sample)
  }

  /// The same with values in a file of their own.
  private static func cold() throws -> (CrashMachine, Sample) {
    let machine = CrashMachine(SimulatedFileSystem(), bucket: SimulatedBucket())
    let store = try machine.open(opening)
    var sample = Sample(seed: 4)
    try sample.write(150, to: store)
    try store.upload()
    try store.evict()
    try store.close()
    #expect(machine.disk.sealedFiles.isEmpty)
    return (machine, sample)
  }

  private static func detach(_ disk: SimulatedFileSystem) throws -> StoreError.Code? {
    try storeCode { try SegmentStore.detachBucket(ofStoreAt: "store", on: disk) }
  }

  /// What a power cut costs now; nil where it costs nothing.
  private static func loss(_ machine: CrashMachine, _ sample: Sample) -> String? {
    for mode in CrashMode.allCases {
      let image = machine.crashImage(mode, seed: 2)
      let isTied = image.disk.contents().keys.contains { $0.hasSuffix("/bucket") }
      do {
        let store = try (isTied ? image : CrashMachine(image.disk)).open(opening)
        let difference = try sample.difference(from: store)
        try store.close()
        if let difference { return "\(mode): \(difference)" }
      } catch { return "\(mode): \(error)" }
    }
    return nil
  }

  /// Power cuts at each call of the detachment, and behind it when more was written. False where files are cold.
  private static func detachAndJudge(
    _ machine: CrashMachine, _ sample: Sample, _ what: String
  ) throws -> Bool {
    let failures = Monitor<[String]>([])
    machine.disk.observeSteps { step in
      guard failures.withLock({ $0.isEmpty }), let loss = loss(machine, sample) else { return }
      failures.withLock { $0.append("before \(step), \(loss)") }
    }
    let code = try detach(machine.disk)
    machine.disk.observeSteps(nil)
    if let failure = failures.withLock({ $0.first }) { Issue.record("\(what), \(failure)") }
    #expect(code == nil || code == .invalid, "\(what)")
    guard code == nil else { return false }
    if let loss = loss(machine, sample) { Issue.record("\(what), detached, \(loss)") }
    let store = try CrashMachine(machine.disk).open(opening)
    var more = sample
    try store.keyspace("sample").put("after", [1])
    more.expected["after"] = [1]
    if let loss = loss(machine, more) { Issue.record("\(what), written to, \(loss)") }
    try store.close()
    return true
  }

  /// Files come back, and the sync behind one of them fails: once, or all that could be done about it with it.
  @Test(arguments: [false, true]) func aFileWhoseNameWasLostIsMadeAnew(nothingWorks: Bool) throws {
    var failed = 0
    for occurrence in 1..<6 {
      var (machine, sample) = try Self.cold()
      machine = machine.killImage(seed: UInt64(occurrence))
      var store = try machine.open(Self.opening)
      machine.disk.inject(
        Fault(
          .syncDirectory, "store", occurrence: occurrence, lasts: nothingWorks ? .forGood : .once))
      if nothingWorks { machine.disk.inject(Fault(.remove, lasts: .forGood)) }
      if try storeCode({ try store.prefetch() }) != nil { failed += 1 }
      try? store.close()
      machine.disk.clearFaults()
      store = try machine.open(Self.opening)
      try store.prefetch()
      // What returned is here for good.
      let image = machine.crashImage(.durableOnly).disk
      #expect(image.sealedFiles.count == machine.disk.sealedFiles.count, "sync \(occurrence)")
      try store.close()
      #expect(try Self.detachAndJudge(machine, sample, "sync \(occurrence)"))
    }
    #expect(failed > 1)
  }

  /// Files come back until a sync fails, and all that could be done about it with it.
  private static func prefetchOnDyingDisk(_ machine: CrashMachine, _ occurrence: Int) {
    let store = try? machine.open(opening)
    machine.disk.inject(Fault(.syncDirectory, "store", occurrence: occurrence, lasts: .forGood))
    machine.disk.inject(Fault(.remove, lasts: .forGood))
    _ = try? store?.prefetch()
    try? store?.close()
    machine.disk.clearFaults()
  }

  /// The same without another look at the bucket.
  @Test func aFileWhoseNameWasLostIsMadeAnewWithoutTheBucket() throws {
    var detached = 0
    for occurrence in 1..<6 {
      var (machine, sample) = try Self.cold()
      machine = machine.killImage(seed: UInt64(occurrence))
      Self.prefetchOnDyingDisk(machine, occurrence)
      if try Self.detachAndJudge(machine, sample, "sync \(occurrence)") { detached += 1 }
    }
    #expect(detached > 0)
  }

  /// The manifest that names files of this machine is seen; the one before it names cold ones.
  @Test func aManifestThatMayNotLastIsMadeAnew() throws {
    var detached = 0
    for occurrence in 1..<6 {
      var (machine, sample) = try Self.small()
      machine = machine.killImage(seed: UInt64(occurrence))
      let store = try machine.open(Self.opening)
      machine.disk.inject(Fault(.syncDirectory, "store", occurrence: occurrence))
      _ = try? store.compact()
      try? store.close()
      machine.disk.clearFaults()
      if try Self.detachAndJudge(machine, sample, "sync \(occurrence)") { detached += 1 }
    }
    #expect(detached > 1)
  }

  /// The process ends at each call of a compaction of what is cold.
  @Test func whatAProcessLeftIsDurableBeforeTheBucketGoes() throws {
    let (machine, sample) = try Self.small()
    var detached = 0
    for step in 1... {
      let image = machine.killImage()
      image.disk.crash(atStep: image.disk.steps + step)
      let store = try? image.open(Self.opening)
      _ = try? store?.compact()
      try? store?.close()
      guard image.disk.hasCrashed else { break }
      if try Self.detachAndJudge(image.killImage(), sample, "step \(step)") { detached += 1 }
    }
    #expect(detached > 3)
  }

  /// A copy of the bucket of an earlier moment, which is taken over, does not have what came back from the bucket;
  /// nor does one without files, whatever its manifest says.
  @Test(arguments: [false, true])
  func aFileWhoseNameWasLostIsMadeAnewForAnotherBucket(namesAll: Bool) throws {
    var went = 0
    for occurrence in 1..<6 {
      var machine = CrashMachine(SimulatedFileSystem(), bucket: SimulatedBucket())
      var store = try machine.open(Self.opening)
      var sample = Sample(seed: 4)
      try store.upload()
      var other = try #require(machine.bucket?.copy())
      try sample.write(150, to: store)
      try store.upload()
      if namesAll {
        other = try #require(machine.bucket?.copy())
        for name in other.names where name.description.hasPrefix("file/") {
          other.tamper(name, with: nil)
        }
      }
      try store.evict()
      try store.close()
      machine = machine.killImage(seed: UInt64(occurrence))
      Self.prefetchOnDyingDisk(machine, occurrence)
      // As far as it is seen nothing is cold any more.
      let again = try machine.open(Self.opening)
      let isWhole = try again.bucketStatus().cold.files == 0
      try again.close()
      guard isWhole else { continue }
      went += 1
      store = try Self.open(machine.disk, other, seed: 100)
      let image = machine.crashImage(.durableOnly).disk
      try store.close()
      store = try Self.open(image, other, seed: 200)
      #expect(try sample.difference(from: store) == nil, "sync \(occurrence)")
      try store.close()
    }
    #expect(went > 1)
  }

  private static func open(
    _ disk: SimulatedFileSystem, _ bucket: SimulatedBucket, seed: UInt64
  ) throws -> SegmentStore {
    var options = StoreOptions.small
    options.bucket = BucketOptions(PassingObjectStore(bucket.connect(), at: "another place"))
    options.bucket?.uploadInterval = nil
    options.bucket?.takesOver = true
    return try SegmentStore.open(
      at: "store", options: options,
      components: StoreComponents(
        fileSystem: disk, clock: SimulatedClock(), random: SimulatedRandom(seed: seed),
        background: .inline))
  }

  /// A restored manifest without files, behind whose name a sync failed: the note that it is being restored is all that
  /// tells.
  @Test func aStoreThatIsBeingRestoredKeepsItsBucket() throws {
    let source = CrashMachine(SimulatedFileSystem(), bucket: SimulatedBucket())
    // Not the first manifest, which is made again as it has none before it.
    for _ in 0..<2 { try source.open(Self.opening).close() }
    let store = try source.open(Self.opening)
    try store.upload()
    try store.keyspace("default").put("key", [1], durability: .remote)
    try store.close()
    var refused = 0
    for (occurrence, seed) in (1..<6).flatMap({ call in (0..<6).map { (call, UInt64($0)) } }) {
      let machine = source.elsewhere().killImage(seed: seed)
      machine.disk.inject(Fault(.syncDirectory, "store", occurrence: occurrence, lasts: .forGood))
      try? machine.restore(Self.opening).close()
      guard machine.disk.struck != nil else { continue }
      machine.disk.clearFaults()
      let code = try Self.detach(machine.disk)
      if code == .notFound { refused += 1 }
      guard code == nil else { continue }
      let alone = try CrashMachine(machine.disk.crashImage(.durableOnly)).open(Self.opening)
      #expect(try alone.keyspace("default").contains("key"), "sync \(occurrence)")
      try alone.close()
    }
    #expect(refused > 0)
  }

  /// The bucket is seen to be gone, and comes back: what was written since is there.
  @Test func aDetachmentThatFailedCostsNothing() throws {
    for seed in 0..<4 as Range<UInt64> {
      var (machine, sample) = try Self.small()
      machine = machine.killImage(seed: seed)
      var store = try machine.open(Self.opening)
      try store.prefetch()
      try store.close()
      machine.disk.inject(Fault(.syncDirectory, "store", occurrence: 2, lasts: .forGood))
      #expect(try Self.detach(machine.disk) == .inputOutput)
      #expect(!machine.disk.contents().keys.contains { $0.hasSuffix("/bucket") })
      machine.disk.clearFaults()
      store = try CrashMachine(machine.disk).open(Self.opening)
      try store.keyspace("sample").put("after", [1])
      sample.expected["after"] = [1]
      #expect(Self.loss(machine, sample) == nil)
      try store.close()
    }
  }
}
