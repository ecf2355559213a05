import Testing
import VarveTestSupport

@testable import Varve

/// Values as rows of numbers, from every place a value can lie in.
@Suite struct StoreVectorTests {
  private static func vector(_ number: Int, _ dimension: Int) -> [Float] {
    (0..<dimension).map { Float(number) + Float($0) / 1024 }
  }

  private static func check(_ keyspace: Keyspace, _ count: Int, _ dimension: Int) throws {
    for number in 0..<count {
      let isRight = try keyspace.withVector(for: "v\(number)", as: Float.self) { found in
        let address = unsafe found.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) }
        #expect(address % 64 == 0)
        let wanted = vector(number, dimension)
        return found.count == dimension && found.indices.allSatisfy { found[$0] == wanted[$0] }
      }
      #expect(isRight == true)
    }
    #expect(try keyspace.withVector(for: "absent", as: Float.self) { $0.count } == nil)
  }

  // 100 numbers stay inside blocks, 300 go to value files.
  @Test(arguments: StoreSetting.allCases, [100, 300])
  func vectorsAreLentAlignedFromEveryLayer(in setting: StoreSetting, dimension: Int) throws {
    for compression in [Compression.automatic, .none, .lz4] {
      try setting.withStores { open in
        var store = try open()
        var policy = KeyspacePolicy.vectors(of: Float.self, dimension: dimension)
        policy.compression = compression
        let keyspace = try store.keyspace("vectors", policy)
        for number in 0..<40 {
          try keyspace.put("v\(number)", vector: Self.vector(number, dimension).span)
        }
        try Self.check(keyspace, 40, dimension)
        try store.flush()
        try Self.check(keyspace, 40, dimension)
        try store.compact()
        try store.close()
        store = try open()
        let again = try #require(try store.existingKeyspace("vectors"))
        #expect(again.policy == policy)
        try Self.check(again, 40, dimension)
        try store.close()
      }
    }
  }

  @Test func aScanLendsEachVector() throws {
    try StoreSetting.allCases[0].withStore { store in
      let keyspace = try store.keyspace("v", .vectors(of: Float.self, dimension: 5))
      for number in 0..<9 { try keyspace.put("v\(number)", vector: Self.vector(number, 5).span) }
      let snapshot = try store.snapshot()
      try keyspace.put("v3", vector: Self.vector(99, 5).span)
      var sum: Float = 0
      try keyspace.forEachVector(as: Float.self, at: snapshot) { key, vector in
        #expect(key.count == 2)
        sum += vector[0]
      }
      #expect(sum == 36)
      let old = try snapshot.withVector(for: "v3", in: keyspace, as: Float.self) { $0[0] }
      #expect(old == 3)
    }
  }

  @Test func aBatchTakesVectorsOfAnyNumbersAsTheyLieInMemory() throws {
    try StoreSetting.allCases[0].withStore { store in
      let keyspace = try store.keyspace("k")
      let doubles = [1.5, -2, .infinity]
      let integers: [Int16] = [1, -1, .max]
      let nothing: [Float] = []
      var batch = WriteBatch()
      batch.put("doubles", vector: doubles.span, in: keyspace)
      batch.put("integers", vector: integers.span, in: keyspace, expiresIn: 1_000_000)
      batch.put("none", vector: nothing.span, in: keyspace)
      try store.commit(batch)
      #expect(
        try keyspace.withVector(for: "doubles", as: Double.self) { [$0[0], $0[1], $0[2]] }
          == doubles)
      #expect(
        try keyspace.withVector(for: "integers", as: Int16.self) { [$0[0], $0[1], $0[2]] }
          == integers)
      #expect(try keyspace.size(ofValueFor: "integers") == 6)
      #expect(try keyspace.size(ofValueFor: "none") == 0)
    }
  }

  @Test func aVectorOfAnotherSizeIsRefusedWhole() throws {
    try StoreSetting.allCases[0].withStore { store in
      let keyspace = try store.keyspace("v", .vectors(of: Float.self, dimension: 5))
      #expect(code { try keyspace.put("short", [UInt8](repeating: 0, count: 19)) } == .invalid)
      let short = Self.vector(1, 4)
      #expect(code { try keyspace.put("short", vector: short.span) } == .invalid)
      var batch = WriteBatch()
      batch.put("right", [UInt8](repeating: 0, count: 20), in: keyspace)
      batch.put("long", [UInt8](repeating: 0, count: 21), in: keyspace)
      #expect(code { try store.commit(batch) } == .invalid)
      #expect(try keyspace.entries().isEmpty)
      for dimension in [0, -1, .max, 1 << 29] {
        let policy = KeyspacePolicy.vectors(of: Float.self, dimension: dimension)
        #expect(code { _ = try store.keyspace("wrong", policy) } == .invalid)
      }
      let plain = try store.keyspace("plain")
      try plain.put("odd", [1, 2, 3])
      #expect(
        code { try plain.withVector(for: "odd", as: Float.self) { _ in } } == .invalid)
      try plain.put("none", [UInt8]())
      #expect(try plain.withVector(for: "none", as: Double.self) { $0.count } == 0)
    }
  }
}
