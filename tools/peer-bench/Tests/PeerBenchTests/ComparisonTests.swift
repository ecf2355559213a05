import Foundation
import Testing

@testable import PeerBench

/// A run in which engines fail, disagree, or are broken off keeps what the others found.
@Suite struct ComparisonTests {
  @Test func anEngineThatFailsLeavesTheOthersTheirFigures() throws {
    let record = try run("--only", "fill random,read random", "--rounds", "2") { trial in
      if trial.peer == "LevelDB", trial.workload == "fill random" {
        throw PeerFailure(description: "no space left")
      }
      return Self.result(operations: 1000)
    }
    #expect(record.failures.map(\.peer) == ["LevelDB", "LevelDB"])
    #expect(record.runs.count == 2 * 2 * 6 - 2)
    let lines = Report(record).lines(.none)
    let line = try #require(lines.first)
    #expect(line.hasFailed("LevelDB") && !line.hasFailed("RocksDB"))
    #expect(line.ratioToBest == 1)
    let text = Report(record).text
    #expect(text.contains("failed"))
    #expect(
      text.contains("fill random, LevelDB, without compression, round 2: no space left"))
  }

  @Test func anEngineThatAnswersOtherwiseHasNoFigure() throws {
    let record = try run("--only", "fill random") { trial in
      Self.result(operations: 1000, items: trial.peer == "SQLite" ? 2 : 1)
    }
    #expect(record.failures.map(\.peer) == ["SQLite"])
    #expect(
      record.runs.map(\.peer).sorted() == ["LMDB", "LMDB-map", "LevelDB", "RocksDB", "Varve"])
  }

  @Test func nobodyIsRightWhereTwoDisagree() throws {
    let record = try run("--only", "fill random", "--engines", "varve,lmdb") { trial in
      Self.result(operations: 1000, items: trial.peer == "LMDB" ? 2 : 1)
    }
    #expect(record.failures.count == 2 && record.runs.isEmpty)
  }

  @Test func whatWasFoundBeforeARunIsBrokenOffIsKept() throws {
    var left = 7
    let record = try run("--only", "fill random,read random") { _ in
      left -= 1
      if left < 0 { throw BrokenOff() }
      return Self.result(operations: 1000)
    }
    #expect(record.runs.count == 7 && record.failures.isEmpty && !record.isWhole)
    #expect(Report(record).text.contains("BROKEN OFF"))
  }

  @Test func aRecordIsInItsFileAfterEachLine() throws {
    let path = NSTemporaryDirectory() + "peer-bench-\(UUID().uuidString).json"
    defer { try? FileManager.default.removeItem(atPath: path) }
    var seen: [Int] = []
    _ = try run("--only", "fill random,read random", "--json", path) { trial in
      if trial.peer == "Varve" { seen.append((try? Record(path: path).runs.count) ?? 0) }
      return Self.result(operations: 1000)
    }
    #expect(seen == [0, 6])
    #expect(try Record(path: path).runs.count == 12)
  }

  /// A first turn of every engine at the chosen lines, without compression.
  private func run(
    _ words: String..., take: @escaping (Trial) throws -> TrialResult
  ) throws -> Record {
    let arguments = try Arguments(["--rounds", "1"] + words)
    let journal = Journal(arguments) { _ in }
    let comparison = Comparison(arguments, pass: .none, known: [], journal) { trial, _ in
      try take(trial)
    }
    try? comparison.run()
    return journal.record
  }

  static func result(operations: Int, items: Int = 1) -> TrialResult {
    var tally = Tally()
    for _ in 0..<items { tally.add(Bytes(start: nil, count: 0)) }
    return TrialResult(seconds: 1, operations: operations, content: tally)
  }
}
