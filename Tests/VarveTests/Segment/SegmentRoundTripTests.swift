import Testing
import VarveFormat
import VarvePlatform
import VarveTestSupport

@testable import Varve

/// How one of the generated segments is laid out.
struct Layout: Sendable, CustomStringConvertible {
  var name: String
  var options = SegmentOptions()
  var policy = SegmentBlockPolicy()

  var description: String { name }

  static let all: [Layout] = [
    Layout(name: "defaults"),
    Layout(
      name: "tiny blocks and leaves", options: SegmentOptions(indexLeafBytes: 512),
      policy: SegmentBlockPolicy(blockBytes: 64, compression: .none)),
    Layout(
      name: "one entry a block",
      policy: SegmentBlockPolicy(blockBytes: 0, compression: .none)),
    Layout(
      name: "no filter", options: SegmentOptions(filterBitsPerKey: 0),
      policy: SegmentBlockPolicy(blockBytes: 500, compression: .lz4)),
    Layout(
      name: "a large filter", options: SegmentOptions(filterBitsPerKey: 32),
      policy: SegmentBlockPolicy(blockBytes: 65_535, compression: .none)),
    Layout(name: "lz4", policy: SegmentBlockPolicy(blockBytes: 4096, compression: .lz4)),
    Layout(
      name: "zstd", policy: SegmentBlockPolicy(blockBytes: 65_535, compression: .zstd(level: 3))),
    Layout(
      name: "aligned to 8",
      policy: SegmentBlockPolicy(blockBytes: 1024, alignmentShift: 3, compression: .none)),
    Layout(
      name: "aligned to 64", options: SegmentOptions(indexLeafBytes: 600),
      policy: SegmentBlockPolicy(blockBytes: 4096, alignmentShift: 6, compression: .none)),
    Layout(
      name: "aligned to 64, automatic",
      policy: SegmentBlockPolicy(blockBytes: 16_384, alignmentShift: 6)),
  ]
}

/// Entries of every sort in order: few keys with many versions, empty keys and values, shared
/// prefixes, pointers, deletes, expiries, now and then something huge.
func randomEntries(seed: UInt64, count: Int = 500) -> [OwnedEntry] {
  var random = SeededRandom(seed: seed)
  var seen: Set<[UInt8]> = []
  var entries: [OwnedEntry] = []
  while entries.count < count {
    let key = randomKey(&random)
    guard seen.insert(key).inserted else { continue }
    let versions = Int.random(in: 0..<10, using: &random) == 0 ? 40 : 1
    let base = UInt64.random(
      in: 1...(1 << UInt64.random(in: 6...55, using: &random)), using: &random)
    for version in 0..<versions {
      entries.append(randomEntry(key, base + UInt64(version * version), &random))
    }
  }
  return entries.sorted(by: <)
}

private func randomKey(_ random: inout SeededRandom) -> [UInt8] {
  let prefix: [UInt8] = [0, 0, 0, UInt8.random(in: 0...2, using: &random)]
  switch Int.random(in: 0..<40, using: &random) {
  case 0: return prefix
  case 1: return prefix + random.bytes(Int.random(in: 1...2000, using: &random))
  case 2...9: return prefix + [UInt8](repeating: 0, count: Int.random(in: 0...20, using: &random))
  case 10...14:
    return prefix + [UInt8](repeating: 255, count: Int.random(in: 0...20, using: &random))
  default:
    return prefix + Array("item/\(UInt32.random(in: 0...9999, using: &random))".utf8)
  }
}

private func randomEntry(
  _ key: [UInt8], _ sequence: UInt64, _ random: inout SeededRandom
) -> OwnedEntry {
  let expiry =
    Int.random(in: 0..<5, using: &random) == 0
    ? UInt64.random(in: 1...UInt64.max, using: &random) : 0
  switch Int.random(in: 0..<12, using: &random) {
  case 0, 1: return OwnedEntry(key, sequence, .delete, expiry: expiry)
  case 2: return OwnedEntry(key, sequence, .put, expiry: expiry)
  case 3:
    var writer = ByteWriter()
    ValuePointer(
      file: UInt64.random(in: 1...3, using: &random), offset: 64, storedCount: 5000,
      fullCount: 9000, checksum: 7, codec: .lz4
    ).encode(to: &writer)
    return OwnedEntry(key, sequence, .pointer, expiry: expiry, value: writer.bytes)
  case 4:
    let text = Array("repeated ".utf8)
    let value = (0..<Int.random(in: 1...400, using: &random)).flatMap { _ in text }
    return OwnedEntry(key, sequence, .put, expiry: expiry, value: value)
  default:
    let value = random.bytes(Int.random(in: 1...120, using: &random))
    return OwnedEntry(key, sequence, .put, expiry: expiry, value: value)
  }
}

