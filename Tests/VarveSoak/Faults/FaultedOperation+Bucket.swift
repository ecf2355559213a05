import Varve
import VarvePlatform
import VarveSimulation
import VarveTestSupport

// What a store does with its bucket, and what of the rest it does otherwise with one.

extension FaultedOperation {
  static let ofBuckets: [FaultedOperation] =
    toBucket + fromBucket + coldReads.map(\.cold) + others

  /// On a store of which a copy here and one in the bucket are damaged.
  static let repairs: [FaultedOperation] = [
    FaultedOperation(name: "scrubBucket, repairs", mend: { _ = try $0.scrubBucket(repairs: true) })
    {
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
    FaultedOperation(
      name: "pauseUploads, upload, resumeUploads", isDurable: true, isRemote: true
    ) { store, _ in
      store.pauseUploads()
      defer { store.resumeUploads() }
      try store.upload()
    },
    // The simulated disk knows no time: all that it has is older.
    tier("evict, olderThan") { store in
      let bytes = try store.evict(olderThan: 1)
      try expect(bytes > 0, true, "evict")
      try expect(try store.evict(olderThan: 1), 0, "evict, again")
    },
    tier("evict") { store in
      let bytes = try store.evict()
      try expect(bytes > 0, true, "evict")
      // The rest was never put there.
      try expect(try store.evict(), 0, "evict, again")
    },
    tier("evict, keeping") { store in
      let kept = try store.bucketStatus().local.bytes - 1
      try expect(try store.evict(keeping: kept) > 0, true, "evict")
      try expect(try store.bucketStatus().local.bytes <= kept, true, "evict, and what is kept")
      try expect(try store.evict(keeping: kept), 0, "evict, again")
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
    tier("collectBucket, dry") { store in
      let garbage = try store.collectBucket(grace: 0, isDry: true)
      try expect(garbage.files > 0, true, "garbage")
      try expect(try store.collectBucket(grace: 0, isDry: true), garbage, "garbage that stayed")
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
    tier("prefetch, a part") { store in
      let most: UInt64 = 20_000
      let bytes = try store.prefetch(most: most)
      try expect((1...most).contains(bytes), true, "prefetch")
      try expect(try store.bucketStatus().cold.files > 0, true, "files that are only there")
    },
    tier("prefetch") { store in
      let bytes = try store.prefetch()
      try expect(bytes > 0, true, "prefetch")
      try expect(try store.bucketStatus().cold.files, 0, "files that are only there")
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
}
