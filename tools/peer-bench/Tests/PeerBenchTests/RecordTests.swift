import Foundation
import Testing

@testable import PeerBench

/// Records of several runs make one report.
@Suite struct RecordTests {
  @Test func aRecordIsReadBackAsItWasWritten() throws {
    try withFile { path in
      var record = record("fill random", rates: ["Varve": [4, 6], "RocksDB": [2]])
      record.isWhole = true
      try Report(record).writeJSON(to: path)
      let read = try Record(path: path)
      #expect(Report(read).text == Report(record).text)
      #expect(read.runs.count == 3 && read.isWhole)
    }
  }

  @Test func linesMeasuredInSeparateRunsStandTogether() throws {
    let one = record("fill random", rates: ["Varve": [4], "RocksDB": [2]])
    let other = record("read random", rates: ["Varve": [3], "LMDB": [6]])
    let together = try Record(together: [("a", one), ("b", other)])
    let lines = Report(together).lines(.none)
    #expect(lines.first { $0.name == "fill random" }?.ratioToBest == 2)
    #expect(lines.first { $0.name == "read random" }?.ratioToBest == 0.5)
  }

  @Test func roundsOfOneLineFromTwoFilesStayApart() throws {
    let slow = record("fill random", rates: ["Varve": [1], "RocksDB": [0.5]])
    let fast = record("fill random", rates: ["Varve": [30], "RocksDB": [10]])
    let together = try Record(together: [("a", slow), ("b", fast)])
    #expect(Report(together).lines(.none).first?.ratioToBest == 2.5)
  }

  @Test func oneLineAtTwoScalesIsNoLine() {
    let one = record("fill random", rates: ["Varve": [1]])
    let other = record("fill random", rates: ["Varve": [1]], scale: 0.5)
    #expect(throws: PeerFailure.self) { try Record(together: [("a", one), ("b", other)]) }
  }

  @Test func filesThatAreNoRecordsAreRefusedInASentence() {
    #expect(throws: PeerFailure.self) { try Record(path: "/nowhere.json") }
    #expect(throws: PeerFailure.self) { try Record(path: #filePath) }
  }

  @Test func aLineOfThePastIsNamed() {
    let record = record("fill by hand", rates: ["Varve": [4]])
    #expect(Report(record).text.contains("no line has this name: fill by hand"))
  }

  /// Nothing to divide by is no reason to lose a file.
  @Test func aRecordWithNothingToDivideByIsWritten() throws {
    try withFile { path in
      var record = record("read random", rates: ["Varve": [1], "RocksDB": [1]])
      for index in record.runs.indices { record.runs[index].result.seconds = 0 }
      try Report(record).writeJSON(to: path)
      #expect(try Record(path: path).runs.count == 2)
    }
  }

  private func record(
    _ workload: String, rates: KeyValuePairs<String, [Double]>, scale: Double = 1
  ) -> Record {
    var record = Record(engines: ["Varve", "RocksDB", "LMDB"])
    for (peer, rates) in rates {
      for (round, rate) in rates.enumerated() {
        let result = TrialResult(seconds: 1 / rate, operations: 1000)
        record.runs.append(
          Record.Run(
            workload: workload, peer: peer, compression: .none, scale: scale,
            moment: .init(round: round), result: result))
      }
    }
    return record
  }

  private func withFile(_ body: (String) throws -> Void) throws {
    let path = NSTemporaryDirectory() + "peer-bench-\(UUID().uuidString).json"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
  }
}
