import Testing
import VarveFormat
import VarveTestSupport

@testable import Varve

/// A level of many segments, read in parts.
@Suite struct LevelPartTests {
  private static let count = 3_000

  private static func key(_ number: Int) -> String { "key-\(10_000 + number)" }

  /// Lends a store with all keys in one level of several segments, and the numbers of the keys at
  /// which segments begin and end, and their neighbours.
  private static func withLevel(
    on kind: FileSystemKind, _ body: (Keyspace, Level, _ edges: [Int]) throws -> Void
  ) throws {
    var options = StoreOptions.small
    options.segmentBytes = 64 << 10
    try kind.withStores(options: options) { open in
      let store = try open()
      var policy = KeyspacePolicy()
      policy.compression = .none
      let keyspace = try store.keyspace("many", policy)
      var batch = WriteBatch()
      let value = String(repeating: "v", count: 100)
      for number in 0..<count { batch.put(key(number), value, in: keyspace) }
      try store.commit(batch)
      try store.compact()
      let levels = store.engine.versions.current.levels
      let level = try #require(levels.last { !$0.segments.isEmpty })
      #expect(level.segments.count >= 4)
      try body(keyspace, level, try edges(of: level))
      try store.close()
    }
  }

  private static func edges(of level: Level) throws -> [Int] {
    var edges = Set([0, count - 1])
    for segment in level.segments {
      for key in [segment.record.smallestKey, segment.record.largestKey] {
        let text = String(decoding: key.dropFirst(Limits.keyspacePrefixBytes), as: UTF8.self)
        // The system keyspace has keys of other forms.
        guard let number = Int(text.dropFirst(4)) else { continue }
        edges.formUnion((number - 1...number + 1).map { $0 - 10_000 })
      }
    }
    return edges.filter { (0..<count).contains($0) }.sorted()
  }

  @Test(arguments: FileSystemKind.allCases)
  func rangesThatBeginAndEndAroundSegmentsShowAllOfTheirKeys(on kind: FileSystemKind) throws {
    try Self.withLevel(on: kind) { keyspace, _, edges in
      for (place, from) in edges.enumerated() {
        // One end of each kind of distance is enough: within a segment, next to it, far away.
        for to in edges[place...] where to - from < 8 || to % 3 == 0 {
          let range = KeyRange(from: Array(Self.key(from).utf8), to: Array(Self.key(to).utf8))
          for order in [ScanOrder.ascending, .descending] {
            var cursor = try keyspace.cursor(range, order: order)
            var expected = order == .ascending ? Array(from..<to) : (from..<to).reversed()
            while try cursor.next() {
              let shown = String(copying: cursor.key)
              guard let next = expected.first, shown == Self.key(next) else {
                Issue.record("\(from)..<\(to) \(order): \(shown), \(expected.count) left")
                return
              }
              expected.removeFirst()
              // The middle of a long range is like any other.
              if expected.count > 40 {
                expected = Array(expected.suffix(5))
                #expect(try cursor.seek(to: Self.key(expected[0])))
                expected.removeFirst()
              }
            }
            #expect(expected.count == 0, "\(from)..<\(to) \(order)")
          }
        }
      }
    }
  }

  @Test func onlyTheSegmentsOfARangeAreWalked() throws {
    try Self.withLevel(on: .simulated) { keyspace, level, edges in
      for from in edges {
        for to in edges where to > from {
          let lower = EngineKey.start(of: keyspace.number) + Array(Self.key(from).utf8)
          let upper = EngineKey.start(of: keyspace.number) + Array(Self.key(to).utf8)
          let places = lower.withByteView { lower in
            upper.withByteView { level.places(from: lower, to: $0) }
          }
          let reached = level.segments.indices.filter { index in
            lower.withByteView { lower in
              upper.withByteView { level.segments[index].overlaps(lower, $0) }
            }
          }
          #expect(places.elementsEqual(reached), "\(from)..<\(to)")
        }
      }
    }
  }
}
