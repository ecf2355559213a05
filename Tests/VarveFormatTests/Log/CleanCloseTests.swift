import Testing
import VarveFormat

@Suite("Verdict after a clean close")
struct CleanCloseTests {
  let logs = LogReplayTests.twoLogs()

  @Test func exactlyWhatWasNamedIsReplayed() throws {
    let verdict = try Verdict(LogReplayTests.files(logs), .forLogs(closing: logs))
    #expect(verdict.batches == LogReplayTests.payloads(logs))
    #expect(verdict.durable == logs[1].end)
    #expect(verdict.tornTail == nil)
  }

  @Test func everyFlippedBitIsCorruption() {
    for (index, log) in logs.enumerated() {
      for bit in 0..<log.bytes.count * 8 {
        var files = LogReplayTests.files(logs)
        files[index].bytes = log.bytes.flippingBit(bit)
        if (try? Verdict(files, .forLogs(closing: logs))) != nil {
          Issue.record("bit \(bit) of log \(log.number) was overlooked")
        }
      }
    }
  }

  @Test func everyOtherLengthIsCorruption() {
    for (index, log) in logs.enumerated() {
      var files = LogReplayTests.files(logs)
      for length in 0..<log.bytes.count {
        files[index].bytes = Array(log.bytes.prefix(length))
        if (try? Verdict(files, .forLogs(closing: logs))) != nil {
          Issue.record("length \(length) of log \(log.number) was overlooked")
        }
      }
      files[index].bytes = log.bytes + [0]
      #expect(throws: LogDamage(log: log.number, .excess, at: UInt64(log.bytes.count))) {
        try Verdict(files, .forLogs(closing: logs))
      }
    }
  }

  @Test func aMissingLogIsCorruption() {
    #expect(throws: LogDamage(log: 7, .missing, at: 0)) {
      try Verdict([(9, logs[1].bytes)], .forLogs(closing: logs))
    }
    let empty = LogBuilder(number: 12)
    #expect(throws: LogDamage(log: 12, .missing, at: 0)) {
      try Verdict(LogReplayTests.files(logs), .forLogs(closing: logs + [empty]))
    }
  }

  @Test func aLogThatWasNotNamedIsLeftOver() throws {
    let spare = LogBuilder(number: 8)
    let verdict = try Verdict(
      LogReplayTests.files(logs) + [(8, spare.bytes)], .forLogs(closing: logs))
    #expect(verdict.orphans == [8])
    #expect(verdict.batches == LogReplayTests.payloads(logs))
  }

  @Test func aLogBegunAfterTheCloseFollowsTheRulesOfACrash() throws {
    var later = LogBuilder(number: 1000, firstSequence: 11, watermark: logs[1].end)
    later.batch()
    later.batch()
    var files = LogReplayTests.files(logs) + [(1000, later.bytes)]
    let manifest = Manifest.forLogs(next: 1000, closing: logs)
    #expect(try Verdict(files, manifest).batches == LogReplayTests.payloads(logs + [later]))
    files[2].bytes[later.offsets[1] + 33] ^= 1
    let verdict = try Verdict(files, manifest)
    #expect(verdict.tornTail?.position.log == 1000)
    #expect(verdict.batches.count == LogReplayTests.payloads(logs).count + 1)
  }

  @Test func lengthsAndSequencesMustMatchTheRecords() {
    var manifest = Manifest.forLogs(closing: logs)
    manifest.logs[0].lastSequence.rawValue -= 1
    #expect(throws: LogDamage.self) { try Verdict(LogReplayTests.files(logs), manifest) }
    manifest = .forLogs(closing: logs)
    manifest.isCleanlyClosed = false
    manifest.logs[0].length -= 16
    #expect(throws: LogDamage.self) { try Verdict(LogReplayTests.files(logs), manifest) }
  }

  @Test func aLengthInAnUncleanManifestIsAWatermark() throws {
    var manifest = Manifest.forLogs()
    manifest.logs = [logs[0].extent, logs[1].extent]
    var files = LogReplayTests.files(logs)
    files[1].bytes += [UInt8](repeating: 0, count: 512)
    #expect(try Verdict(files, manifest).durable == logs[1].end)
    files[1].bytes[logs[1].payloadPlace(of: 2)] ^= 1
    #expect(throws: LogDamage.self) { try Verdict(files, manifest) }
  }
}