/// The index of the first entry at or after `target`.
private func lowerBound(_ target: OwnedEntry, in entries: [OwnedEntry]) -> Int {
  var low = 0
  var high = entries.count
  while low < high {
    let middle = (low + high) / 2
    if entries[middle] < target { low = middle + 1 } else { high = middle }
  }
  return low
}

@Suite struct SegmentRoundTripTests {
  @Test(arguments: Layout.all, ReadMode.allCases)
  func everyEntryComesBackInBothDirections(layout: Layout, mode: ReadMode) throws {
    for seed in UInt64(1)...2 {
      let entries = randomEntries(seed: seed)
      let (file, summary) = try SegmentFixture.write(
        entries, options: layout.options, policy: layout.policy)
      let segment = try SegmentFixture.open(file, mode)
      #expect(summary.size == UInt64(file.bytes.count))
      #expect(segment.properties == summary.properties)
      let forwards = try SegmentFixture.scan(segment)
      #expect(forwards == entries, "seed \(seed)")
      let backwards = try SegmentFixture.scanBackwards(segment)
      #expect(backwards == entries.reversed(), "seed \(seed)")
    }
  }

  @Test(arguments: Layout.all, ReadMode.allCases)
  func pointReadsAgreeWithASortedArray(layout: Layout, mode: ReadMode) throws {
    let seed: UInt64 = 11
    var random = SeededRandom(seed: seed)
    let entries = randomEntries(seed: seed)
    let (file, _) = try SegmentFixture.write(
      entries, options: layout.options, policy: layout.policy)
    let segment = try SegmentFixture.open(file, mode)
    for _ in 0..<600 {
      let model = entries[random.below(entries.count)]
      var key = model.key
      if Bool.random(using: &random) { key.append(UInt8.random(in: 0...255, using: &random)) }
      let limits = [model.sequence, model.sequence - 1, SequenceNumber.max.rawValue, 0]
      let limit = limits[random.below(limits.count)]
      let next = lowerBound(OwnedEntry(key, limit), in: entries)
      let expected = next < entries.count && entries[next].key == key ? entries[next] : nil
      let found = try SegmentFixture.find(key, limit, in: segment)
      if found != expected {
        Issue.record("seed \(seed): \(key) at \(limit): \(String(describing: found))")
      }
    }
  }

  @Test(arguments: Layout.all, ReadMode.allCases)
  func seeksAndStepsAgreeWithASortedArray(layout: Layout, mode: ReadMode) throws {
    for seed in UInt64(5)...6 { try seekAndStep(layout, mode, seed) }
  }

  private func seekAndStep(_ layout: Layout, _ mode: ReadMode, _ seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let entries = randomEntries(seed: seed, count: 300)
    let (file, _) = try SegmentFixture.write(
      entries, options: layout.options, policy: layout.policy)
    let segment = try SegmentFixture.open(file, mode)
    let cursor = SegmentCursor(segment, scratch: random.below(2) == 0 ? nil : BlockScratch())
    var position = -1  // The model: an index of `entries`, or outside for nowhere.
    for step in 0..<1000 {
      var target = entries[random.below(entries.count)]
      if Bool.random(using: &random) { target.key.append(7) }
      target.sequence = [target.sequence, target.sequence + 1, 0][random.below(3)]
      let lower = lowerBound(target, in: entries)
      let isStanding = entries.indices.contains(position)
      switch Int.random(in: 0..<8, using: &random) {
      case 0:
        try target.withView { try cursor.seek($0.key, $0.sequence) }
        position = lower
      case 1:
        try target.withView { try cursor.seek(before: $0.key, $0.sequence) }
        position = lower - 1
      case 2 where step % 20 == 0:
        try cursor.seekToFirst()
        position = 0
      case 3 where step % 20 == 0:
        try cursor.seekToLast()
        position = entries.count - 1
      case 4, 5:
        try cursor.previous()
        position = isStanding ? position - 1 : -1
      default:
        try cursor.next()
        position = isStanding ? position + 1 : -1
      }
      let expected = entries.indices.contains(position) ? entries[position] : nil
      let found = cursor.entry.map(OwnedEntry.init)
      if found != expected {
        Issue.record("seed \(seed), step \(step): \(String(describing: found))")
        return
      }
    }
  }
}
