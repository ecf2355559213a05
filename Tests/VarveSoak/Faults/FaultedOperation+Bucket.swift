import Varve
import VarvePlatform
import VarveSimulation
import VarveTestSupport

// What a store does with its bucket, and what of the rest it does otherwise with one.

extension FaultedOperation {
  static let ofBuckets: [FaultedOperation] = toBucket + fromBucket + others

  /// On a store of which a copy here and one in the bucket are damaged.
  static let repairs: [FaultedOperation] = [
    FaultedOperation(name: "scrubBucket, repairs", mend: { try $0.scrubBucket(repairs: true) }) {
      store, _ in
      let scrub = try store.scrubBucket(repairs: true)
      try expect(scrub.damages.map(\.isRepaired), [true, true], "repairs")
      try expect(try store.scrubBucket().damages, [], "what was repaired")
    }
  ]

  private static let key = Array("key 3".utf8)
  private static let large = [UInt8](repeating: 9, count: 3_000)

  private static func tier(
    _ name: String, closes: Bool = false,
    before: (@Sendable (SegmentStore) throws -> Void)? = nil,
    _ body: @escaping @Sendable (SegmentStore) throws -> Void
  ) -> FaultedOperation {
    FaultedOperation(name: name, closes: closes, before: before) { store, _ in try body(store) }
  }

  // MARK: - There

  private static let toBucket: [FaultedOperation] = [
    FaultedOperation(name: "upload", isDurable: true, isRemote: true) { store, _ in
      try store.upload()
    },
    put("put, remote", [1, 2, 3]), put("put large, remote", large),
    put("put, remote, not into a log", [1, 2, 3], putsLogs: false),
    FaultedOperation(name: "sync, remote", isDurable: true, isRemote: true) { store, _ in
      try store.sync(.remote)
    },
    tier("evict") { store in
      let bytes = try store.evict()
      try expect(bytes > 0, true, "evict")
      // The rest was never put there.
      try expect(try store.evict(), 0, "evict, again")
    },
    tier("upload, evict", before: { try $0.upload() }) { store in
      try store.evict()
      try expect(try store.bucketStatus().local.files, 0, "files that stayed")
    },
    FaultedOperation(
      name: "collectBucket",
      check: { _, _, store in
        try expect(try store.collectBucket(grace: 0, isDry: true).files, 0, "garbage that stayed")
      }
    ) { store, _ in
      try expect(try store.collectBucket(grace: 0).files > 0, true, "garbage")
    },
    FaultedOperation(
      name: "makeCheckpoint",
      check: { machine, opening, _ in
        try checkIsThere("new", machine, opening)
        try checkIsNewest("new", machine)
      }
    ) { store, _ in
      try store.makeCheckpoint("new")
    },
    FaultedOperation(
      name: "removeCheckpoint", letsGo: FaultedStore.checkpoint,
      check: { machine, opening, _ in
        let code = FaultJudge.failure {
          try checkIsThere(FaultedStore.checkpoint, machine, opening)
        }?.code
        try expect(code, .notFound, "a checkpoint that was removed")
      }
    ) { store, _ in
      try store.removeCheckpoint(FaultedStore.checkpoint)
    },
  ]

  private static func put(
    _ name: String, _ value: [UInt8], putsLogs: Bool = true
  ) -> FaultedOperation {
    FaultedOperation(
      name: name, changes: [{ $0["default"]?[key] = value }], isDurable: true, isRemote: true,
      putsLogs: putsLogs
    ) { store, _ in
      try store.keyspace("default").put(key, value, durability: .remote)
    }
  }

  private static func checkIsThere(
    _ name: String, _ machine: CrashMachine, _ opening: CrashMachine.Opening
  ) throws {
    try machine.elsewhere().restore(opening, version: .checkpoint(name)).close()
  }

  private static func checkIsNewest(_ name: String, _ machine: CrashMachine) throws {
    guard let bucket = machine.bucket else { throw Wrong(what: "no bucket") }
    let newest = try SegmentStore.bucketVersions(in: bucket.connect()).first
    try expect(newest?.checkpoints.contains(name), true, "the version of a checkpoint")
  }

  // MARK: - Back

  private static let fromBucket: [FaultedOperation] = [
    tier("prefetch") { store in
      let bytes = try store.prefetch()
      try expect(bytes > 0, true, "prefetch")
      try expect(try store.bucketStatus().cold.files, 0, "files that are only there")
    },
    ofEachKey("value, cold") { keyspace, key, value in
      try expect(try keyspace.value(for: key), value, "value")
    },
    ofEachKeyspace("values, cold") { _, keyspace, entries in
      let keys = entries.map(\.key) + [Array("no such key".utf8)]
      try expect(try keyspace.values(for: keys), entries.map(\.value) + [nil], "values")
    },
    ofEachKeyspace("forEach, cold") { _, keyspace, entries in
      try expect(try keyspace.entries(), entries.map { KeyValue($0.key, $0.value) }, "forEach")
    },
    ofEachKey("fetchValue, cold") { keyspace, key, value in
      let found = try waiting { try await keyspace.fetchValue(for: key) }
      try expect(found, value, "fetchValue")
    },
    ofEachKeyspace("fetchValues, cold") { _, keyspace, entries in
      let keys = entries.map(\.key)
      let found = try waiting { try await keyspace.fetchValues(for: keys) }
      try expect(found, entries.map(\.value), "fetchValues")
    },
    ofEachKeyspace("withReadThread, cold") { store, keyspace, entries in
      let found = try waiting { try await store.withReadThread { try keyspace.entries() } }
      try expect(found, entries.map { KeyValue($0.key, $0.value) }, "withReadThread")
    },
    tier("scrubBucket") { store in
      let scrub = try store.scrubBucket()
      try expect(scrub.damages, [], "scrubBucket")
      try expect(scrub.files > 2, true, "files that were looked at")
    },
    tier("scrubBucket, sizes") { store in
      try expect(try store.scrubBucket(isDeep: false).damages, [], "scrubBucket")
    },
  ]

  // MARK: - The rest

  private static let others: [FaultedOperation] = [
    FaultedOperation(name: "compact, cold files", isDurable: true) { store, _ in
      try store.compact()
    },
    tier("bucketStatus") { store in
      try expect(try store.bucketStatus().cold.files > 0, true, "bucketStatus")
    },
    tier("close", closes: true) { try $0.close() },
  ]

  /// Waits here for what a task does: one call after the other, so that each run is the same.
  private static func waiting<Result: Sendable>(
    _ body: @escaping @Sendable () async throws -> Result
  ) throws -> Result {
    let outcome = Monitor<Swift.Result<Result, any Error>?>(nil)
    Task.detached {
      let result: Swift.Result<Result, any Error>
      do { result = .success(try await body()) } catch { result = .failure(error) }
      outcome.withLock { $0 = result }
      outcome.broadcast()
    }
    guard let result = outcome.withLock(when: { $0 != nil }, { $0 }) else {
      throw Wrong(what: "a task that did not end")
    }
    return try result.get()
  }
}
