import Testing
@testable import Varve
import VarveFormat
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// The file `slots` by itself: whatever becomes of it, what is taken from it is what was put there.
@Suite struct SlotCacheTests {
  private static let path = "store/slots"
  private static let store = FileID(low: 1, high: 2)
  private static let file = FileID(low: 3, high: 4)
  private static let counts = [40, 30, 24]

  private static func disk() throws -> SimulatedFileSystem {
    let disk = SimulatedFileSystem()
    _ = try disk.openDirectory(at: "/store", create: true)
    return disk
  }

  private static func cache(
    _ disk: SimulatedFileSystem, of store: FileID = store, units: Int = 8, isOpen: Bool = true
  ) throws -> SlotCache {
    SlotCache(
      in: try disk.openDirectory(at: "/store", create: false), of: store,
      budget: UInt64(units * SlotFile.unitBytes), ChangeGate(isOpen: isOpen))
  }

  private static func key(_ slot: Int) -> SlotKey { SlotKey(file: file, slot: UInt64(slot)) }

  private static func bytes(_ slot: Int, _ count: Int) -> [UInt8] {
    var random = SplitMix64(seed: UInt64(slot))
    return random.bytes(count)
  }

  private static func block(_ slot: Int, _ count: Int) -> CachedBlock {
    let buffer = AlignedBuffer(capacity: count)
    bytes(slot, count).withByteView { buffer.copy($0) }
    return CachedBlock(buffer, count: count)
  }

  /// Whether the slot is there as it was put there; nil where it is not there.
  private static func isRight(_ cache: SlotCache, _ slot: Int, _ count: Int) -> Bool? {
    guard let block = cache.block(for: key(slot), count: count) else { return nil }
    return withExtendedLifetime(block) { block.bytes.array == bytes(slot, count) }
  }

  /// A disk on which three short slots are kept.
  private static func filled() throws -> SimulatedFileSystem {
    let disk = try disk()
    let cache = try cache(disk)
    for (slot, count) in counts.enumerated() { cache.keep(block(slot, count), for: key(slot)) }
    return disk
  }

  /// How many of the three slots are found; nil where one is other than it was.
  private static func found(_ disk: SimulatedFileSystem, of store: FileID = store) throws -> Int? {
    let cache = try cache(disk, of: store)
    var found = 0
    for (slot, count) in counts.enumerated() {
      guard let isRight = isRight(cache, slot, count) else { continue }
      guard isRight else { return nil }
      found += 1
    }
    return found
  }

  @Test func whatIsKeptIsFoundAgain() throws {
    let disk = try Self.filled()
    #expect(try Self.found(disk) == 3)
    #expect(disk.leaks.isEmpty)
    // Another count, file or slot is another slot; and so is all of another store.
    let cache = try Self.cache(disk)
    #expect(cache.block(for: Self.key(0), count: 39) == nil)
    #expect(cache.block(for: Self.key(7), count: 40) == nil)
    let other = SlotKey(file: FileID(low: 3, high: 5), slot: 0)
    #expect(cache.block(for: other, count: 40) == nil)
    #expect(try Self.found(disk, of: FileID(low: 1, high: 3)) == 0)
  }

  @Test func ofADamagedSlabNothingWrongIsTaken() throws {
    let whole = try #require(try Self.filled().contents()[Self.path])
    let disk = try Self.disk()
    let places =
      (0..<4 * SlotEntry.byteCount).map { $0 }
      + (1...3).flatMap { cell in (0..<40).map { cell * SlotFile.unitBytes + $0 } }
    for place in places where place < whole.count {
      for bit in 0..<8 {
        var bytes = whole
        bytes[place] ^= 1 << UInt8(bit)
        try disk.place(bytes, at: "/" + Self.path)
        let found = try Self.found(disk)
        // The first entry of a table, and what is behind a slot in its cell, mean nothing.
        if (found ?? 0) < 2 { Issue.record("bit \(bit) of byte \(place): \(found as Any)") }
      }
    }
  }

  @Test func ofASlabThatWasCutNothingWrongIsTaken() throws {
    let whole = try #require(try Self.filled().contents()[Self.path])
    let disk = try Self.disk()
    let ends =
      Array(stride(from: 0, through: 320, by: 7))
      + (0...3).flatMap { cell in [-1, 0, 1, 23, 24, 39, 40].map { cell * 65_536 + $0 } }
    for end in ends where end >= 0 && end <= whole.count {
      try disk.place(Array(whole[..<end]), at: "/" + Self.path)
      #expect(try Self.found(disk) != nil, "cut to \(end)")
    }
    try disk.place([UInt8](repeating: 0xff, count: 300_000), at: "/" + Self.path)
    #expect(try Self.found(disk) == 0)
  }

