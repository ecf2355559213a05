import VarveFormat

/// Single logs and batches: what a reader of one file makes of them.
enum LogVectors {
  static var good: [Vector] {
    let empty = LogBuilder()
    var one = LogBuilder()
    one.batch()
    var several = LogBuilder()
    several.batch(2)
    several.sync()
    several.watermarkRecord()
    several.batch(1, valueBytes: 0)
    var lagging = LogBuilder(
      number: 70_000, firstSequence: 5, watermark: LogPosition(log: 4465, offset: 4096))
    lagging.batch()
    var skipped = LogBuilder()
    skipped.rawRecord(type: 0x80, payload: [1, 2, 3])
    skipped.batch()
    var entries = LogBuilder(
      number: 300, watermark: LogPosition(log: 45, offset: 16 * UInt64(UInt32.max)))
    entries.entry()
    entries.entry(.pointer)
    entries.sync()
    entries.entry(.delete)
    entries.batch(2)
    entries.entry(valueBytes: 0)
    let zeros = [UInt8](repeating: 0, count: 100)
    return [
      Vector("log", "empty", "a header and nothing else", empty.bytes),
      Vector("log", "empty, allocated", "a header and zeros", empty.bytes + zeros),
      Vector("log", "one batch", "one put of one key", one.bytes),
      Vector("log", "one batch, allocated", "zeros follow the last record", one.bytes + zeros),
      Vector("log", "several records", "two batches, a bare watermark between", several.bytes),
      Vector("log", "watermark lag", "the watermark stands 65535 numbers back", lagging.bytes),
      Vector(
        "log", "entry records", "a put, a pointer, a delete, a batch, an empty value", entries.bytes
      ),
      Vector("log", "ignorable type", "a record of type 0x80 is passed over", skipped.bytes),
    ]
  }

  /// Logs that end before their file does: still decoded, up to where they end.
  static var torn: [Vector] {
    var log = LogBuilder()
    log.batch()
    log.batch(2)
    let last = log.offsets[1]
    func changed(_ place: Int) -> [UInt8] {
      var bytes = log.bytes
      bytes[place] ^= 0x40
      return bytes
    }
    var entry = LogBuilder()
    entry.batch()
    entry.entry()
    func changedEntry(_ place: Int) -> [UInt8] {
      var bytes = entry.bytes
      bytes[entry.offsets[1] + place] ^= 0x10
      return bytes
    }
    var old = LogBuilder(number: 3, salt: 1, firstSequence: 50)
    for _ in 0..<4 { old.batch() }
    var first = LogBuilder()
    first.batch()
    var moved = LogBuilder()
    moved.watermarkRecord()
    var hole = log.bytes
    hole.replaceSubrange(last..<last + 32, with: [UInt8](repeating: 0, count: 32))
    return [
      Vector("log", "cut in a header", "", Array(log.bytes.prefix(last + 31))),
      Vector("log", "cut in a payload", "", Array(log.bytes.prefix(last + 40))),
      Vector("log", "cut in padding", "", Array(log.bytes.dropLast())),
      Vector("log", "header checksum", "", changed(last)),
      Vector("log", "payload checksum field", "the header checksum fails", changed(last + 4)),
      Vector("log", "length", "the header checksum fails", changed(last + 8)),
      Vector("log", "payload", "the payload checksum fails", changed(last + 36)),
      Vector("log", "entry as another type", "the header checksum fails", changedEntry(12)),
      Vector("log", "entry's sequence number", "the header checksum fails", changedEntry(19)),
      Vector("log", "entry's watermark", "the header checksum fails", changedEntry(23)),
      Vector(
        "log", "entry's padding", "padding is covered by being zero",
        changedEntry(entry.bytes.count - entry.offsets[1] - 1)),
      Vector("log", "entry's keyspace", "the payload checksum fails", changedEntry(24)),
      Vector("log", "padding", "padding is covered by being zero", changed(log.bytes.count - 1)),
      Vector("log", "hole", "zeros instead of a header, and more behind them", hole),
      Vector(
        "log", "recycled", "records of an earlier life follow the last record",
        first.bytes + old.bytes[first.bytes.count...]),
      Vector(
        "log", "copied record", "the same bytes at another offset are not a record",
        first.bytes + first.bytes[64...]),
      Vector(
        "log", "copied empty record", "its header checksum alone tells",
        moved.bytes + moved.bytes[64...]),
    ]
  }

