import Testing
import Varve
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// Files of a replica: each stays as long as a version that is shown, or that somebody still reads, needs it,
/// also where the bucket goes back to an earlier version and files come again.
@Suite struct ReplicaLifetimeTests {
  /// A bucket with two versions that have no file in common, and a replica that shows the second one.
  private struct Story {
    let machine = TieredStore()
    let connection: SimulatedObjectStore
    let disk = SimulatedFileSystem()
    let replica: SegmentStore
    let keyspace: Keyspace
    let first: Sample
    let number: UInt64

    /// - Parameter beforeTheSecond: done when the replica shows the first version.
    init(seed: UInt64, beforeTheSecond: (Story) throws -> Void = { _ in }) throws {
      connection = machine.bucket.connect()
      let store = try machine.open()
      var sample = Sample(seed: seed)
      try sample.write(200, to: store)
      try store.compact()
      try store.upload()
      first = sample
      number = try #require(store.bucketStatus().version)
      replica = try machine.openReplica(machine.connected(connection), on: disk)
      keyspace = try replica.keyspace("sample")
      #expect(try first.difference(from: replica) == nil)
      try beforeTheSecond(self)
      try sample.write(400, to: store)
      try store.compact()
      try store.upload()
      try store.close()
      #expect(try replica.refresh())
      #expect(try sample.difference(from: replica) == nil)
    }

    /// Another machine takes over, with the first version.
    func goBack() throws -> SegmentStore { try machine.openElsewhere(version: .number(number)) }

    /// What `snapshot` shows other than the first version.
    func difference(at snapshot: Snapshot) throws -> String? {
      var found: [String: [UInt8]] = [:]
      for entry in try keyspace.entries(at: snapshot) {
        found[String(decoding: entry.key, as: UTF8.self)] = entry.value
      }
      return found == first.expected ? nil : "\(found.count) of \(first.expected.count)"
    }

    /// The files of which parts are kept on the replica's disk.
    var kept: Set<String> {
      Set(
        disk.contents().keys.filter { $0.hasSuffix(".tail") }
          .compactMap { $0.split(separator: "/").last.map { String($0.dropLast(5)) } })
    }
  }

  /// What a snapshot of long ago needed is needed again, when it is closed.
  @Test func aFileThatCameAgainOutlivesASnapshot() throws {
    let taken = Monitor<Snapshot?>(nil)
    let story = try Story(seed: 21) { story in
      let snapshot = try story.replica.snapshot()
      taken.withLock { $0 = snapshot }
    }
    let snapshot = try #require(taken.withLock { $0 })
    let store = try story.goBack()
    #expect(try story.replica.refresh())
    #expect(try story.first.difference(from: story.replica) == nil)
    #expect(try story.difference(at: snapshot) == nil)
    snapshot.close()
    taken.withLock { $0 = nil }
    #expect(try !story.replica.refresh())
    #expect(try story.first.difference(from: story.replica) == nil)
    // Nothing is kept longer either.
    var sample = story.first
    let disk = story.kept
    try sample.write(300, to: store)
    try store.compact()
    try store.upload()
    #expect(try story.replica.refresh())
    #expect(try sample.difference(from: story.replica) == nil)
    #expect(!disk.isEmpty && story.kept.isDisjoint(with: disk), "\(disk) \(story.kept)")
    try story.replica.close()
    try store.close()
  }

  /// What was not shown takes nothing with it that a snapshot needs.
  @Test func aRefreshThatFailsTakesNoFileFromASnapshot() throws {
    let taken = Monitor<Snapshot?>(nil)
    let story = try Story(seed: 22) { story in
      let snapshot = try story.replica.snapshot()
      taken.withLock { $0 = snapshot }
    }
    let snapshot = try #require(taken.withLock { $0 })
    let store = try story.goBack()
    try store.keyspace("new").put("key", [1])
    try store.upload()
    story.connection.setFaults { _, _, name in name.hasSuffix(".segment") ? .refused : nil }
    for _ in 0..<2 { #expect(try storeCode { try story.replica.refresh() } == .unavailable) }
    story.connection.setFaults { _, _, _ in nil }
    #expect(try story.difference(at: snapshot) == nil)
    #expect(try story.replica.refresh())
    snapshot.close()
    taken.withLock { $0 = nil }
    #expect(try !story.replica.refresh())
    #expect(try story.first.difference(from: story.replica) == nil)
    #expect(try story.replica.keyspace("new").value(for: "key") == [1])
    try story.replica.close()
    try store.close()
  }

  /// Who is inside of a read holds a version that nobody else does.
  @Test func aFileThatCameAgainOutlivesAReader() throws {
    let machine = TieredStore()
    var (store, sample) = (try machine.open(), Sample(seed: 23))
    try sample.write(200, to: store)
    try store.compact()
    try store.upload()
    let first = sample
    let number = try #require(store.bucketStatus().version)
    let replica = try machine.openReplica()
    #expect(try first.difference(from: replica) == nil)
    let keyspace = try replica.keyspace("sample")
    let key = try #require(first.expected.keys.min())
    _ = try keyspace.withValue(for: key) { _ in
      try sample.write(400, to: store)
      try store.compact()
      try store.upload()
      try store.close()
      #expect(try replica.refresh())
      store = try machine.openElsewhere(version: .number(number))
      #expect(try replica.refresh())
    }
    #expect(try !replica.refresh())
    #expect(try first.difference(from: replica) == nil)
    try replica.close()
    try store.close()
  }

}

// MARK: - Copies that lie elsewhere

extension ReplicaLifetimeTests {
  /// Values that no cache of the replica holds: all of them were read, and driven out, or none.
  private struct LargeValues {
    let machine = TieredStore()
    let disk = SimulatedFileSystem()
    let connection: SimulatedObjectStore
    var expected: [[UInt8]] = []

