import Varve
import VarveTestSupport

// Vectors: of eight numbers, in segments, and of three hundred, in value files.

extension FaultedOperation {
  private static let names = ["vectors", "vectors, large"]

  static let readsOfVectors: [FaultedOperation] = [
    FaultedOperation(name: "withVector") { store, content in
      let snapshot = try store.snapshot()
      for (name, entries) in content.inOrder where names.contains(name) {
        let keyspace = try store.keyspace(name)
        for (key, value) in entries {
          let found = try keyspace.withVector(for: key, as: Float.self) { $0.bytes }
          try expect(found, value, "withVector")
          let then = try snapshot.withVector(for: key, in: keyspace, as: Float.self) { $0.bytes }
          try expect(then, value, "withVector of a snapshot")
        }
      }
    },
    FaultedOperation(name: "forEachVector") { store, content in
      for snapshot in [nil, try store.snapshot()] {
        for (name, entries) in content.inOrder where names.contains(name) {
          var found: [KeyValue] = []
          try store.keyspace(name).forEachVector(as: Float.self, at: snapshot) { key, vector in
            found.append(KeyValue([UInt8](copying: key), vector.bytes))
          }
          try expect(found, entries.map { KeyValue($0.key, $0.value) }, "forEachVector")
        }
      }
    },
  ]

  static let ofVectors: [FaultedOperation] =
    readsOfVectors + [
      put("put a vector", names[0], FaultedStore.dimension),
      put("put a large vector", names[1], FaultedStore.largeDimension),
      FaultedOperation(
        name: "batch of vectors",
        changes: [{ $0[names[0]]?[key] = vector(FaultedStore.dimension).span.bytes }],
        isDurable: true
      ) { store, _ in
        var batch = WriteBatch()
        let numbers = vector(FaultedStore.dimension)
        batch.put(key, vector: numbers.span, in: try store.keyspace(names[0]))
        try store.commit(batch)
      },
    ]

  private static let key = Array("key 5".utf8)

  private static func vector(_ dimension: Int) -> [Float] {
    (0..<dimension).map { Float($0) / 2 }
  }

  private static func put(
    _ name: String, _ keyspace: String, _ dimension: Int
  ) -> FaultedOperation {
    FaultedOperation(
      name: name, changes: [{ $0[keyspace]?[key] = vector(dimension).span.bytes }],
      isDurable: true
    ) { store, _ in
      let numbers = vector(dimension)
      try store.keyspace(keyspace).put(key, vector: numbers.span)
    }
  }
}

extension Span<Float> {
  /// The bytes of the numbers as they are stored, the lowest first.
  fileprivate var bytes: [UInt8] {
    var bytes: [UInt8] = []
    for index in indices {
      let bits = self[index].bitPattern
      bytes += (0..<4).map { UInt8(truncatingIfNeeded: bits >> ($0 * 8)) }
    }
    return bytes
  }
}
