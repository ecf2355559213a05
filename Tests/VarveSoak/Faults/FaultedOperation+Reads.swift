import Varve
import VarveTestSupport

// Reads of one key, of a snapshot, and of what the store knows of itself.

extension FaultedOperation {
  static let reads: [FaultedOperation] = [
    ofEachKey("value") { keyspace, key, value in
      try expect(try keyspace.value(for: key), value, "value")
    },
    ofEachKey("withValue") { keyspace, key, value in
      let found = try keyspace.withValue(for: key) { [UInt8](copying: $0) }
      try expect(found, value, "withValue")
      let same = try key.withKeyBytes { try keyspace.withValue(bytes: $0) { $0.count } }
      try expect(same, value?.count, "withValue(bytes:)")
    },
    ofEachKey("contains") { keyspace, key, value in
      try expect(try keyspace.contains(key), value != nil, "contains")
    },
    ofEachKey("size") { keyspace, key, value in
      try expect(try keyspace.size(ofValueFor: key), value?.count, "size")
    },
    ofEachKeyspace("values") { _, keyspace, entries in
      let keys = entries.map(\.key) + [Array("no such key".utf8)]
      try expect(try keyspace.values(for: keys), entries.map(\.value) + [nil], "values")
    },
    ofEachKeyspace("approximateSize") { _, keyspace, entries in
      let size = try keyspace.approximateSize()
      try expect(size > 0, !entries.isEmpty, "the size of everything")
      // Of what is stored as it is.
      let least = entries.reduce(0) { $0 + $1.value.count }
      if keyspace.policy.compression == .none {
        try expect(size >= least, true, "the size of everything, \(size) of at least \(least)")
      }
      let part = try keyspace.approximateSize(of: KeyRange("key 1"..<"key 2"))
      try expect(part <= size, true, "the size of a part")
    },
    FaultedOperation(name: unasked) {
      store, content in
      try expect(store.keyspaces.map(\.name), content.keys.sorted(), "keyspaces")
      for name in content.keys.sorted() {
        try expect(try store.existingKeyspace(name)?.name, name, "existingKeyspace")
      }
      try expect(try store.existingKeyspace("none")?.name, nil, "existingKeyspace")
      try expect(store.metrics().keyspaces, content.count, "metrics")
      try expect(store.spaceNeededToCompact() > 0, true, "spaceNeededToCompact")
      try expect(store.path, "store", "path")
    },
  ]

  /// A read of each keyspace through a snapshot.
  private static func ofSnapshot(
    _ name: String,
    _ body:
      @escaping @Sendable (Snapshot, Keyspace, [(key: [UInt8], value: [UInt8])]) throws -> Void
  ) -> FaultedOperation {
    FaultedOperation(name: "snapshot: \(name)") { store, content in
      let snapshot = try store.snapshot()
      for (name, entries) in content.inOrder {
        try body(snapshot, try store.keyspace(name), entries)
      }
      snapshot.close()
      do {
        _ = try snapshot.value(for: "key", in: store.keyspace("default"))
        throw Wrong(what: "a closed snapshot was read")
      } catch let error as StoreError where error.code == .closed {}
    }
  }

  static let ofSnapshots: [FaultedOperation] = [
    ofSnapshot("value, contains, size") { snapshot, keyspace, entries in
      for (key, value) in entries {
        try expect(try snapshot.value(for: key, in: keyspace), value, "value")
        try expect(try snapshot.contains(key, in: keyspace), true, "contains")
        try expect(try snapshot.size(ofValueFor: key, in: keyspace), value.count, "size")
      }
    },
    ofSnapshot("withValue, values") { snapshot, keyspace, entries in
      let found = try snapshot.values(for: entries.map(\.key), in: keyspace)
      try expect(found, entries.map(\.value), "values")
      for (key, value) in entries {
        let found = try snapshot.withValue(for: key, in: keyspace) { [UInt8](copying: $0) }
        try expect(found, value, "withValue")
      }
    },
    ofSnapshot("forEach") { snapshot, keyspace, entries in
      let found = try keyspace.entries(at: snapshot)
      try expect(found, entries.map { KeyValue($0.key, $0.value) }, "forEach")
    },
  ]
}
