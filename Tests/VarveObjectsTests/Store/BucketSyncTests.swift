import Testing
import Varve
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// A directory as the bucket, whose disk fails a sync, or whose user's process ends: names are seen that may never be
/// durable. Then the power of that disk is cut, and another machine opens the store.
@Suite struct BucketSyncTests {
  /// A machine, and another with the bucket's directory.
  private struct Machines {
    var disk = SimulatedFileSystem()
    var remote = SimulatedFileSystem()
    private let openings = Monitor<UInt64>(0)

    private func components(_ disk: SimulatedFileSystem) -> StoreComponents {
      let seed = openings.withLock { count in
        count += 1
        return count
      }
      return StoreComponents(
        fileSystem: disk, clock: SimulatedClock(), random: SimulatedRandom(seed: seed),
        background: .inline)
    }

    private func options(
      _ remote: SimulatedFileSystem,
      beforePut: @escaping @Sendable (ObjectName) -> Void = { _ in }
    ) throws -> StoreOptions {
      var options = StoreOptions.small
      let random = SimulatedRandom(seed: openings.withLock { $0 } + 1_000)
      options.bucket = BucketOptions(
        PassingObjectStore(
          try DirectoryObjectStore(path: "/bucket", fileSystem: remote, random: random),
          beforePut: beforePut))
      options.bucket?.uploadInterval = nil
      options.bucket?.logInterval = 3_600
      return options
    }

    func open() throws -> SegmentStore {
      try SegmentStore.open(at: "/store", options: options(remote), components: components(disk))
    }

    /// What another machine finds after a power cut of the bucket's.
    func elsewhere(
      _ mode: CrashMode, version: BucketVersion.Name = .newest
    ) throws -> SegmentStore {
      try SegmentStore.open(
        fromBucketTo: "/store", options: options(remote.crashImage(mode, seed: 3)),
        version: version, components: components(SimulatedFileSystem()))
    }

    /// Another machine takes over.
    func takeOver(beforePut: @escaping @Sendable (ObjectName) -> Void) throws -> SegmentStore {
      try SegmentStore.open(
        fromBucketTo: "/store", options: options(remote, beforePut: beforePut),
        components: components(SimulatedFileSystem()))
    }

    func killImage() -> Machines {
      var image = self
      (image.disk, image.remote) = (disk.killImage(), remote.killImage())
      return image
    }
  }

  private enum Act: String, CaseIterable { case upload, log, another, checkpoint, last, end }

  /// What each act acknowledges is in the bucket.
  private static func perform(_ act: Act, _ store: SegmentStore) throws {
    let keyspace = try store.keyspace("sample")
    switch act {
    case .upload, .end:
      // Two files each.
      try keyspace.put(act.rawValue, Array(act.rawValue.utf8) + [UInt8](repeating: 1, count: 9_000))
      try store.upload()
    case .log, .another, .last: try keyspace.put(act.rawValue, [1], durability: .remote)
    case .checkpoint:
      // What a call left that failed is no checkpoint, and takes the name.
      try? store.removeCheckpoint("kept")
      try store.makeCheckpoint("kept")
    }
  }

  /// What a power cut now costs of `acts`, which were acknowledged; nil where it costs nothing.
  private static func loss(
    _ machines: Machines, _ acts: [Act],
    _ modes: [CrashMode] = [.durableOnly, .unlinkWithoutRename, .prefix]
  ) -> String? {
    for mode in modes {
      do {
        let store = try machines.elsewhere(mode)
        let keyspace = try store.keyspace("sample")
        let lost = try acts.filter { try $0 != .checkpoint && !keyspace.contains($0.rawValue) }
        try store.close()
        if !lost.isEmpty { return "\(mode): gone is what was put by \(lost.map(\.rawValue))" }
        guard acts.contains(.checkpoint) else { continue }
        try machines.elsewhere(mode, version: .checkpoint("kept")).close()
      } catch { return "\(mode), after \(acts.map(\.rawValue)): \(error)" }
    }
    return nil
  }

