import Testing
import VarveFormat
import VarveTestSupport

@testable import Varve

/// Entries of logs, found and sorted where they lie.
@Suite struct ReplayedRunTests {
  /// An entry as it went into a batch.
  private struct Written: Equatable {
    var key: [UInt8]
    var sequence: UInt64
    var kind: EntryKind
    var expiry: ExpiryTime = 0
    var value: [UInt8] = []

    init(
      _ key: [UInt8], _ sequence: UInt64, _ kind: EntryKind, expiry: ExpiryTime = 0,
      value: [UInt8] = []
    ) {
      (self.key, self.sequence, self.kind) = (key, sequence, kind)
      (self.expiry, self.value) = (expiry, value)
    }

    init(_ entry: EntryView) {
      self.init(
        entry.key.array, entry.sequence.rawValue, entry.kind, expiry: entry.expiry,
        value: entry.value.array)
    }
  }

  private static let pointer = ValuePointer(
    file: 9, offset: 96, storedCount: 5, fullCount: 5, checksum: 1, codec: .none)
  private static let movedPointer = ValuePointer(
    file: 12, offset: 4096, storedCount: 5, fullCount: 5, checksum: 2, codec: .none)

  private static func bytes(of pointer: ValuePointer) -> [UInt8] {
    var writer = ByteWriter()
    pointer.encode(to: &writer)
    return writer.bytes
  }

  /// Encodes entries of every kind under `keys`, takes them into a run, and hands on what was written
  /// and what a walk of the run finds. Pointers move to another file.
  private static func roundTrip(
    _ keys: [[UInt8]]
  ) throws -> (written: [Written], found: [Written]) {
    var encoder = BatchEncoder()
    var written: [Written] = []
    for (index, key) in keys.enumerated() {
      let sequence = UInt64(index + 1)
      let expiry: ExpiryTime = index % 3 == 0 ? 0 : 1 << UInt64(index % 60)
      let value = [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: index % 300)
      let engineKey = [0, 0, 0, 1] + key
      try key.withByteView { key in
        switch index % 4 {
        case 0:
          try encoder.delete(key, in: 1)
          written.append(Written(engineKey, sequence, .delete))
        case 1:
          try encoder.put(key, in: 1, at: pointer, expiry: expiry)
          written.append(
            Written(
              engineKey, sequence, .pointer, expiry: expiry, value: bytes(of: movedPointer)))
        default:
          try value.withByteView { try encoder.put(key, in: 1, $0, expiry: expiry) }
          written.append(Written(engineKey, sequence, .put, expiry: expiry, value: value))
        }
      }
    }
    let run = ReplayedRun()
    let found = try encoder.withPayload { payload in
      var decoder = try BatchDecoder(payload)
      var sequence = SequenceNumber(1)
      while let entry = try decoder.next() {
        if entry.kind == .pointer {
          run.append(entry, movedTo: movedPointer, sequence)
        } else {
          run.append(entry, sequence)
        }
        sequence = SequenceNumber(sequence.rawValue + 1)
      }
      let walk = try RunWalk(RunOrder(run.places))
      var found: [Written] = []
      while let entry = walk.entry {
        found.append(Written(entry))
        try walk.next()
      }
      return found
    }
    return (written, found)
  }

  private static func sorted(_ written: [Written]) -> [Written] {
    written.sorted { left, right in
      left.key == right.key
        ? left.sequence > right.sequence : left.key.lexicographicallyPrecedes(right.key)
    }
  }

  /// Keys that differ early, late, here and there, only in length, not at all, and in order already.
  private static func keys(_ shape: String) -> [[UInt8]] {
    var random = SeededRandom(seed: 7)
    return (0..<3_000).map { index in
      switch shape {
      case "random": random.bytes(16)
      case "few": [UInt8](repeating: 3, count: Int(random.below(40)))
      case "late": [UInt8](repeating: 8, count: 30) + random.bytes(3)
      case "ascending": Array("key \(100_000 + index)".utf8)
      // One key leaves the others little to share; they share much, and parts of them more.
      case "nested":
        index == 0
          ? [1] : [UInt8](repeating: 8, count: 20 * (1 + index % 3)) + random.bytes(2 + index % 9)
      // Equal where they are cut off: what ends and what goes on with zeros.
      case "zeros": [2] + [UInt8](repeating: 0, count: index % 40) + [UInt8(random.below(2))]
      default: random.bytes(Int(random.below(4)))
      }
    }
  }

  @Test(arguments: ["random", "few", "late", "ascending", "short", "nested", "zeros"])
  func aRunHoldsWhatWasWrittenInTheOrderOfKeys(_ shape: String) throws {
    let (written, found) = try Self.roundTrip(Self.keys(shape))
    let isSame = found == Self.sorted(written)
    #expect(isSame)
  }

  /// Parted by a key and each half sorted, a run is what it is when it is sorted whole.
  @Test(arguments: ["random", "few", "late", "ascending", "short", "nested", "zeros"])
  func theHalvesOfARunFollowEachOther(_ shape: String) throws {
    var encoder = BatchEncoder()
    for key in Self.keys(shape) { try key.withByteView { try encoder.delete($0, in: 1) } }
    try encoder.withPayload { payload in
      let (run, other) = (ReplayedRun(), ReplayedRun())
      var decoder = try BatchDecoder(payload)
      var sequence: UInt64 = 1
      while let entry = try decoder.next() {
        (sequence < 1000 ? run : other).append(entry, SequenceNumber(sequence))
        sequence += 1
      }
      let whole = Self.walk(run.places + other.places)
      run.append(other)
      #expect(run.count == 3000 && other.count == 0)
      let halves = RunHalves(run.takeParts())
      #expect(run.count == 0)
      let (first, second) = (halves.places(.first), halves.places(.second))
      let found = [first, second].map(Self.walk)
      #expect(found[0] + found[1] == whole)
      // No key is in both, and neither half is small where keys are many.
      #expect(found[0].last?.key != found[1].first?.key)
      if shape != "short" && shape != "few" {
        #expect((600...2400).contains(first.count), "\(first.count)")
      }
    }
  }

  private struct Walked: Equatable {
    var key: [UInt8]
    var sequence: UInt64
  }

  private static func walk(_ places: [EntryPlace]) -> [Walked] {
    let order = RunOrder(places)
    return (0..<order.count).map {
      Walked(key: order[$0].key.array, sequence: order[$0].sequence.rawValue)
    }
  }

  @Test func oneKeyOrNoneHasNoHalves() throws {
    for side in [RunHalves.Side.first, .second] {
      #expect(RunHalves([]).places(side).isEmpty && RunHalves([[], []]).places(side).isEmpty)
    }
    var encoder = BatchEncoder()
    for _ in 0..<500 { try [4].withByteView { try encoder.delete($0, in: 1) } }
    try encoder.withPayload { payload in
      let run = ReplayedRun()
      var decoder = try BatchDecoder(payload)
      while let entry = try decoder.next() { run.append(entry, SequenceNumber(7)) }
      let halves = RunHalves(run.takeParts())
      #expect(halves.places(.first).isEmpty && halves.places(.second).count == 500)
    }
  }

  @Test func theEmptyRunEndsAtOnce() throws {
    #expect(try RunWalk(RunOrder([])).entry == nil)
  }
}
