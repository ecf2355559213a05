import Testing
import VarveTestSupport

@testable import VarveFormat

@Suite struct DataBlockTests {
  private struct Item: Equatable {
    var key: [UInt8]
    var sequence: UInt64
    var value: [UInt8]
    var expiry: UInt64 = 0
  }

  private func block(_ items: [Item], alignmentShift: UInt8 = 0) -> [UInt8] {
    let builder = DataBlockBuilder(alignmentShift: alignmentShift)
    for item in items {
      item.key.withByteView { key in
        item.value.withByteView { value in
          let entry = EntryView(
            key: key, sequence: SequenceNumber(item.sequence), kind: .put, expiry: item.expiry,
            value: value)
          builder.add(entry, builder.follow(entry), tag: tag(key))
        }
      }
    }
    return builder.finish { $0.array }
  }

  private func tag(_ key: ByteView) -> UInt8 { UInt8(XXH64.hash(of: key) >> 56) }

  private func items(_ bytes: [UInt8]) throws -> [Item] {
    try bytes.withByteView { view in
      let block = try DataBlock(decoding: view, at: 0)
      return try (0..<block.count).map { index in
        let entry = try block.entry(at: index)
        return Item(
          key: block.prefix.array + entry.suffix.array, sequence: entry.sequence.rawValue,
          value: entry.value.array, expiry: entry.expiry)
      }
    }
  }

  @Test func widthsFitTheLargestNumberOfTheBlock() throws {
    for (sequenceWidth, distance) in [0, 1, 255, 256, 65_535, 1 << 16, 1 << 24, 1 << 55]
      .enumerated()
    {
      let entries = [
        Item(key: [1], sequence: 7 + UInt64(distance), value: []),
        Item(key: [1], sequence: 7, value: [1]),
      ].dropLast(distance == 0 ? 1 : 0)
      let bytes = block(Array(entries))
      #expect(try items(bytes) == Array(entries))
      #expect(bytes[5] == [0, 1, 1, 2, 2, 3, 4, 7][sequenceWidth])
    }
    for count in [0, 1, 255, 256, 65_535, 65_536, 70_000] {
      let lone = [Item(key: [1, 2, 3], sequence: 1, value: [UInt8](repeating: 9, count: count))]
      #expect(try items(block(lone)) == lone)
    }
  }

  @Test func theSharedPrefixIsStoredOnce() throws {
    let entries = ["abcd1", "abcd12", "abcd2"].map {
      Item(key: Array($0.utf8), sequence: 1, value: [1])
    }
    let bytes = block(entries)
    let prefix = try bytes.withByteView { (view: ByteView) throws in
      try DataBlock(decoding: view, at: 0).prefix.array
    }
    #expect(prefix == Array("abcd".utf8))
    #expect(try items(bytes) == entries)
    #expect(try items(block([entries[0]])) == [entries[0]])
  }

  @Test func lowerBoundAndFindAgreeWithASearchOneByOne() throws {
    let seed: UInt64 = 8
    var random = SeededRandom(seed: seed)
    for _ in 0..<60 {
      let entries = randomItems(&random)
      let bytes = block(entries, alignmentShift: UInt8(random.below(4)))
      for _ in 0..<60 {
        var key = entries[random.below(entries.count)].key
        if random.below(3) == 0 { key = Array(key.dropLast()) }
        if random.below(3) == 0 { key.append(UInt8(random.below(3))) }
        let sequence = UInt64(random.below(12))
        let isBefore = { (item: Item) in
          item.key.lexicographicallyPrecedes(key) || (item.key == key && item.sequence > sequence)
        }
        let lower = entries.firstIndex { !isBefore($0) } ?? entries.count
        let expected = lower < entries.count && entries[lower].key == key ? entries[lower] : nil
        try bytes.withByteView { view in
          let block = try DataBlock(decoding: view, at: 0)
          try key.withByteView { key in
            let limit = SequenceNumber(sequence)
            let found = try block.find(key, tag: tag(key), at: limit)
            if try block.lowerBound(key, limit) != lower { Issue.record("seed \(seed)") }
            if found?.sequence.rawValue != expected?.sequence { Issue.record("seed \(seed)") }
            if found?.value.array != expected?.value { Issue.record("seed \(seed)") }
          }
        }
      }
    }
  }

  /// Short keys over three bytes, so that heads, tags and prefixes meet often.
  private func randomItems(_ random: inout SeededRandom) -> [Item] {
    var seen: Set<[UInt8]> = []
    var entries: [Item] = []
    for _ in 0...random.below(40) {
      let key = (0..<random.below(6)).map { _ in [0, 1, 255][random.below(3)] as UInt8 }
      guard seen.insert(key).inserted else { continue }
      for sequence in stride(from: 1 + random.below(9), to: 0, by: -4) {
        let value = random.bytes(random.below(20))
        entries.append(Item(key: key, sequence: UInt64(sequence), value: value))
      }
    }
    return entries.sorted {
      $0.key == $1.key
        ? $0.sequence > $1.sequence : $0.key.lexicographicallyPrecedes($1.key)
    }
  }

  @Test func aBlockSaysWhetherAnEntryFits() {
    let builder = DataBlockBuilder(alignmentShift: 6)
    var random = SeededRandom(seed: 4)
    for number in 0..<400 {
      let key: [UInt8] =
        [5, UInt8(number >> 8), UInt8(number & 255)] + random.bytes(random.below(9))
      let value = random.bytes(random.below(300))
      key.withByteView { key in
        value.withByteView { value in
          let entry = EntryView(key: key, sequence: SequenceNumber(9), kind: .put, value: value)
          let step = builder.follow(entry)
          guard !builder.hasRoom(for: entry, step, limit: 2000) else {
            return builder.add(entry, step, tag: 0)
          }
          let count = builder.finish { $0.count }
          #expect(count <= 2000)
          #expect(count > 600)
          #expect(builder.hasRoom(for: entry, step, limit: 0), "an empty block takes any entry")
          builder.add(entry, step, tag: 0)
        }
      }
    }
  }

  @Test func noBytesCrashTheDecoder() {
    var random = SeededRandom(seed: 6)
    let sound = block(randomItems(&random))
    for round in 0..<4000 {
      var bytes = round % 2 == 0 ? sound : random.bytes(random.below(200))
      for _ in 0..<random.below(4) where !bytes.isEmpty {
        bytes[random.below(bytes.count)] = [0, 1, 255, UInt8(random.below(256))][random.below(4)]
      }
      bytes.removeLast(random.below(2) * random.below(bytes.count + 1))
      bytes.withByteView { view in
        guard let block = try? DataBlock(decoding: view, at: 0) else { return }
        for index in -1...block.count { _ = try? block.entry(at: index) }
        for index in 0..<block.count {
          guard let plain = block.plainEntry(at: index, block.layout, notAbove: .max) else {
            continue
          }
          // What the quick way takes, the careful way takes for the same.
          let entry = try? block.entry(at: index)
          #expect(
            entry?.suffix == plain.suffix && entry?.value == plain.value
              && entry?.sequence == plain.sequence && entry?.kind == plain.kind
              && entry?.expiry == 0)
        }
        [1, 255, 0].withByteView { key in
          _ = try? block.lowerBound(key, .max)
          for tag in UInt8.min...UInt8.max { _ = try? block.find(key, tag: tag, at: .max) }
        }
      }
    }
  }
}