  /// Each sync of each directory of the bucket fails, once, or until somebody tries again.
  @Test(arguments: ["bucket", "manifest", "log", "pin"], [Fault.Duration.once, .forGood])
  func whatReturnedIsDurable(_ directory: String, _ duration: Fault.Duration) throws {
    var struck = 0
    for occurrence in 1..<30 {
      var isStruck = false
      for seed in 0..<2 as Range<UInt64> {
        var machines = Machines()
        machines.remote = SimulatedFileSystem(seed: seed)
        _ = try machines.remote.openDirectory(at: "/bucket", create: true)
        machines.remote.inject(
          Fault(.syncDirectory, directory, occurrence: occurrence, lasts: duration))
        Self.run(machines, "sync \(occurrence) of \(directory), seed \(seed)")
        isStruck = isStruck || machines.remote.struck != nil
      }
      if isStruck { struck += 1 } else { break }
    }
    #expect(struck > 0)
  }

  private static func run(_ machines: Machines, _ place: String) {
    var acts: [Act] = []
    do {
      let store = try again(machines) { try machines.open() }
      for act in Act.allCases {
        try again(machines) { try perform(act, store) }
        acts.append(act)
        if let loss = loss(machines, acts) { Issue.record("\(place), \(loss)") }
      }
      try store.close()
    } catch { Issue.record("\(place): \(error)") }
  }

  /// Tries once more where it failed, on a disk that is good again.
  private static func again<Result>(
    _ machines: Machines, _ body: () throws -> Result
  ) throws -> Result {
    do { return try body() } catch {
      guard machines.remote.struck != nil else { throw error }
      machines.remote.clearFaults()
      return try body()
    }
  }

  /// A store whose bucket has a version and two logs behind it, and what was done for them.
  private static func withLogs(seed: UInt64) throws -> (Machines, SegmentStore, [Act]) {
    var machines = Machines()
    machines.remote = SimulatedFileSystem(seed: seed)
    let store = try machines.open()
    let acts: [Act] = [.upload, .log, .another]
    for act in acts { try perform(act, store) }
    return (machines, store, acts)
  }

  /// Its writer ended before it tried again, and the next one ends the logs behind it.
  @Test func aLogThatWasOnlySeenLeavesNoGap() throws {
    for seed in 0..<8 as Range<UInt64> {
      let (machines, store, acts) = try Self.withLogs(seed: seed)
      machines.remote.inject(Fault(.syncDirectory, "log", lasts: .forGood))
      #expect(throws: StoreError.self) { try Self.perform(.last, store) }
      machines.remote.clearFaults()
      let left = machines.killImage()
      let again = try left.open()
      if let loss = Self.loss(left, acts) { Issue.record("seed \(seed), \(loss)") }
      try again.close()
      try? store.close()
    }
  }

  /// The old writer puts one more while another machine ends the logs, and its sync fails for good.
  @Test func aLogThatComesWhileLogsAreEndedLeavesNoGap() throws {
    for seed in 0..<8 as Range<UInt64> {
      let (machines, store, acts) = try Self.withLogs(seed: seed)
      let (isLate, losses) = (Monitor(true), Monitor<[String]>([]))
      let again = try machines.takeOver { name in
        if let loss = Self.loss(machines, acts) { losses.withLock { $0.append(loss) } }
        guard name.description.hasPrefix("log/"), isLate.withLock({ $0 }) else { return }
        isLate.withLock { $0 = false }
        machines.remote.inject(Fault(.syncDirectory, "log", lasts: .forGood))
        #expect(throws: StoreError.self) { try Self.perform(.last, store) }
        machines.remote.clearFaults()
      }
      #expect(!isLate.withLock { $0 })
      if let loss = Self.loss(machines, acts) { losses.withLock { $0.append(loss) } }
      #expect(losses.withLock { $0 } == [], "seed \(seed)")
      try again.close()
      try? store.close()
    }
  }

  /// Each call to the bucket's disk is the last one of the process; the next one goes on from what it sees.
  @Test func whatAnotherProcessSeesIsDurableOnceItReturned() throws {
    for step in 1... {
      let machines = Machines()
      machines.remote.crash(atStep: step)
      let store = try? machines.open()
      for act in Act.allCases { _ = try? store.map { try Self.perform(act, $0) } }
      guard machines.remote.hasCrashed else {
        #expect(step > 90)
        return
      }
      let left = machines.killImage()
      let again = try left.open()
      try again.upload()
      let keyspace = try again.keyspace("sample")
      let acts = try Act.allCases.filter { try keyspace.contains($0.rawValue) }
      if let loss = Self.loss(left, acts, [.durableOnly]) {
        Issue.record("killed in step \(step), \(loss)")
      }
      try again.close()
    }
  }
}
