import Testing
import VarveFormat
import VarveTestSupport

/// Writes logs by the rules of log.md, crashes, and reads what a disk may have kept.
///
/// ```
///            durable               written, not synced: each piece of 64 bytes
///  log 1  |=================|.x..xx..xxx..|        is kept (x) or reads as before (.):
///  log 2  |==|x..xxx|                              zeros, or an earlier life of the file
/// ```
private struct CrashingWriter {
  static let pieceBytes = 64

  var random: SeededRandom
  var logs: [LogBuilder] = []
  /// What each file held before it became a log: zeros, or records of an earlier life.
  var before: [[UInt8]] = []
  /// Bytes of each log that a sync covered.
  var durable: [Int] = []
  var lastDurableBatch = 0

  init(seed: UInt64) {
    random = SeededRandom(seed: seed)
    rotate()
  }

  var batches: [[UInt8]] { logs.flatMap(\.payloads) }

  mutating func rotate() {
    let number = (logs.last?.number ?? 0) + 1 + random.next() % 3
    let recycled = random.next() % 2 == 0
    logs.append(
      LogBuilder(
        number: number, salt: random.next(), firstSequence: logs.last?.nextSequence ?? 1,
        watermark: logs.last?.watermark ?? .none))
    before.append(recycled ? earlierLife() : [UInt8](repeating: 0, count: 8192))
    durable.append(FileHeader.byteCount)
  }

  private mutating func earlierLife() -> [UInt8] {
    var old = LogBuilder(number: 0xffff, salt: random.next())
    while old.bytes.count < 8192 { old.batch(1, valueBytes: Int(random.next() % 90)) }
    return Array(old.bytes.prefix(8192))
  }

  mutating func step() {
    let last = logs.count - 1
    switch random.next() % 10 {
    case 0 where logs[last].payloads.count > 1: rotate()
    case 1, 2: sync()
    case 3: logs[last].watermarkRecord()
    case 4...6: logs[last].entry(valueBytes: Int(random.next() % 150))
    default:
      logs[last].batch(1 + Int(random.next() % 3), valueBytes: Int(random.next() % 150))
    }
  }

  /// Earlier logs first: a log is wholly durable before a sync of the next one is acknowledged.
  mutating func sync() {
    for index in logs.indices { durable[index] = logs[index].bytes.count }
    let last = logs.count - 1
    // A log without records proves nothing: the watermark stays at the end of the one before.
    if !logs[last].offsets.isEmpty {
      logs[last].sync()
    } else if last > 0 {
      logs[last].watermark = logs[last - 1].end
    }
    lastDurableBatch = batches.count
  }

  /// The files as a disk may hold them after a power cut.
  mutating func crashImage() -> [(number: UInt64, bytes: [UInt8])] {
    var files: [(number: UInt64, bytes: [UInt8])] = []
    for (index, log) in logs.enumerated() {
      var bytes = before[index]
      bytes += [UInt8](repeating: 0, count: max(0, log.bytes.count - bytes.count))
      bytes.replaceSubrange(0..<durable[index], with: log.bytes[0..<durable[index]])
      let keep = random.next() % 4
      var start = durable[index]
      while start < log.bytes.count {
        let end = min((start / Self.pieceBytes + 1) * Self.pieceBytes, log.bytes.count)
        if random.next() % 4 < keep {
          bytes.replaceSubrange(start..<end, with: log.bytes[start..<end])
        }
        start = end
      }
      files.append((log.number, bytes))
    }
    return files
  }

  /// The highest watermark that a record in the durable part of any log states.
  var provedWatermark: LogPosition {
    var highest = LogPosition.none
    for (log, durable) in zip(logs, durable) {
      let walk = LogWalkResult(Array(log.bytes.prefix(durable)), log.identity)
      highest = max(highest, walk.records.map(\.watermark).max() ?? .none)
    }
    return highest
  }
}

@Suite("Crashes of a writer that keeps the rules")
struct LogCrashTests {
  @Test func aCrashNeverLooksLikeDamageAndLosesNothingThatWasSynced() {
    let first: UInt64 = 7_812_806_485_297_723_000
    for seed in first..<first + 600 {
      var writer = CrashingWriter(seed: seed)
      for _ in 0..<5 + writer.random.next() % 40 { writer.step() }
      let files = writer.crashImage()
      do {
        let verdict = try Verdict(files, .forLogs())
        let found = verdict.batches.count
        let isPrefix = verdict.batches == Array(writer.batches.prefix(found))
        if !isPrefix || found < writer.lastDurableBatch {
          Issue.record("SeededRandom(seed: \(seed)): \(found) of \(writer.lastDurableBatch)")
        }
      } catch {
        Issue.record("SeededRandom(seed: \(seed)): \(error)")
      }
    }
  }

  @Test func aFlippedBitBelowAProvedWatermarkIsAlwaysFound() {
    let first: UInt64 = 7_812_806_485_297_723_000
    var tried = 0
    for seed in first..<first + 600 {
      var writer = CrashingWriter(seed: seed)
      for _ in 0..<10 + writer.random.next() % 40 { writer.step() }
      var files = writer.crashImage()
      let proved = writer.provedWatermark
      let index = Int(writer.random.next() % UInt64(files.count))
      let (log, durable) = (writer.logs[index], writer.durable[index])
      let limit = log.number == proved.log ? Int(proved.offset) : durable
      // Records without entries at the end of a log that is not the last hold nothing to lose.
      let lower = index == files.count - 1 ? limit : min(limit, log.endOfEntries)
      guard log.number <= proved.log, lower > FileHeader.byteCount else { continue }
      files[index].bytes = files[index].bytes.flippingBit(
        Int(writer.random.next() % UInt64(lower * 8)))
      tried += 1
      if (try? Verdict(files, .forLogs())) != nil {
        Issue.record("SeededRandom(seed: \(seed)): overlooked")
      }
    }
    #expect(tried > 100)
  }
}

extension LogBuilder {
  /// Where the last batch ends.
  fileprivate var endOfEntries: Int {
    Int(LogWalkResult(bytes, identity).records.last { $0.entryCount > 0 }?.end ?? 0)
  }
}