    init() { connection = machine.bucket.connect() }

    /// Puts them into the bucket, of which the store's machine then has nothing else. Returns the version's number.
    mutating func write(seed: UInt64) throws -> UInt64 {
      var random = SplitMix64(seed: seed)
      let store = try machine.open(on: disk)
      expected = (0..<200).map { _ in random.bytes(20_000) }
      for (number, value) in expected.enumerated() {
        try store.keyspace("sample").put("key-\(number)", value, durability: .buffered)
      }
      try store.compact()
      try store.upload()
      defer { try? store.close() }
      return try #require(store.bucketStatus().version)
    }

    func openReplica() throws -> SegmentStore {
      var options = machine.connected(connection)
      options.bucket?.diskCacheBytes = 0
      return try machine.openReplica(options)
    }

    func read(_ numbers: Range<Int>, from store: SegmentStore) throws {
      for number in numbers {
        #expect(
          try store.keyspace("sample").value(for: "key-\(number)") == expected[number], "\(number)")
      }
    }

    /// All copies are lost, and put again by another process of the machine that has `disk`.
    func putAgain(on disk: SimulatedFileSystem) throws -> SegmentStore {
      let old = machine.bucket.names.filter { $0.description.hasPrefix("file/") }
      for name in old { machine.bucket.tamper(name, with: nil) }
      let store = try machine.open(on: disk)
      try store.keyspace("new").put("key", [1])
      try store.upload()
      #expect(old.allSatisfy { machine.bucket.bytes(of: $0) == nil })
      return store
    }
  }

  /// A refresh that fails leaves a version that can be read, though it was about to read from elsewhere.
  @Test func valuesAreReadFromElsewhereBeforeTheVersionIsShown() throws {
    var values = LargeValues()
    _ = try values.write(seed: 24)
    let replica = try values.openReplica()
    try values.read(0..<1, from: replica)
    let store = try values.putAgain(on: values.disk)
    values.connection.setFaults { _, _, name in name.hasSuffix(".segment") ? .refused : nil }
    #expect(try storeCode { try replica.refresh() } == .unavailable)
    try values.read(100..<110, from: replica)
    values.connection.setFaults { _, _, _ in nil }
    #expect(try replica.refresh())
    try values.read(0..<200, from: replica)
    #expect(try replica.keyspace("new").value(for: "key") == [1])
    try replica.close()
    try store.close()
  }

  /// A file that came again is read where its copy lies now, though a snapshot had it open where that was.
  @Test func aFileThatCameAgainIsReadWhereItLies() throws {
    var values = LargeValues()
    let number = try values.write(seed: 25)
    let replica = try values.openReplica()
    let keyspace = try replica.keyspace("sample")
    let snapshot = try replica.snapshot()
    try values.read(0..<200, from: replica)
    let first = values.expected
    _ = try values.write(seed: 26)
    #expect(try replica.refresh())
    try values.read(0..<200, from: replica)
    values.expected = first
    let disk = SimulatedFileSystem()
    let back = try values.machine.openElsewhere(on: disk, version: .number(number))
    try back.prefetch()
    try back.close()
    let store = try values.putAgain(on: disk)
    #expect(try replica.refresh())
    try values.read(0..<200, from: replica)
    // The snapshot reads the values there as well, or says that it is too old; nothing is damage.
    for number in 0..<200 {
      do {
        #expect(try snapshot.value(for: "key-\(number)", in: keyspace) == first[number])
      } catch let error as StoreError {
        #expect(error.code == .snapshotTooOld, "\(error)")
      }
    }
    snapshot.close()
    #expect(try !replica.refresh())
    try values.read(0..<200, from: replica)
    try replica.close()
    try store.close()
  }
}

// MARK: - Keyspaces of snapshots