  /// Logs whose checksums hold and that break a rule.
  static var broken: [Vector] {
    let one: [UInt8] = [1, 0, 0, 0]
    let cases: [(String, (inout LogBuilder) -> Void)] = [
      ("type 0", { $0.rawRecord(type: 0, payload: one) }),
      ("unknown type", { $0.rawRecord(type: 3, payload: one) }),
      ("reserved byte", { $0.rawRecord(type: 1, payload: one, reserved: 1) }),
      ("huge length", { $0.rawRecord(type: 1, length: .max) }),
      ("sequence zero", { $0.rawRecord(type: 2, sequence: 0) }),
      ("sequence too large", { $0.rawRecord(type: 2, sequence: 1 << 56) }),
      (
        "sequence overflow",
        { $0.rawRecord(type: 1, payload: [2, 0, 0, 0], sequence: (1 << 56) - 2) }
      ),
      ("sequence gap", { $0.rawRecord(type: 2, sequence: 9) }),
      ("no entries", { $0.rawRecord(type: 1, payload: [0, 0, 0, 0]) }),
      ("batch without payload", { $0.rawRecord(type: 1) }),
      ("watermark with payload", { $0.rawRecord(type: 2, payload: one) }),
      ("checksum of nothing", { $0.rawRecord(type: 2, payloadChecksum: 1) }),
      ("watermark beyond the record", { $0.rawRecord(type: 2, watermarkOffset: 4096) }),
      ("watermark unaligned", { $0.rawRecord(type: 2, watermarkOffset: 72) }),
      ("lag without offset", { $0.rawRecord(type: 2, lag: 1) }),
      ("unknown type of entry", { $0.rawEntry(type: 0x13) }),
      ("entry's sequence gap", { $0.rawEntry(sequence: 9) }),
      ("entry shorter than its key", { $0.rawEntry(keyLength: 3) }),
      ("delete with a value", { $0.rawEntry(type: 0x12) }),
      ("pointer of two bytes", { $0.rawEntry(type: 0x14) }),
      ("entry's sequence zero", { $0.rawEntry(sequence: 0) }),
      ("entry's sequence the last", { $0.rawEntry(sequence: (1 << 56) - 1) }),
      ("entry's watermark beyond the record", { $0.rawEntry(watermark: 5) }),
      ("entry's watermark in the header", { $0.rawEntry(lag: 1, watermark: 3) }),
      ("entry's lag without offset", { $0.rawEntry(lag: 1) }),
    ]
    return cases.enumerated().map { index, item in
      var log = LogBuilder()
      // Without a record before it, a wrong first sequence is only what its own rule says.
      if item.0.hasSuffix("sequence gap") { log.batch() }
      item.1(&log)
      return Vector("log", item.0, "checksums hold; a rule is broken", log.bytes)
    }
  }

  static var badFiles: [Vector] {
    let bytes = LogBuilder().bytes
    return [
      Vector("log", "no bytes", "", [], bad: true),
      Vector("log", "cut in the file header", "", Array(bytes.prefix(40)), bad: true),
      Vector("log", "file header changed", "", bytes.flippingBit(250), bad: true),
    ]
  }

  static var batches: [Vector] {
    let all = (try? BatchItem.encode(BatchTests.items)) ?? []
    let head: [UInt8] = [1, 0, 0, 0]
    func bad(_ name: String, _ bytes: [UInt8]) -> Vector {
      Vector("batch", name, "", bytes, bad: true)
    }
    return [
      Vector("batch", "every kind", "puts, a delete, pointers, with and without expiry", all),
      Vector("batch", "smallest", "a delete of the empty key", head + [2, 0, 0, 0, 0, 1]),
      Vector(
        "batch", "same key twice", "the second is newer",
        [2, 0, 0, 0, 1, 1, 0, 0, 0, 1, 7, 1, 8, 2, 1, 0, 0, 0, 1, 7]),
      bad("no count", [1, 0, 0]),
      bad("no entries", [0, 0, 0, 0]),
      bad("more entries than bytes", [2, 0, 0, 0, 2, 0, 0, 0, 0, 1]),
      bad("reserved kind", head + [3, 0, 0, 0, 0, 1]),
      bad("unknown flag", head + [0x22, 0, 0, 0, 0, 1]),
      bad("delete that expires", head + [0x12, 0, 0, 0, 0, 1, 1]),
      bad("expiry of never", head + [0x11, 0, 0, 0, 0, 1, 0, 0]),
      bad("key beyond the end", head + [2, 2, 0, 0, 0, 1, 7]),
      bad("key too long", head + [2, 0x80, 0x80, 4, 0, 0, 0, 1]),
      bad("long form of a varint", head + [2, 0x80, 0, 0, 0, 0, 1]),
      bad("value too long", head + [1, 0, 0, 0, 0, 1, 0x81, 0x80, 0x80, 0x80, 4]),
      bad("value beyond the end", head + [1, 0, 0, 0, 0, 1, 3, 9, 9]),
      bad("pointer cut", head + [4, 0, 0, 0, 0, 1, 3, 9, 9]),
      bad("pointer with a reserved byte", Array(all.dropLast()) + [1]),
      bad("excess", head + [2, 0, 0, 0, 0, 1, 0]),
    ]
  }
}
