import Varve
import VarvePlatform
import VarveTestSupport

// Reads of tasks, and all reads of what lies only in the bucket.

extension FaultedOperation {
  /// Those that a store with a bucket is asked for, and a replica. Of what is on the machine tasks read as others do.
  static let coldReads: [FaultedOperation] =
    (reads + cursors + ofSnapshots + readsOfVectors).filter { $0.name != unasked } + ofTasks

  /// This asks no file, wherever it lies.
  static let unasked = "existingKeyspace, keyspaces, metrics, spaceNeededToCompact"

  /// The same where files are cold.
  var cold: FaultedOperation {
    var operation = self
    operation.name += ", cold"
    return operation
  }

  private static let ofTasks: [FaultedOperation] = [
    ofEachKey("fetchValue") { keyspace, key, value in
      let found = try WaitingExecutor.wait { try await keyspace.fetchValue(for: key) }
      try expect(found, value, "fetchValue")
    },
    ofEachKeyspace("fetchValues") { _, keyspace, entries in
      let keys = entries.map(\.key)
      let found = try WaitingExecutor.wait { try await keyspace.fetchValues(for: keys) }
      try expect(found, entries.map(\.value), "fetchValues")
    },
    ofEachKeyspace("fetchValue, fetchValues at a snapshot") { store, keyspace, entries in
      let snapshot = try store.snapshot()
      for (key, value) in entries {
        let found = try WaitingExecutor.wait {
          try await keyspace.fetchValue(for: key, at: snapshot)
        }
        try expect(found, value, "fetchValue at a snapshot")
      }
      let keys = entries.map(\.key)
      let found = try WaitingExecutor.wait {
        try await keyspace.fetchValues(for: keys, at: snapshot)
      }
      try expect(found, entries.map(\.value), "fetchValues at a snapshot")
    },
    ofEachKeyspace("withReadThread") { store, keyspace, entries in
      let found = try WaitingExecutor.wait {
        try await store.withReadThread { try keyspace.entries() }
      }
      try expect(found, entries.map { KeyValue($0.key, $0.value) }, "withReadThread")
    },
  ]
}
