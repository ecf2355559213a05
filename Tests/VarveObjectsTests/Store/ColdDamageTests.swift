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
      let way = ChangingWay(change: request...request)
      var options = machine.connected()
      options.bucket = BucketOptions(way.connection(to: machine.bucket.connect()))
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
    let way = ChangingWay(change: 1...Int.max)
    way.isOver = true
    var options = machine.connected()
    options.bucket = BucketOptions(way.connection(to: machine.bucket.connect()))
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

/// Changes what is read of files on the way from a bucket.
private final class ChangingWay: Sendable {
  private let range: ClosedRange<Int>
  private let state = Monitor((reads: 0, changed: 0, isOver: false))

  /// - Parameter range: which reads of files, from 1.
  init(change range: ClosedRange<Int>) { self.range = range }

  var changed: Int { state.withLock { $0.changed } }

  /// Nothing is changed while this is true.
  var isOver: Bool {
    get { state.withLock { $0.isOver } }
    set { state.withLock { $0.isOver = newValue } }
  }

  func connection(to objects: any ObjectStore) -> PassingObjectStore {
    PassingObjectStore(objects) { [self] name, part in
      guard name.description.hasPrefix("file/"), !part.bytes.isEmpty, isNextChanged else {
        return part
      }
      var part = part
      // In each of them something is asked for.
      for place in part.bytes.indices { part.bytes[place] ^= 1 }
      return part
    }
  }

  private var isNextChanged: Bool {
    state.withLock { state in
      state.reads += 1
      let isChanged = !state.isOver && range.contains(state.reads)
      if isChanged { state.changed += 1 }
      return isChanged
    }
  }
}
