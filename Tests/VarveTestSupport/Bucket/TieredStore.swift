package import Varve
import VarveObjects
import VarvePlatform
package import VarveSimulation

/// A machine with a disk, and a bucket that outlives it.
package struct TieredStore {
  package let bucket = SimulatedBucket()
  package var disk = SimulatedFileSystem()
  package var options = StoreOptions.small
  /// Counts openings: each draws other numbers, as each would.
  private let openings = Monitor<UInt64>(0)

  package init(readMode: StoreOptions.ReadMode = .mapped) { options.readMode = readMode }

  /// Options with a new connection to the bucket.
  package func connected(_ connection: SimulatedObjectStore? = nil) -> StoreOptions {
    var options = options
    var bucket = BucketOptions(connection ?? self.bucket.connect())
    bucket.uploadInterval = nil
    options.bucket = bucket
    return options
  }

  private func components(
    _ disk: SimulatedFileSystem, _ clock: SimulatedClock = SimulatedClock()
  ) -> StoreComponents {
    StoreComponents(
      fileSystem: disk, clock: clock,
      random: SimulatedRandom(
        seed: openings.withLock { count in
          count += 1
          return count
        }),
      background: .inline)
  }

  package func open(
    _ options: StoreOptions? = nil, on disk: SimulatedFileSystem? = nil,
    clock: SimulatedClock = SimulatedClock()
  ) throws -> SegmentStore {
    try SegmentStore.open(
      at: "/store", options: options ?? connected(),
      components: components(disk ?? self.disk, clock))
  }

  /// Opens the store from the bucket on a machine that has nothing.
  package func openElsewhere(
    on disk: SimulatedFileSystem = SimulatedFileSystem(), _ options: StoreOptions? = nil,
    version: BucketVersion.Name = .newest
  ) throws -> SegmentStore {
    try SegmentStore.open(
      fromBucketTo: "/store", options: options ?? connected(), version: version,
      components: components(disk))
  }
}

extension TieredStore {
  /// Reads the store from the bucket, on a machine of its own.
  package func openReplica(
    _ options: StoreOptions? = nil, on disk: SimulatedFileSystem = SimulatedFileSystem()
  ) throws -> SegmentStore {
    try SegmentStore.open(
      replicaAt: "/store", options: options ?? connected(), components: components(disk))
  }
}

extension SimulatedFileSystem {
  /// The names of segments and value files that are on this machine.
  package var sealedFiles: [String] {
    contents().keys.compactMap { $0.split(separator: "/").last.map(String.init) }
      .filter {
        ($0.hasPrefix("segment-") || $0.hasPrefix("values-")) && !$0.hasSuffix(".tail")
      }
  }
}

extension SimulatedBucket {
  /// What `body` asks for, in order: the kind of each request, and of its object.
  package func requests(_ body: () throws -> Void) rethrows -> [String] {
    forgetCalls()
    try body()
    return calls.map { "\($0.kind.rawValue) \($0.name.prefix { $0 != "/" })" }
  }
}

/// Entries with small and large values, and what a store must show after them.
package struct Sample {
  package var expected: [String: [UInt8]] = [:]
  private var random: SplitMix64

  package init(seed: UInt64) { random = SplitMix64(seed: seed) }

  /// Writes and deletes some entries, and flushes now and then.
  package mutating func write(_ count: Int, to store: SegmentStore) throws {
    let keyspace = try store.keyspace("sample")
    for index in 0..<count {
      let key = "key-\(random.below(count))"
      if random.oneIn(9) {
        try keyspace.delete(key, durability: .buffered)
        expected[key] = nil
      } else {
        let value = random.bytes(random.oneIn(4) ? 3_000 + random.below(9_000) : random.below(200))
        try keyspace.put(key, value, durability: .buffered)
        expected[key] = value
      }
      if index % 100 == 99 { try store.flush() }
    }
  }

  /// What `store` shows other than it must; nil where it is right.
  package func difference(from store: SegmentStore) throws -> String? {
    var found: [String: [UInt8]] = [:]
    let keyspace = try store.keyspace("sample")
    for entry in try keyspace.entries() {
      found[String(decoding: entry.key, as: UTF8.self)] = entry.value
    }
    if found != expected { return "a scan finds \(found.count) of \(expected.count)" }
    for (key, value) in expected {
      if try keyspace.value(for: key) != value { return "\(key) differs" }
    }
    return nil
  }
}

/// A store with one segment of several slots, which lies in the bucket only.
package enum LongStore {
  /// Makes it and closes it. The last slot was not read since the file went.
  package static func make(_ machine: TieredStore, count: Int = 2_000) throws -> [String: [UInt8]] {
    var expected: [String: [UInt8]] = [:]
    var random = SplitMix64(seed: 1)
    let store = try machine.open()
    let keyspace = try store.keyspace("long")
    for number in 0..<count {
      let key = "key-\(100_000 + number)"
      expected[key] = random.bytes(100)
      try keyspace.put(key, expected[key] ?? [], durability: .buffered)
    }
    try store.compact()
    try store.upload()
    try store.evict()
    try store.close()
    return expected
  }
}
