import Varve
import VarveTestSupport

// Writes, one and many.

extension FaultedOperation {
  private static let key = Array("key 3".utf8)
  private static let small: [UInt8] = [1, 2, 3]
  private static let large = [UInt8](repeating: 9, count: 3_000)

  private static func put(
    _ name: String, _ value: [UInt8], _ durability: Durability, expiresIn: UInt64? = nil,
    isFirst: Bool = false
  ) -> FaultedOperation {
    FaultedOperation(
      name: name, changes: [{ $0["default"]?[key] = value }], isDurable: durability == .synced,
      isFirst: isFirst
    ) { store, _ in
      try store.keyspace("default").put(
        key, value, durability: durability, expiresIn: expiresIn)
    }
  }

  private static func delete(_ name: String, _ durability: Durability) -> FaultedOperation {
    FaultedOperation(
      name: name, changes: [{ $0["plain"]?[key] = nil }], isDurable: durability == .synced
    ) { store, _ in
      try store.keyspace("plain").delete(key, durability: durability)
    }
  }

  static let writes: [FaultedOperation] = [
    put("put", small, .buffered), put("put, synced", small, .synced),
    put("put, the first of an opening", small, .buffered, isFirst: true),
    put("put, synced, the first of an opening", small, .synced, isFirst: true),
    put("put large", large, .buffered), put("put large, synced", large, .synced),
    put("put large, the first of an opening", large, .buffered, isFirst: true),
    put("put with an expiry", small, .synced, expiresIn: 3_600_000),
    put("put large with an expiry", large, .synced, expiresIn: 3_600_000),
    delete("delete", .buffered), delete("delete, synced", .synced),
    batch("batch", .buffered), batch("batch, synced", .synced),
    FaultedOperation(name: "empty batch, synced", isDurable: true) { store, _ in
      try store.commit(WriteBatch())
    },
  ]

  private static func batch(_ name: String, _ durability: Durability) -> FaultedOperation {
    let changed: @Sendable (inout Content) -> Void = { content in
      content["plain"]?[key] = large
      content["small"]?[key] = [7]
      content["default"]?[key] = small
      content["fast"]?[key] = nil
    }
    return FaultedOperation(name: name, changes: [changed], isDurable: durability == .synced) {
      store, _ in
      var batch = WriteBatch()
      batch.put(key, large, in: try store.keyspace("plain"))
      batch.put(key, [7], in: try store.keyspace("small"))
      batch.put(key, small, in: try store.keyspace("default"), expiresIn: 3_600_000)
      batch.delete(key, in: try store.keyspace("fast"))
      try store.commit(batch, durability: durability)
    }
  }

  // MARK: - Many

  /// Puts or batches one after the other, each a state of its own.
  private static func many(
    _ what: String, _ batches: [[[UInt8]]], _ durability: Durability,
    into keyspace: String = "fast", isFirst: Bool = false, isHeavy: Bool = false
  ) -> FaultedOperation {
    @Sendable func key(_ batch: Int, _ index: Int) -> [UInt8] {
      Array("many \(batch) \(index)".utf8)
    }
    let changes = batches.enumerated().map { batch, values in
      { @Sendable (content: inout Content) in
        for (index, value) in values.enumerated() { content[keyspace]?[key(batch, index)] = value }
      }
    }
    return FaultedOperation(
      name: what, changes: changes, isDurable: durability == .synced, isFirst: isFirst,
      isHeavy: isHeavy
    ) { store, _ in
      let keyspace = try store.keyspace(keyspace)
      for (number, values) in batches.enumerated() {
        var batch = WriteBatch()
        for (index, value) in values.enumerated() {
          batch.put(key(number, index), value, in: keyspace)
        }
        try store.commit(batch, durability: durability)
      }
    }
  }

  private static func values(_ count: Int, bytes: Int) -> [[UInt8]] {
    (0..<count).map { [UInt8](repeating: UInt8(truncatingIfNeeded: $0), count: bytes) }
  }

  static let manyWrites: [FaultedOperation] = [
    // The first log holds 16 KiB.
    many(
      "puts from the first log on through two more",
      Array(repeating: values(8, bytes: 950), count: 5), .buffered, isFirst: true),
    many(
      "puts into two more logs, synced", Array(repeating: values(8, bytes: 950), count: 4),
      .synced),
    many("puts of large values", Array(repeating: values(1, bytes: 5_000), count: 4), .buffered),
    // Those behind the first 16 KiB are stored, and the last stand in the next file.
    many(
      "puts of large values into two files", Array(repeating: values(1, bytes: 5_000), count: 10),
      .buffered, into: "plain"),
    many(
      "batches of large values into two files, synced",
      Array(repeating: values(14, bytes: 5_000), count: 2), .synced, into: "plain"),
    // A memtable holds 1 MiB, and is flushed by whoever fills it.
    many(
      "puts that fill a memtable", Array(repeating: values(300, bytes: 1_000), count: 4),
      .buffered, isHeavy: true),
  ]
}