extension ReplicaLifetimeTests {
  /// What a snapshot has does not go by sequence numbers, of which an earlier version that came again has no later
  /// ones.
  @Test func aSnapshotHasTheKeyspacesOfItsVersion() throws {
    let machine = TieredStore()
    var store = try machine.open()
    try store.keyspace("sample").put("key", [1])
    try store.upload()
    let number = try #require(store.bucketStatus().version)
    try store.keyspace("between").put("key", [2])
    try store.upload()
    try store.close()
    let replica = try machine.openReplica()
    let between = try replica.keyspace("between")
    let before = try replica.snapshot()
    store = try machine.openElsewhere(version: .number(number))
    #expect(try replica.refresh())
    let after = try replica.snapshot()
    #expect(before.sequence == after.sequence)
    #expect(try storeCode { _ = try between.value(for: "key") } == .notFound)
    #expect(try storeCode { _ = try after.value(for: "key", in: between) } == .notFound)
    #expect(try before.value(for: "key", in: between) == [2])
    #expect(try before.values(for: ["key"], in: between) == [[2]])
    #expect(try between.entries(at: before).map(\.value) == [[2]])
    // The number is given again.
    try store.keyspace("other").put("key", [3])
    try store.upload()
    #expect(try replica.refresh())
    let other = try replica.keyspace("other")
    #expect(try other.value(for: "key") == [3])
    #expect(try storeCode { _ = try before.value(for: "key", in: other) } == .notFound)
    #expect(try storeCode { _ = try after.value(for: "key", in: other) } == .notFound)
    #expect(try before.value(for: "key", in: between) == [2])
    try replica.close()
    try store.close()
  }

  /// A bucket whose newest version has a keyspace "between", or has dropped it, and the number of one before it.
  private static func withBetween(isDropped: Bool = false) throws -> (TieredStore, UInt64) {
    let machine = TieredStore()
    let store = try machine.open()
    try store.upload()
    let number = try #require(store.bucketStatus().version)
    try store.keyspace("between").put("key", [2])
    try store.upload()
    if isDropped {
      try store.dropKeyspace("between")
      try store.upload()
    }
    try store.close()
    return (machine, number)
  }

  /// Another machine goes on from version `number`: the next keyspace has the number that "between" had.
  private static func givingAgain(
    _ machine: TieredStore, after number: UInt64
  ) throws -> SegmentStore {
    let store = try machine.openElsewhere(version: .number(number))
    // Sequence numbers must not go back for a replica.
    for _ in 0..<9 { try store.keyspace("other").put("key", [3]) }
    try store.upload()
    return store
  }

  /// What was dropped is still in the files of the version, under a number that is given again later.
  @Test func aSnapshotReadsNothingDroppedThroughAnotherKeyspace() throws {
    let (machine, number) = try Self.withBetween(isDropped: true)
    let replica = try machine.openReplica()
    let dropped = try replica.snapshot()
    let store = try Self.givingAgain(machine, after: number)
    #expect(try replica.refresh())
    let other = try replica.keyspace("other")
    #expect(try other.value(for: "key") == [3])
    #expect(try storeCode { _ = try dropped.value(for: "key", in: other) } == .notFound)
    #expect(try storeCode { _ = try other.entries(at: dropped) } == .notFound)
    try replica.close()
    try store.close()
  }

  /// Reads of the present beside a replica that goes over to a version in which another keyspace has the number.
  @Test func nobodyReadsAnotherKeyspaceWhileAReplicaMovesOn() throws {
    for round in 0..<40 {
      let (machine, number) = try Self.withBetween()
      let replica = try machine.openReplica()
      let between = try replica.keyspace("between")
      let store = try Self.givingAgain(machine, after: number)
      let found = Monitor<Set<[UInt8]?>>([])
      let reader = try WorkerThread(name: "reader") {
        while let value = try? between.value(for: "key") {
          if value != [2] { found.withLock { _ = $0.insert(value) } }
          guard let cursor = try? between.entries() else { break }
          for entry in cursor where entry.value != [2] {
            found.withLock { _ = $0.insert(entry.value) }
          }
        }
      }
      #expect(try replica.refresh())
      reader.join()
      #expect(found.withLock { $0 } == [], "round \(round)")
      try replica.close()
      try store.close()
    }
  }

  /// A name and a number that were given again are another keyspace's where the policy is another one.
  @Test func aKeyspaceThatWasMadeAgainHasItsOwnPolicy() throws {
    let machine = TieredStore()
    var store = try machine.open()
    try store.upload()
    let number = try #require(store.bucketStatus().version)
    try store.keyspace("again").put("key", [2])
    try store.upload()
    try store.close()
    let replica = try machine.openReplica()
    let old = try replica.keyspace("again")
    let before = try replica.snapshot()
    store = try machine.openElsewhere(version: .number(number))
    let vectors = KeyspacePolicy.vectors(of: UInt8.self, dimension: 3)
    try store.keyspace("again", vectors).put("key", [1, 2, 3])
    try store.upload()
    #expect(try replica.refresh())
    let again = try replica.keyspace("again")
    #expect(again.policy == vectors)
    #expect(try again.value(for: "key") == [1, 2, 3])
    #expect(try storeCode { _ = try old.value(for: "key") } == .notFound)
    #expect(try before.value(for: "key", in: old) == [2])
    try replica.close()
    try store.close()
  }
}
