import Testing
import Varve
import VarveFormat
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// What comes changed from a bucket, once or for good.
@Suite struct ColdDamageTests {
  private static func coldStore(_ machine: TieredStore, seed: UInt64) throws -> Sample {
    var sample = Sample(seed: seed)
    let store = try machine.open()
    try sample.write(300, to: store)
    try store.upload()
    try store.evict()
    try store.close()
    return sample
  }

  /// Whatever request it is, the copy is asked for once more, and nobody sees anything of it.
  @Test func whatTheWayChangedOnceIsAskedForAgain() throws {
    for request in 1... {
      let machine = TieredStore()
      let sample = try Self.coldStore(machine, seed: 1)
      let way = ChangingObjectStore(machine.bucket.connect(), change: request...request)
      var options = machine.connected()
      options.bucket = BucketOptions(way)
      options.bucket?.uploadInterval = nil
      options.bucket?.diskCacheBytes = 0
      // Without what is kept of them, all of the files is asked for.
      let directory = try machine.disk.openDirectory(at: "/store", create: false)
      for name in try directory.names() where name.hasSuffix(".tail") {
        try directory.remove(name)
      }
      let store = try machine.open(options)
      #expect(try sample.difference(from: store) == nil, "request \(request)")
      try store.close()
      if way.changed == 0 { return #expect(request > 3) }
    }
  }

  /// A compaction leaves a damaged copy alone for a while, and not for ever.
  @Test func aCopyThatWasPutRightIsCompactedAgain() throws {
    let machine = TieredStore()
    var sample = try Self.coldStore(machine, seed: 2)
    let way = ChangingObjectStore(machine.bucket.connect(), change: 1...Int.max)
    way.isOver = true
    var options = machine.connected()
    options.bucket = BucketOptions(way)
    options.bucket?.uploadInterval = nil
    options.bucket?.diskCacheBytes = 0
    let clock = SimulatedClock()
    let store = try machine.open(options, clock: clock)
    let cold = try store.bucketStatus().cold.files
    way.isOver = false
    #expect(try storeCode { try sample.write(300, to: store) } == nil, "first")
    // The compactions that were due met damage.
    #expect(way.changed > 0 && cold > 0)
    way.isOver = true
    // What was found damaged before is tried again.
    clock.advance(milliseconds: 700_000)
    #expect(try storeCode { try sample.write(300, to: store) } == nil, "second")
    #expect(try storeCode { try store.compact() } == nil, "compact")
    #expect(try sample.difference(from: store) == nil)
    #expect(try store.bucketStatus().cold.files == 0)
    try store.close()
  }
}

/// A connection that changes a bit of what it reads of files.
final class ChangingObjectStore: ObjectStore {
  private let objects: any ObjectStore
  private let range: ClosedRange<Int>
  private let state = Monitor((reads: 0, changed: 0, isOver: false))

  /// - Parameter range: which reads of files, from 1.
  init(_ objects: any ObjectStore, change range: ClosedRange<Int>) {
    self.objects = objects
    self.range = range
  }

  var changed: Int { state.withLock { $0.changed } }

  /// Nothing is changed while this is true.
  var isOver: Bool {
    get { state.withLock { $0.isOver } }
    set { state.withLock { $0.isOver = newValue } }
  }

  func read(_ name: ObjectName, _ range: ObjectRange) throws(ObjectStoreError) -> ObjectPart {
    var part = try objects.read(name, range)
    guard name.description.hasPrefix("file/"), !part.bytes.isEmpty else { return part }
    let isChanged = state.withLock { state in
      state.reads += 1
      let isChanged = !state.isOver && self.range.contains(state.reads)
      if isChanged { state.changed += 1 }
      return isChanged
    }
    // In each of them something is asked for.
    if isChanged { for place in part.bytes.indices { part.bytes[place] ^= 1 } }
    return part
  }

  var location: String { objects.location }
  var createsAtomically: Bool { objects.createsAtomically }
  func close() { objects.close() }

  func put(
    _ name: ObjectName, _ content: ObjectContent, if condition: PutCondition,
    class storageClass: StorageClass?
  ) throws(ObjectStoreError) -> ObjectReceipt {
    try objects.put(name, content, if: condition, class: storageClass)
  }
  func status(of name: ObjectName) throws(ObjectStoreError) -> ObjectStatus? {
    try objects.status(of: name)
  }
  func list(
    _ prefix: String, after place: String?, limit: Int
  ) throws(ObjectStoreError) -> ObjectListing {
    try objects.list(prefix, after: place, limit: limit)
  }
  func remove(_ names: [ObjectName]) throws(ObjectStoreError) { try objects.remove(names) }
  func copy(
    _ name: ObjectName, to newName: ObjectName, class storageClass: StorageClass
  ) throws(ObjectStoreError) { try objects.copy(name, to: newName, class: storageClass) }
  func removeUnfinished(olderThan age: UInt64) throws(ObjectStoreError) -> Int {
    try objects.removeUnfinished(olderThan: age)
  }
  func restore(_ name: ObjectName, days: Int) throws(ObjectStoreError) {
    try objects.restore(name, days: days)
  }
}
