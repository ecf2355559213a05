import Synchronization
import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// What point reads find, and what they cost. Numbers are those of the list in README.md.
@Suite struct ReadingBehaviourTests {
  /// 81
  @Test(arguments: StoreSetting.allCases)
  func emptyKeysAndEmptyValuesAreLikeAnyOther(in setting: StoreSetting) throws {
    try setting.withStore(background: .none) { store in
      let keyspace = try store.keyspace("k")
      try keyspace.put("", "the empty key")
      try keyspace.put("overwritten", "with something")
      try keyspace.put("overwritten", "")
      try keyspace.put("large, then empty", [UInt8](repeating: 1, count: 9_000))
      try keyspace.put("large, then empty", "")
      for step in 0..<4 {
        if step == 1 { try store.freezeMemTable() }
        if step == 2 { try store.flush() }
        if step == 3 { try store.compact() }
        #expect(try keyspace.text("") == "the empty key", "step \(step)")
        #expect(try keyspace.value(for: "overwritten") == [], "step \(step)")
        #expect(try keyspace.value(for: "large, then empty") == [], "step \(step)")
        #expect(try keyspace.size(ofValueFor: "overwritten") == 0)
        #expect(try keyspace.withValue(for: "overwritten") { $0.count } == 0)
        #expect(try keyspace.entries().map(\.value.count) == [13, 0, 0])
      }
      try keyspace.put("", "")
      #expect(try keyspace.value(for: "") == [])
      try keyspace.delete("")
      #expect(try keyspace.value(for: "") == nil && keyspace.entries().count == 2)
    }
  }

  /// 82
  @Test(arguments: StoreSetting.allCases)
  func theNewerSegmentWinsWhereverItsKeysBeginAndLevelsAreAskedInOrder(
    in setting: StoreSetting
  ) throws {
    try setting.withStore(background: .none) { store in
      let keyspace = try store.keyspace("k")
      try keyspace.put("foo", "in the last level")
      try keyspace.put("only here", "1")
      try store.flush(toLevel: 6)
      try keyspace.put("foo", "one level up")
      try store.flush(toLevel: 5)
      #expect(try keyspace.text("foo") == "one level up")
      // The older of two segments of level 0 begins with the smaller key, then with the larger one.
      for (first, older) in [("bar", "v1"), ("zzz", "v3")] {
        try keyspace.put(first, "b")
        try keyspace.put("foo", older)
        try store.flush()
        #expect(try keyspace.text("foo") == older)
        try keyspace.put("foo", older + ", newer")
        try store.flush()
        #expect(try keyspace.text("foo") == older + ", newer")
      }
      #expect(store.metrics().levels[0].segments == 4)
      #expect(try keyspace.text("only here") == "1")
      try store.compact()
      #expect(try keyspace.text("foo") == "v3, newer")
    }
  }

  /// 92: without a filter every miss would read a block, and the cache is too small for them all.
  @Test func aMissSeldomReadsABlock() throws {
    let system = SimulatedFileSystem()
    var options = StoreOptions.small
    options.readMode = .buffered
    let store = try SegmentStore.open(
      at: "store", options: options,
      components: StoreComponents(
        fileSystem: system, clock: SimulatedClock(), random: SimulatedRandom(seed: 1),
        background: .inline))
    let keyspace = try store.keyspace("k")
    var random = SeededRandom(seed: 1)
    for key in 0..<4_000 as Range<UInt64> {
      try keyspace.put(key * 2, random.bytes(900), durability: .buffered)
    }
    try store.compact()
    _ = try keyspace.value(for: 0 as UInt64)
    func reads(_ body: () throws -> Void) rethrows -> Int {
      let before = system.counts.calls[.read, default: 0]
      try body()
      return system.counts.calls[.read, default: 0] - before
    }
    let misses = try reads {
      for key in 0..<4_000 as Range<UInt64> where try keyspace.contains(key * 2 + 1) {
        Issue.record("\(key * 2 + 1) was never put")
      }
    }
    let hits = try reads {
      for key in 0..<4_000 as Range<UInt64> where try !keyspace.contains(key * 2) {
        Issue.record("\(key * 2) is denied")
      }
    }
    #expect(hits > 400)
    #expect(misses <= 4_000 * 3 / 100, "\(misses) reads for 4,000 misses")
    try store.close()
  }

  /// 93: each thread counts, and writes its count under keys it shares with the others. What is read
  /// was written, and by nobody who had not got that far.
  @Test(.timeLimit(.minutes(1)))
  func aReadersValueIsNeverAheadOfItsWriter() throws {
    try withTemporaryDirectory { path in
      let store = try SegmentStore.open(at: path + "/store", options: .small)
      let keyspace = try store.keyspace("k")
      let counters = (0..<4).map { _ in Counter() }
      let problems = Monitor<[String]>([])
      let threads = try (0..<4).map { thread in
        try WorkerThread(name: "thread \(thread)") {
          var random = SeededRandom(seed: UInt64(thread))
          do {
            for _ in 0..<4_000 {
              let key = UInt32(random.below(60))
              if random.below(2) == 0 {
                counters[thread].add(1)
                try keyspace.put(
                  key, "\(key).\(thread).\(counters[thread].value)", durability: .buffered)
              } else if let value = try keyspace.value(for: key) {
                let parts = String(decoding: value, as: UTF8.self).split(separator: ".")
                guard parts.count == 3, parts[0] == "\(key)", let writer = Int(parts[1]),
                  let count = UInt64(parts[2]), count <= counters[writer].value
                else { throw StoreError(.invalid, "\(key) holds \(parts)") }
              }
              if random.below(500) == 0 { try store.flush() }
            }
          } catch { problems.withLock { $0.append("\(error)") } }
        }
      }
      for thread in threads { thread.join() }
      #expect(problems.withLock { $0 } == [])
      #expect(counters.allSatisfy { $0.value > 1_000 })
      try store.close()
    }
  }
}
