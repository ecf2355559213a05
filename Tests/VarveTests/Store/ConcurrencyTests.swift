import Synchronization
import Testing
import VarvePlatform
import VarveTestSupport

@testable import Varve

/// Everything at once, on the machine's own files and threads.
@Suite struct StoreConcurrencyTests {
  /// Values carry what a reader can check: the writer's round, as text, repeated to some length.
  private static func value(_ round: Int, _ count: Int) -> [UInt8] {
    let text = Array("\(round)|".utf8)
    return Array((0..<count / text.count + 1).flatMap { _ in text })
  }

  private static func round(of value: Span<UInt8>) -> Int? {
    var number = 0
    for index in value.indices {
      if value[index] == UInt8(ascii: "|") { return number }
      number = number * 10 + Int(value[index]) - 48
    }
    return nil
  }

  @Test func readersWritersCursorsFlushesCompactionsAndSnapshotsGoTogether() throws {
    try withTemporaryDirectory { path in
      var options = StoreOptions.small
      options.memoryBudget = 8 << 20
      let store = try SegmentStore.open(at: path + "/store", options: options)
      let keyspace = try store.keyspace("k")
      let other = try store.keyspace("o")
      let rounds = 100
      let isDone = Atomic<Bool>(false)
      let problems = Monitor<[String]>([])
      func watch(_ what: String, _ body: @escaping @Sendable () throws -> Void) throws
        -> WorkerThread
      {
        try WorkerThread(name: what) {
          do { try body() } catch { problems.withLock { $0.append("\(what): \(error)") } }
        }
      }
      var writers: [WorkerThread] = []
      for writer in 0..<3 {
        writers.append(
          try watch("writer \(writer)") {
            for round in 1...rounds {
              var batch = WriteBatch()
              for key in 0..<20 {
                let bytes = Self.value(round, key % 7 == 0 ? 3_000 : 60)
                batch.put("w\(writer)-\(key)", bytes, in: keyspace)
              }
              batch.put("w\(writer)", "\(round)|", in: other)
              if round % 10 == 0 { batch.delete("w\(writer)-19", in: keyspace) }
              try store.commit(batch, durability: round % 15 == 0 ? .synced : .buffered)
            }
          })
      }
      var helpers: [WorkerThread] = []
      for reader in 0..<2 {
        helpers.append(
          try watch("reader \(reader)") {
            var seen = [Int](repeating: 0, count: 3)
            while !isDone.load(ordering: .acquiring) {
              for writer in 0..<3 {
                let round = try keyspace.withValue(for: "w\(writer)-7") { Self.round(of: $0) }
                guard let round = round ?? 0 else { throw StoreError(.invalid, "garbage was read") }
                guard round >= seen[writer] else { throw StoreError(.invalid, "a read went back") }
                seen[writer] = round
              }
            }
          })
      }
      helpers.append(
        try watch("scanner") {
          var order = ScanOrder.ascending
          while !isDone.load(ordering: .acquiring) {
            let snapshot = try store.snapshot()
            for writer in 0..<3 {
              var rounds: Set<Int> = []
              try keyspace.forEach(
                in: KeyRange(prefix: Array("w\(writer)-".utf8)), order: order, at: snapshot
              ) { _, value in
                if let round = Self.round(of: value) { rounds.insert(round) }
              }
              let other = try snapshot.withValue(for: "w\(writer)", in: other) {
                Self.round(of: $0)
              }
              if let other = other ?? nil { rounds.insert(other) }
              guard rounds.count <= 1 else {
                throw StoreError(.invalid, "a snapshot saw rounds \(rounds) of one batch")
              }
            }
            order = order == .ascending ? .descending : .ascending
          }
        })
      helpers.append(
        try watch("upkeep") {
          while !isDone.load(ordering: .acquiring) {
            try store.flush()
            try store.compact()
            _ = store.metrics()
          }
        })
      for writer in writers { writer.join() }
      isDone.store(true, ordering: .releasing)
      for helper in helpers { helper.join() }
      #expect(problems.withLock { $0 } == [])
      for writer in 0..<3 {
        #expect(try keyspace.value(for: "w\(writer)-7") == Self.value(rounds, 3_000))
        #expect(try keyspace.contains("w\(writer)-19") == false)
      }
      try store.close()
      let again = try SegmentStore.open(at: path + "/store", options: options)
      let reopened = try #require(try again.existingKeyspace("k"))
      #expect(try reopened.value(for: "w2-14") == Self.value(rounds, 3_000))
      try again.close()
    }
  }
}
