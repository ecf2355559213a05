import Testing
import Varve
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// Reading from the bucket what another machine writes.
@Suite struct ReplicaTests {
  @Test func aReplicaShowsWholeVersionsOneAfterTheOther() throws {
    let machine = TieredStore()
    var sample = Sample(seed: 1)
    let store = try machine.open()
    try sample.write(300, to: store)
    try store.upload()
    let replica = try machine.openReplica()
    let first = sample
    #expect(try first.difference(from: replica) == nil)
    let keyspace = try replica.keyspace("sample")
    let snapshot = try replica.snapshot()
    try sample.write(300, to: store)
    try store.keyspace("second").put("key", [1])
    try store.compact()
    #expect(try !replica.refresh())
    try store.upload()
    #expect(try first.difference(from: replica) == nil)
    #expect(try replica.refresh())
    #expect(try sample.difference(from: replica) == nil)
    #expect(try replica.keyspace("second").value(for: "key") == [1])
    for (key, value) in first.expected {
      #expect(try snapshot.value(for: key, in: keyspace) == value)
    }
    try store.dropKeyspace("second")
    try store.upload()
    let second = try replica.keyspace("second")
    let before = try replica.snapshot()
    try replica.refresh()
    #expect(try replica.existingKeyspace("second") == nil)
    #expect(try storeCode { _ = try second.value(for: "key") } == .notFound)
    #expect(try before.value(for: "key", in: second) == [1])
    try replica.close()
    try store.close()
  }

