import Varve
import VarveObjects
import VarvePlatform
import VarveSimulation

/// The bucket of a run, how the store is connected to it, and a replica that reads from it.
struct BucketSide {
  /// A store on a machine of its own that only reads the bucket.
  struct KeptReplica {
    var store: SegmentStore
    var clock: ModelClock
    var connection: SimulatedObjectStore
    var number: UInt64
    var model: StoreModel
    /// Whether files of the version that it shows may be gone.
    var isOld = false
    /// One that it keeps while it goes on to later versions.
    var snapshot: ReplicaSnapshot?
  }

  /// A snapshot of a replica, and what was there when it was taken.
  struct ReplicaSnapshot {
    var snapshot: Snapshot
    var keyspaces: [Keyspace?]
    var shown: [[StoreModel.Entry]?]
    /// For how many versions it is kept.
    var left: Int
    /// Whether files of its version may be gone.
    var isOld: Bool
  }

  var bucket = SimulatedBucket()
  var model: BucketModel
  /// That of the store; nil where it is opened without its bucket.
  var connection: SimulatedObjectStore?
  /// Whether the store is to be opened with its bucket.
  var isWanted = true
  var isDetached = false
  var takesOver = false
  /// Whether the bucket did not answer when the store was opened with it.
  var isApart = false
  /// Whether something that can be read may lie in the bucket only.
  var mayBeCold = false
  /// From which request on it does not answer, and how.
  var outage: (first: Int, kind: ModelOutage)?
  var replica: KeptReplica?
  /// The replica's, which keeps parts of files over its openings.
  var replicaDisk: SimulatedFileSystem
  /// Machines that the store was on, and looked at on.
  var machines: UInt64 = 0

  init(_ options: ModelOptions, _ model: StoreModel) {
    self.model = BucketModel(beside: model, isNew: true)
    replicaDisk = Self.disk(options, number: 1_000_000)
  }

  /// The disk of another machine.
  static func disk(_ options: ModelOptions, number: UInt64) -> SimulatedFileSystem {
    SimulatedFileSystem(
      seed: UInt64(options.seed) &+ number, logsAreReusable: options.logsAreReusable)
  }

  /// Whether the store can ask the bucket for everything.
  var isAnswering: Bool { connection != nil && outage == nil && !isApart }

  /// Whether the store's next request is not answered.
  var isSilent: Bool {
    guard let connection, let outage else { return false }
    return connection.callCount + 1 >= outage.first
  }

  /// Connects to it, as whoever opens the store does.
  func connect(_ bucket: SimulatedBucket? = nil) -> SimulatedObjectStore {
    let connection = (bucket ?? self.bucket).connect()
    if let outage, bucket == nil { Self.silence(connection, from: 1, outage.kind) }
    return connection
  }

  static func silence(_ connection: SimulatedObjectStore, from first: Int, _ kind: ModelOutage) {
    connection.setFaults { call, _, _ in call >= first ? kind.fault : nil }
  }

  mutating func begin(_ kind: ModelOutage, after requests: Int) {
    guard let connection, outage == nil else { return }
    let first = connection.callCount + requests + 1
    outage = (first, kind)
    Self.silence(connection, from: first, kind)
    replica.map { Self.silence($0.connection, from: 1, kind) }
  }

  mutating func detached() {
    (connection, isWanted, isDetached, isApart, mayBeCold) = (nil, false, true, false, false)
  }

  /// The store is on a machine that has none of its files.
  mutating func moved() {
    (isWanted, isDetached, isApart, mayBeCold) = (true, false, false, true)
  }

  mutating func endOutage() {
    outage = nil
    for connection in [connection, replica?.connection] { connection?.setFaults { _, _, _ in nil } }
    while bucket.hasLateRequests { bucket.deliverLateRequest() }
  }
}

extension ModelOutage {
  var fault: ObjectFault {
    switch self {
    case .refused: .refused
    case .answerLost: .answerLost
    case .requestLost: .requestLost
    case .late: .late
    }
  }
}

extension ModelOptions {
  /// The same with a bucket.
  func storeOptions(with objects: any ObjectStore, _ side: BucketSide) -> StoreOptions {
    var options = storeOptions
    var chosen = BucketOptions(objects)
    chosen.uploadInterval = nil
    chosen.collectInterval = nil
    chosen.refreshInterval = nil
    // A thread would put logs when its time has come, another one in each run.
    let hasLogs = bucket?.hasLogs == true && background != .threads
    chosen.logInterval = hasLogs ? 3_600 : nil
    chosen.diskCacheBytes = UInt64(bucket?.diskCacheBytes ?? 0)
    chosen.noteBytes = 10_000
    chosen.takesOver = side.takesOver
    chosen.opensWithoutBucket = side.outage != nil
    options.bucket = chosen
    return options
  }
}
