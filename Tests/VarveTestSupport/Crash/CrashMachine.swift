package import Varve
import VarveObjects
import VarvePlatform
package import VarveSimulation

/// A machine that power is cut from: its disk, and the bucket of its store, where that has one.
///
/// ```
///   machine ──crash──> another with what a power cut leaves of the disk, and the bucket as it was
/// ```
package struct CrashMachine: Sendable {
  package let disk: SimulatedFileSystem
  package let bucket: SimulatedBucket?
  /// Counts openings: each draws other numbers, as each would, or a bucket could not tell them apart.
  private let openings: Monitor<UInt64>

  package init(_ disk: SimulatedFileSystem, bucket: SimulatedBucket? = nil) {
    self.init(disk, bucket, openings: 0)
  }

  private init(_ disk: SimulatedFileSystem, _ bucket: SimulatedBucket?, openings: UInt64) {
    self.disk = disk
    self.bucket = bucket
    self.openings = Monitor(openings)
  }

  /// What a power cut may leave.
  package func crashImage(_ mode: CrashMode, seed: UInt64 = 0) -> CrashMachine {
    with(disk.crashImage(mode, seed: seed))
  }

  /// What the end of the process leaves.
  package func killImage(seed: UInt64 = 0) -> CrashMachine { with(disk.killImage(seed: seed)) }

  /// Another machine that has nothing, beside a bucket like this one's.
  package func elsewhere() -> CrashMachine { with(SimulatedFileSystem()) }

  /// Another machine that has nothing, beside the same bucket.
  package func neighbour() -> CrashMachine {
    // Far from ours: of two with one bucket each draws other numbers.
    CrashMachine(
      SimulatedFileSystem(), bucket, openings: openings.withLock { $0 } + 1_000_000)
  }

  private func with(_ disk: SimulatedFileSystem) -> CrashMachine {
    CrashMachine(disk, bucket?.copy(), openings: openings.withLock { $0 })
  }
}

extension CrashMachine {
  /// How a workload opens its store.
  package struct Opening: Sendable {
    package var options = StoreOptions.small
    /// From which the store and its files get their identities.
    package var identity: UInt64 = 7
    /// Whether the bucket answers.
    package var hasBucket = true
    /// Whether the store opens where the bucket does not answer; it does where it is known not to.
    package var opensWithoutBucket = false
    /// Whether the store opens though another machine wrote to the bucket last.
    package var takesOver = false
    /// Whether what is written may go into the bucket's logs.
    package var putsLogs = true
    /// What goes wrong in the bucket: asked with the number of the call, its kind, and its object.
    package var objectFaults: (@Sendable (Int, ObjectCall.Kind, String) -> ObjectFault?)?
    package var background = StoreComponents.Background.inline
    /// Whether time passes between two looks at the clock: then a log is not full within no time, so that the
    /// next one is as small and logs are changed often.
    package var timePasses: Bool { identity % 5 > 1 }

    package init() {}
  }

  /// Opens the store of this machine.
  package func open(_ opening: Opening) throws -> SegmentStore {
    try SegmentStore.open(
      at: "store", options: options(opening), components: components(opening))
  }

  /// Opens the store, or a version of it, from its bucket.
  package func restore(
    _ opening: Opening, version: BucketVersion.Name = .newest
  ) throws -> SegmentStore {
    try SegmentStore.open(
      fromBucketTo: "store", options: options(opening), version: version,
      components: components(opening))
  }

  /// Opens a replica of the store that is in the bucket.
  package func openReplica(_ opening: Opening) throws -> SegmentStore {
    try SegmentStore.open(
      replicaAt: "store", options: options(opening), components: components(opening))
  }

  /// Connects to its bucket as an opening does; nil where it has none.
  package func connect(_ opening: Opening = Opening()) -> SimulatedObjectStore? {
    let connection = bucket?.connect()
    if let faults = opening.objectFaults { connection?.setFaults(faults) }
    if !opening.hasBucket { connection?.setFaults { _, _, _ in .refused } }
    return connection
  }

  private func options(_ opening: Opening) -> StoreOptions {
    var options = opening.options
    guard let connection = connect(opening) else { return options }
    var bucket = BucketOptions(connection)
    bucket.uploadInterval = nil
    bucket.collectInterval = nil
    // Logs are put when somebody asks for it; nobody waits for the interval here.
    bucket.logInterval = opening.putsLogs ? 3_600 : nil
    bucket.takesOver = opening.takesOver
    bucket.opensWithoutBucket = opening.opensWithoutBucket || !opening.hasBucket
    // Small files are many: each upload notes what it has put so far.
    bucket.noteBytes = 10_000
    options.bucket = bucket
    return options
  }

  private func components(_ opening: Opening) -> StoreComponents {
    let number = openings.withLock { count in
      defer { count += 1 }
      return count
    }
    let identity = opening.identity
    let clock = SimulatedClock(nanosecondsOfALook: opening.timePasses ? 60_000_000_000 : 0)
    return StoreComponents(
      fileSystem: disk, clock: clock,
      random: SimulatedRandom(seed: bucket == nil ? identity : identity &+ number &* 0x1_0001),
      background: opening.background)
  }
}
