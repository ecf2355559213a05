import Varve

// How much a range takes is told about: what can be said of that for certain.

extension ModelRun {
  mutating func approximateSize(_ number: Int, of range: KeyRange) throws {
    guard let moment = moment(number, at: nil), try !refuses(number, moment, "size") else { return }
    try judgeSize(of: range, number, moment.keyspace)
  }

  /// No entry is told of in a range to which nothing was ever written; all that is there of one that is in memory, where
  /// few entries are; and never more than files and memory hold, but for what comes of weighing a few places of many.
  mutating func judgeSize(of range: KeyRange, _ number: Int, _ keyspace: Keyspace) throws {
    let size = try keyspace.approximateSize(of: range)
    // What is where is a matter of time.
    guard options.background != .threads else { return }
    trace.note(size)
    let (least, most) = try bounds(ofSize: range, number)
    guard (least...max(least, most)).contains(size) else {
      throw Difference("keyspace \(number): \(size) bytes in \(range), not \(least)...\(most)")
    }
  }

  /// So many entries of a memtable are counted one by one, and so many blocks of a segment at least.
  private static let countedEntries = 512
  private static let countedBlocks: UInt64 = 16
  /// Between two blocks are fewer bytes than this; a range may begin before them and end behind.
  private static let alignment = 64

  private func bounds(ofSize range: KeyRange, _ number: Int) throws -> (UInt64, UInt64) {
    let metrics = try opened.metrics()
    guard written[number].contains(where: range.contains) else {
      return (0, UInt64(metrics.levels.reduce(0) { $0 + $1.segments } * Self.alignment))
    }
    let entries = metrics.levels.reduce(0) { $0 + $1.entries }
    let files = metrics.levels.reduce(0) { $0 + $1.bytes }
    // Of those behind them so many bytes are told at most, for each time that one block stands for several.
    let values = metrics.liveValueBytes * max(1, entries / Self.countedBlocks)
    let memory = metrics.memTableEntries * (largestEntryBytes + 5)
    let most = files + values + UInt64(memory)
    guard entries == 0, metrics.memTableEntries < Self.countedEntries else { return (0, most) }
    return (UInt64(leastBytes(of: range, number)), most)
  }

  /// Of large values it is not known what they were compressed to.
  private func leastBytes(of range: KeyRange, _ number: Int) -> Int {
    let large = options.policy(of: number).largeValueBytes
    return model.entries(of: number, range).reduce(0) { sum, entry in
      let value = entry.shown.value.count
      return sum + entry.shown.key.count + (value < large ? value : 0)
    }
  }
}

extension KeyRange {
  fileprivate func contains(_ key: [UInt8]) -> Bool {
    (lower.map { key.order(against: $0) >= 0 } ?? true)
      && (upper.map { key.order(against: $0) < 0 } ?? true)
  }
}