  @Test func aThousandSegmentsAreOpenedLikeOne() throws {
    let machine = TieredStore()
    let store = try machine.open()
    store.pauseCompaction()
    let keyspace = try store.keyspace("sample")
    for number in 0..<1_000 {
      try keyspace.put("key-\(number)", "\(number)", durability: .buffered)
      try store.flush()
    }
    try store.upload()
    #expect(machine.disk.sealedFiles.count >= 1_000)
    var opened: SegmentStore?
    let opening = try machine.bucket.requests { opened = try machine.openReplica() }
    #expect(
      opening.filter { !$0.hasSuffix("file") } == ["read store", "list manifest", "read manifest"])
    // What the list of keyspaces needs of the one segment that has it.
    #expect(opening.count { $0.hasSuffix("file") } <= 3, "\(opening)")
    try opened?.close()
    try store.close()
    // A writer that has its files here claims the store besides, and looks whether it came too late.
    let claiming = try machine.bucket.requests { opened = try machine.open() }
    #expect(
      claiming == [
        "read store", "list manifest", "read manifest", "put manifest", "list manifest",
      ])
    try opened?.close()
  }

  @Test func aReplicaAsksForLittle() throws {
    let machine = TieredStore()
    var sample = Sample(seed: 2)
    let store = try machine.open()
    try sample.write(200, to: store)
    try store.compact()
    try store.upload()
    let disk = SimulatedFileSystem()
    try machine.openReplica(on: disk).close()
    // The second time it has the tails of what it has read.
    var opened: SegmentStore?
    let opening = try machine.bucket.requests { opened = try machine.openReplica(on: disk) }
    #expect(
      opening.filter { !$0.hasSuffix("file") } == ["read store", "list manifest", "read manifest"])
    #expect(opening.count { $0.hasSuffix("file") } <= 1)
    let replica = try #require(opened)
    #expect(try machine.bucket.requests { try replica.refresh() } == ["status manifest"])
    try sample.write(10, to: store)
    try store.upload()
    let moving = try machine.bucket.requests { try replica.refresh() }
    #expect(
      moving.filter { !$0.hasSuffix("file") } == [
        "status manifest", "list manifest", "read manifest",
      ])
    try replica.close()
    try store.close()
  }

  /// What a replica does between the collection and the reads of a snapshot.
  enum Meanwhile: CaseIterable {
    case nothing, failedRefresh, refresh
  }

  @Test(arguments: Meanwhile.allCases) func whatWasCollectedIsTooOld(_ meanwhile: Meanwhile) throws
  {
    let machine = TieredStore()
    var sample = Sample(seed: 3)
    let store = try machine.open()
    try sample.write(200, to: store)
    try store.upload()
    let connection = machine.bucket.connect()
    let replica = try machine.openReplica(machine.connected(connection))
    let keyspace = try replica.keyspace("sample")
    let snapshot = try replica.snapshot()
    let old = sample.expected
    try sample.write(400, to: store)
    try store.compact()
    try store.upload()
    machine.bucket.clock.advance(milliseconds: 10_000)
    try store.upload()
    #expect(try store.collectBucket(grace: 0).files > 0)
    switch meanwhile {
    case .nothing: break
    case .failedRefresh:
      connection.setFaults { _, _, name in name.hasSuffix(".segment") ? .refused : nil }
      #expect(try storeCode { try replica.refresh() } == .unavailable)
      connection.setFaults { _, _, _ in nil }
    case .refresh: #expect(try replica.refresh())
    }
    var refused = 0
    for (key, value) in old {
      do {
        #expect(try snapshot.value(for: key, in: keyspace) == value)
      } catch let error as StoreError {
        #expect(error.code == .snapshotTooOld, "\(error)")
        refused += 1
      }
    }
    #expect(refused > 0)
    #expect(try storeCode { _ = try keyspace.entries(at: snapshot) } == .snapshotTooOld)
    #expect(try replica.refresh() == (meanwhile != .refresh))
    #expect(try sample.difference(from: replica) == nil)
    try replica.close()
    try store.close()
  }

  /// What is missing, and part of the newest version, is damage.
  @Test func whatIsLostIsDamage() throws {
    let machine = TieredStore()
    var sample = Sample(seed: 4)
    let store = try machine.open()
    try sample.write(200, to: store)
    try store.upload()
    for name in machine.bucket.names where name.description.hasSuffix(".values") {
      machine.bucket.tamper(name, with: nil)
    }
    let connection = machine.bucket.connect()
    let replica = try machine.openReplica(machine.connected(connection))
    let keyspace = try replica.keyspace("sample")
    let codes = try Set(
      sample.expected.keys.compactMap { key in
        try storeCode { _ = try keyspace.value(for: key) }?.description
      })
    #expect(codes == ["corrupted"])
    // Where the bucket does not say what its newest version is nobody knows whether it is damage.
    connection.setFaults { _, kind, _ in kind == .list ? .refused : nil }
    let others = try Set(
      sample.expected.keys.compactMap { key in
        try storeCode { _ = try keyspace.value(for: key) }?.description
      })
    #expect(others == ["unavailable"])
    try replica.close()
    try store.close()
  }

  /// Whatever of a version is missing when it is to be shown: an error, and the next look tries again.
  @Test func aVersionThatLacksFilesIsAnError() throws {
    let machine = TieredStore()
    var sample = Sample(seed: 6)
    let store = try machine.open()
    try sample.write(50, to: store)
    try store.upload()
    let replica = try machine.openReplica()
    let before = Set(machine.bucket.names)
    try store.keyspace("new").put("key", [1])
    try store.compact()
    try store.upload()
    var kept: [(ObjectName, [UInt8])] = []
    for name in machine.bucket.names
    where name.description.hasSuffix(".segment") && !before.contains(name) {
      kept.append((name, try #require(machine.bucket.bytes(of: name))))
      machine.bucket.tamper(name, with: nil)
    }
    for _ in 0..<2 {
      #expect(try storeCode { try replica.refresh() } == .corrupted)
      #expect(replica.keyspaces.map(\.name) == ["default", "sample"])
      #expect(try sample.difference(from: replica) == nil)
    }
    #expect(!kept.isEmpty)
    for (name, bytes) in kept {
      _ = try machine.bucket.connect().put(
        name, ObjectContent(bytes), if: .absent, class: nil)
    }
    try replica.refresh()
    #expect(try replica.keyspace("new").value(for: "key") == [1])
    #expect(try sample.difference(from: replica) == nil)
    try replica.close()
    try store.close()
  }

  /// Whichever request of a refresh fails: what was shown still is, with all keyspaces, and nothing is kept of
  /// what was not shown.
  @Test func aRefreshThatFailsChangesNothing() throws {
    var refusals: [String] = []
    for request in 1...20 {
      let machine = TieredStore()
      var sample = Sample(seed: 7)
      let store = try machine.open()
      try sample.write(200, to: store)
      try store.keyspace("dropped").put("key", [1])
      try store.upload()
      let connection = machine.bucket.connect()
      let disk = SimulatedFileSystem()
      let replica = try machine.openReplica(machine.connected(connection), on: disk)
      let first = sample
      #expect(try first.difference(from: replica) == nil)
      let kept = disk.contents().keys.sorted()
      try sample.write(200, to: store)
      try store.dropKeyspace("dropped")
      try store.keyspace("new").put("key", [2])
      try store.flush()
      try store.upload()
      let last = connection.callCount + request
      connection.setFaults { call, _, _ in
        call == last ? .refused : nil
      }
      let code = try storeCode { try replica.refresh() }
      connection.setFaults { _, _, _ in nil }
      guard let code else {
        #expect(try sample.difference(from: replica) == nil)
        try replica.close()
        try store.close()
        break
      }
      refusals.append("\(request): \(code)")
      #expect(code == .unavailable)
      #expect(replica.keyspaces.map(\.name) == ["default", "dropped", "sample"])
      #expect(disk.contents().keys.sorted() == kept)
      #expect(try first.difference(from: replica) == nil)
      #expect(try replica.keyspace("dropped").value(for: "key") == [1])
      // The version that was not shown is not shown later either, and leaves nothing.
      if request.isMultiple(of: 2) {
        try store.compact()
        try store.upload()
      }
      #expect(try replica.refresh())
      #expect(replica.keyspaces.map(\.name) == ["default", "new", "sample"])
      #expect(try sample.difference(from: replica) == nil)
      #expect(try replica.keyspace("new").value(for: "key") == [2])
      try replica.close()
      try store.close()
    }
    #expect(refusals.count > 3 && refusals.count < 20, "\(refusals)")
  }

  /// The list of keyspaces is read from where its copy lies now: the old one may be gone.
  @Test func aCopyThatWasPutAgainIsReadThere() throws {
    let machine = TieredStore()
    var random = SplitMix64(seed: 8)
    var store = try machine.open()
    let keyspace = try store.keyspace("sample")
    for number in 0..<2_000 {
      try keyspace.put("between-\(number)", random.bytes(200), durability: .buffered)
    }
    for number in 0..<300 {
      try keyspace.put("key-\(number)", random.bytes(20_000), durability: .buffered)
    }
    try store.compact()
    try store.upload()
    var options = machine.connected()
    options.bucket?.diskCacheBytes = 0
    let replica = try machine.openReplica(options)
    // What was read of the list does not stay in memory.
    for number in 0..<300 {
      #expect(try replica.keyspace("sample").value(for: "key-\(number)") != nil)
    }
    let old = machine.bucket.names.filter { $0.description.hasSuffix(".segment") }
    for name in old { machine.bucket.tamper(name, with: nil) }
    // Another process puts it elsewhere.
    try store.close()
    store = try machine.open()
    try store.keyspace("new").put("key", [1])
    try store.upload()
    #expect(old.allSatisfy { machine.bucket.bytes(of: $0) == nil })
    #expect(try replica.refresh())
    #expect(try replica.keyspace("new").value(for: "key") == [1])
    #expect(try replica.keyspace("sample").value(for: "key-0") != nil)
    try replica.close()
    try store.close()
  }

  @Test func aReplicaChangesNothing() throws {
    let machine = TieredStore()
    var sample = Sample(seed: 5)
    let store = try machine.open()
    try sample.write(100, to: store)
    try store.upload()
    let disk = SimulatedFileSystem()
    let replica = try machine.openReplica(on: disk)
    let before = machine.bucket.changes.count
    #expect(try sample.difference(from: replica) == nil)
    let keyspace = try replica.keyspace("sample")
    #expect(try storeCode { try keyspace.put("key", [1]) } == .readOnly)
    #expect(try storeCode { _ = try replica.keyspace("new") } == .readOnly)
    #expect(try storeCode { try replica.compact() } == .readOnly)
    #expect(try storeCode { try replica.upload() } == .invalid)
    #expect(machine.bucket.changes.count == before)
    let kinds = [".tail", "/lock", "/slots"]
    #expect(disk.contents().keys.allSatisfy { name in kinds.contains { name.hasSuffix($0) } })
    #expect(try storeCode { _ = try machine.openReplica(on: disk) } == .locked)
    #expect(try storeCode { _ = try machine.openReplica(on: machine.disk) } == .exists)
    #expect(try storeCode { try store.refresh() } == .invalid)
    try replica.close()
    // The writer is not disturbed.
    try sample.write(10, to: store)
    try store.upload()
    try store.close()
    #expect(try storeCode { _ = try TieredStore().openReplica() } == .notFound)
  }

  /// Versions come and go by chance, requests fail: what is shown is always one version, and never an older one.
  @Test func byChance() throws {
    for seed in UInt64(1)...5 {
      var random = SplitMix64(seed: seed)
      let machine = TieredStore()
      let store = try machine.open()
      var sample = Sample(seed: seed)
      try sample.write(20, to: store)
      try store.upload()
      var versions = [sample]
      let connection = machine.bucket.connect()
      let replica = try machine.openReplica(machine.connected(connection))
      var shown = 0
      connection.setFaults { call, _, _ in
        var random = SplitMix64(seed: seed &* 1_000 &+ UInt64(call))
        return random.oneIn(9) ? .requestLost : nil
      }
      for _ in 0..<40 {
        switch random.below(6) {
        case 0...1: try sample.write(10 + random.below(60), to: store)
        case 2: try store.compact()
        case 3:
          try store.upload()
          versions.append(sample)
        case 4: _ = try? replica.refresh()
        default:
          do {
            guard
              let found = try (shown..<versions.count).first(where: {
                try versions[$0].difference(from: replica) == nil
              })
            else {
              Issue.record("seed \(seed): no version is shown")
              return
            }
            shown = found
          } catch let error as StoreError {
            #expect(error.code == .unavailable, "\(error)")
          }
        }
      }
      try replica.close()
      try store.close()
    }
  }
}
