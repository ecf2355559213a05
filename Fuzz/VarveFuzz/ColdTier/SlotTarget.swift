import VarveFormat
import VarvePlatform
import VarveSimulation

@testable import Varve

extension FuzzTarget {
  /// The file `slots`: what is taken from it is what an entry and its cell agree on, and it is gone on with.
  static let slots = FuzzTarget("slots", upTo: 16 << 10, sign: { $0.signSlots() }) { bytes in
    let exam = try SlotExam(SlotArchive(bytes.array))
    try exam.look()
    try exam.goOn()
  }
}

struct SlotExam {
  private static let path = "store/" + FileName.slots
  /// A table, the cells of the input and another one.
  private static let units = 5

  private let storeID: FileID
  private let disk = SimulatedFileSystem()
  private let directory: any Directory
  private let file: [UInt8]
  /// What stands in a cell that its entry agrees with: by unit.
  private let sound: [Int: (entry: SlotEntry, bytes: [UInt8])]

  init(_ archive: SlotArchive) throws {
    (file, storeID) = (archive.file, archive.storeID)
    directory = try disk.openDirectory(at: "store", create: true)
    try disk.place(file, at: Self.path)
    var sound: [Int: (SlotEntry, [UInt8])] = [:]
    for unit in 1..<Self.units {
      guard let entry = Self.entry(of: unit, in: file), entry.storeID == storeID else {
        continue
      }
      let bytes = Array(file.dropFirst(unit * SlotFile.unitBytes).prefix(entry.count))
      if bytes.count == entry.count,
        bytes.withByteView(CRC32C.checksum(of:)) == entry.checksum
      {
        sound[unit] = (entry, bytes)
      }
    }
    self.sound = sound
  }

  /// What is accepted as an entry has one form, and says no more than can be.
  private static func entry(of unit: Int, in file: [UInt8]) -> SlotEntry? {
    let bytes = Array(file.dropFirst(unit * SlotEntry.byteCount).prefix(SlotEntry.byteCount))
    guard let entry = bytes.withByteView({ SlotEntry(decoding: $0) }) else { return nil }
    promise(entry.encoded() == bytes, "an entry has another form")
    promise((1...SlotFile.unitBytes).contains(entry.count), "a slot of \(entry.count) bytes")
    return entry
  }

  private func cache(isOpen: Bool, units: Int = units) -> SlotCache {
    SlotCache(
      in: directory, of: storeID, budget: UInt64(units * SlotFile.unitBytes),
      ChangeGate(isOpen: isOpen))
  }

  private static func key(_ entry: SlotEntry) -> SlotKey {
    SlotKey(file: entry.file, slot: entry.slot)
  }

  private static func bytes(_ cache: SlotCache, _ key: SlotKey, _ count: Int) -> [UInt8]? {
    let block = cache.block(for: key, count: count)
    return withExtendedLifetime(block) { block?.bytes.array }
  }
}

// MARK: - Looking

extension SlotExam {
  /// Every slot that an entry speaks of, and those beside it; nothing changes by that.
  func look() throws {
    let cache = cache(isOpen: false)
    for unit in 1..<Self.units {
      guard let entry = Self.entry(of: unit, in: file) else { continue }
      let key = Self.key(entry)
      check(cache, SlotKey(file: key.file, slot: key.slot ^ 1), entry.count)
      check(
        cache, SlotKey(file: FileID(low: key.file.low ^ 1, high: key.file.high), slot: key.slot),
        entry.count)
      check(cache, key, entry.count + 1)
      check(cache, key, entry.count)
    }
    promise(disk.contents()[Self.path] == file, "looking has changed the file")
  }

  /// What is found stands in a cell, for this store, file and slot, of that many bytes.
  private func check(_ cache: SlotCache, _ key: SlotKey, _ count: Int) {
    let found = Self.bytes(cache, key, count)
    let kept = sound.values.filter { Self.key($0.entry) == key && $0.entry.count == count }
    promise(found == nil || kept.contains { $0.bytes == found }, "a slot is taken that nobody kept")
    // Of two cells with the same slot either may be looked at, and then be damaged.
    promise(
      found != nil || kept.isEmpty || entries(of: key) > 1, "a slot that is kept is not found")
  }

  /// How many entries speak of a slot.
  private func entries(of key: SlotKey) -> Int {
    (1..<Self.units).compactMap { Self.entry(of: $0, in: file) }
      .count { $0.storeID == storeID && Self.key($0) == key }
  }
}

// MARK: - Going on

extension SlotExam {
  /// Another slot is kept beside what is there, a file is erased, and another process sees both.
  func goOn() throws {
    let key = SlotKey(file: unusedFile, slot: 3)
    let bytes = (0..<200).map { UInt8($0) }
    let buffer = AlignedBuffer(capacity: bytes.count)
    bytes.withByteView { buffer.copy($0) }
    let cache = cache(isOpen: true)
    cache.keep(CachedBlock(buffer, count: bytes.count), for: key)
    promise(Self.bytes(cache, key, bytes.count) == bytes, "a slot is not kept")
    // Of two cells with one slot one stays, and may come again.
    let erased = sound.values.map(\.entry).first { entries(of: Self.key($0)) == 1 }
    if let erased { cache.erase(file: erased.file) }
    let again = self.cache(isOpen: true)
    promise(Self.bytes(again, key, bytes.count) == bytes, "a slot that was kept is gone")
    if let erased {
      promise(
        Self.bytes(again, Self.key(erased), erased.count) == nil, "a slot that was erased is there")
    }
    let small = self.cache(isOpen: true, units: 3)
    _ = Self.bytes(small, key, bytes.count)
    let size = disk.contents()[Self.path]?.count ?? 0
    promise(size <= 3 * SlotFile.unitBytes, "a smaller cache leaves the file at \(size) bytes")
  }

  /// No entry speaks of it.
  private var unusedFile: FileID {
    let used = (1..<Self.units).compactMap { Self.entry(of: $0, in: file)?.file.low }
    return FileID(low: (11...99).first { !used.contains($0) } ?? 0, high: 12)
  }
}
