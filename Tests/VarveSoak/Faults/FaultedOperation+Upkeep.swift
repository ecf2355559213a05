import Varve
import VarveTestSupport

// Keyspaces, and what looks after the store.

extension FaultedOperation {
  private static func durable(
    _ name: String, isFirst: Bool = false, closes: Bool = false,
    _ body: @escaping @Sendable (SegmentStore) throws -> Void
  ) -> FaultedOperation {
    FaultedOperation(name: name, isDurable: true, isFirst: isFirst, closes: closes) { store, _ in
      try body(store)
    }
  }

  static let upkeep: [FaultedOperation] = [
    durable("sync") { try $0.sync() },
    durable("flush") { try $0.flush() },
    durable("compact") { try $0.compact() },
    durable("compact, nothing written before", isFirst: true) { try $0.compact() },
    FaultedOperation(name: "make a keyspace", changes: [{ $0["new"] = [:] }], isDurable: true) {
      store, _ in
      _ = try store.keyspace("new")
    },
    FaultedOperation(
      name: "make a keyspace with a policy", changes: [{ $0["new"] = [:] }], isDurable: true
    ) { store, _ in
      var policy = KeyspacePolicy()
      policy.compression = .lz4
      policy.timeToLiveMilliseconds = 3_600_000
      let made = try store.keyspace("new", policy)
      try expect(made.policy.timeToLiveMilliseconds, 3_600_000, "the policy")
    },
    FaultedOperation(
      name: "drop a keyspace", changes: [{ $0["small"] = nil }], isDurable: true
    ) { store, _ in
      try store.dropKeyspace("small")
    },
    durable("pauseCompaction, flush, resumeCompaction") { store in
      store.pauseCompaction()
      defer { store.resumeCompaction() }
      try store.flush()
    },
    durable("close", closes: true) { try $0.close() },
    durable("close, nothing written before", isFirst: true, closes: true) { try $0.close() },
  ]
}