  @Test func cellsThatWereSwappedAreNotTaken() throws {
    let disk = try Self.filled()
    var bytes = try #require(disk.contents()[Self.path])
    let unit = SlotFile.unitBytes
    let first = Array(bytes[unit..<unit + 40])
    bytes.replaceSubrange(2 * unit..<2 * unit + 40, with: first)
    try disk.place(bytes, at: "/" + Self.path)
    #expect(try Self.found(disk) == 2)
  }

  @Test func itNeverGrowsBeyondItsBudget() throws {
    let disk = try Self.disk()
    var cache = try Self.cache(disk, units: 5)
    for slot in 0..<50 {
      cache.keep(Self.block(slot, 65_536), for: Self.key(slot))
      let size = try #require(disk.contents()[Self.path]).count
      if size > 5 * 65_536 { Issue.record("\(size) bytes after slot \(slot)") }
    }
    #expect(cache.bytes == 4 * 65_536)
    #expect(Self.isRight(cache, 49, 65_536) == true)
    // And shrinks with it.
    cache = try Self.cache(disk, units: 3)
    _ = cache.block(for: Self.key(49), count: 65_536)
    #expect(disk.contents()[Self.path]?.count == 3 * 65_536)
  }

  /// More than a table has entries: cells behind the second one are found again too.
  @Test func manyCellsHaveSeveralTables() throws {
    let disk = try Self.disk()
    let count = SlotFile.group + 20
    let cache = try Self.cache(disk, units: count)
    for slot in 0..<count { cache.keep(Self.block(slot, 16), for: Self.key(slot)) }
    #expect(cache.bytes == UInt64((count - 2) * SlotFile.unitBytes))
    let again = try Self.cache(disk, units: count)
    #expect((0..<count).count { Self.isRight(again, $0, 16) == true } == count - 2)
  }

  @Test func aScanDoesNotDriveOutWhatIsReadAgain() throws {
    let cache = try Self.cache(try Self.disk(), units: 41)
    let wanted = 0..<20
    for slot in wanted { cache.keep(Self.block(slot, 64), for: Self.key(slot)) }
    for slot in wanted { _ = cache.block(for: Self.key(slot), count: 64) }
    for slot in 1_000..<2_000 { cache.keep(Self.block(slot, 64), for: Self.key(slot)) }
    let left = wanted.count { cache.block(for: Self.key($0), count: 64) != nil }
    #expect(left == wanted.count)
  }

  @Test func aCacheThatFailsRestsAndTriesAgain() throws {
    let disk = try Self.disk()
    let cache = try Self.cache(disk)
    disk.inject(Fault(.write, "slots", effect: .partial(30, .full)))
    cache.keep(Self.block(0, 40), for: Self.key(0))
    #expect(cache.block(for: Self.key(0), count: 40) == nil)
    // It could be written again at once; that is not tried.
    cache.keep(Self.block(0, 40), for: Self.key(0))
    #expect(cache.block(for: Self.key(0), count: 40) == nil)
    for _ in 0..<256 { cache.keep(Self.block(0, 40), for: Self.key(0)) }
    #expect(cache.block(for: Self.key(0), count: 40) != nil)
    disk.inject(Fault(.read, "slots"))
    #expect(cache.block(for: Self.key(0), count: 40) == nil)
  }

  @Test func whatWasErasedDoesNotComeBack() throws {
    let disk = try Self.filled()
    try Self.cache(disk).erase(file: Self.file)
    #expect(try Self.found(disk) == 0)
  }

  @Test func whoMayNotChangeItDoesNot() throws {
    let disk = try Self.filled()
    let before = disk.fingerprint()
    let cache = try Self.cache(disk, units: 3, isOpen: false)
    cache.keep(Self.block(9, 64), for: Self.key(9))
    #expect(cache.block(for: Self.key(0), count: 40) != nil)
    cache.erase(file: Self.file)
    // It is forgotten here, and stays on disk.
    #expect(cache.block(for: Self.key(0), count: 40) == nil)
    #expect(disk.fingerprint() == before)
  }

  @Test func anEntryIsReadAsItWasWritten() throws {
    let entry = SlotEntry(
      storeID: Self.store, file: Self.file, slot: 1 << 40, count: 65_536, checksum: 7)
    let bytes = entry.encoded()
    #expect(bytes.count == SlotEntry.byteCount)
    #expect(bytes.withByteView { SlotEntry(decoding: $0) } == entry)
    for end in 0..<bytes.count {
      #expect(Array(bytes[..<end]).withByteView { SlotEntry(decoding: $0) } == nil)
    }
    let zeros = [UInt8](repeating: 0, count: 64)
    #expect(zeros.withByteView { SlotEntry(decoding: $0) } == nil)
  }
}
