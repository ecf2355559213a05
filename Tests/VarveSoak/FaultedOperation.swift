import Varve
import VarveTestSupport

/// One operation of the interface, what it changes, and whether what it read was right.
struct FaultedOperation: Sendable {
  typealias Content = CrashWorkload.Content

  /// A read returned something else than what is there.
  struct Wrong: Error {}

  var name: String
  /// What is there once it succeeded.
  var change: @Sendable (inout Content) -> Void = { _ in }
  /// Does it; throws ``Wrong`` where it read anything but the content it was given.
  var body: @Sendable (SegmentStore, Content) throws -> Void

  static let all: [FaultedOperation] = reads + writes + upkeep

  // MARK: - Reads

  private static let reads: [FaultedOperation] = [
    FaultedOperation(name: "get") { store, content in
      for (name, entries) in content {
        let keyspace = try store.keyspace(name)
        for (key, value) in entries where try keyspace.value(for: key) != value { throw Wrong() }
        if try keyspace.value(for: Array("no such key".utf8)) != nil { throw Wrong() }
      }
    },
    FaultedOperation(name: "scan") { store, content in
      if try CrashWorkload.content(of: store) != content { throw Wrong() }
    },
    FaultedOperation(name: "scan backward") { store, content in
      for keyspace in store.keyspaces {
        var found: [[UInt8]: [UInt8]] = [:]
        try keyspace.forEach(order: .descending) {
          found[[UInt8](copying: $0)] = [UInt8](copying: $1)
        }
        if found != content[keyspace.name] { throw Wrong() }
      }
    },
    FaultedOperation(name: "seek") { store, content in
      for (name, entries) in content {
        var cursor = try store.keyspace(name).cursor()
        for (key, value) in entries {
          guard try cursor.seek(to: key), [UInt8](copying: cursor.value) == value else {
            throw Wrong()
          }
        }
      }
    },
    FaultedOperation(name: "read a snapshot") { store, content in
      let snapshot = try store.snapshot()
      for (name, entries) in content {
        let keyspace = try store.keyspace(name)
        for (key, value) in entries
        where try snapshot.value(for: key, in: keyspace) != value {
          throw Wrong()
        }
      }
    },
  ]

  // MARK: - Writes

  private static let key = Array("key 3".utf8)
  private static let large = [UInt8](repeating: 9, count: 3_000)

  private static func put(
    _ name: String, _ value: [UInt8], _ durability: Durability
  ) -> FaultedOperation {
    FaultedOperation(name: name) {
      $0["default"]?[key] = value
    } body: { store, _ in
      try store.keyspace("default").put(key, value, durability: durability)
    }
  }

  private static let writes: [FaultedOperation] = [
    put("put", [1, 2, 3], .buffered), put("put, synced", [1, 2, 3], .synced),
    put("put large", large, .buffered), put("put large, synced", large, .synced),
    FaultedOperation(name: "delete") {
      $0["plain"]?[key] = nil
    } body: { store, _ in
      try store.keyspace("plain").delete(key)
    },
    FaultedOperation(name: "batch") {
      $0["plain"]?[key] = large
      $0["small"]?[key] = [7]
      $0["fast"]?[key] = nil
    } body: { store, _ in
      var batch = WriteBatch()
      batch.put(key, large, in: try store.keyspace("plain"))
      batch.put(key, [7], in: try store.keyspace("small"))
      batch.delete(key, in: try store.keyspace("fast"))
      try store.commit(batch)
    },
  ]

  // MARK: - Upkeep

  private static let upkeep: [FaultedOperation] = [
    FaultedOperation(name: "sync") { store, _ in try store.sync() },
    FaultedOperation(name: "flush") { store, _ in try store.flush() },
    FaultedOperation(name: "compact") { store, _ in try store.compact() },
    FaultedOperation(name: "make a keyspace") {
      $0["new"] = [:]
    } body: { store, _ in
      _ = try store.keyspace("new")
    },
    FaultedOperation(name: "drop a keyspace") {
      $0["small"] = nil
    } body: { store, _ in
      try store.dropKeyspace("small")
    },
    FaultedOperation(name: "close") { store, _ in try store.close() },
  ]
}
