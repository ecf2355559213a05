import VarveFormat
import VarvePlatform

/// Which slot of which file: files are told by what is in them, since two may have had one number.
struct SlotKey: Hashable, Sendable {
  /// The first half of the file's SHA-256.
  var file: FileID
  var slot: UInt64
}

/// Slots of cold files on the local disk: behind those in memory, before the bucket.
///
/// ```
///   memory ──miss──> file `slots` ──miss──> bucket
///     ^                  ^ |                  |
///     └──────────────────┼─┘                  |
///     └──────────────────┴────────────────────┘   what comes is kept in both
/// ```
///
/// Nothing depends on it. Damage anywhere, a full disk, an error of the device: the slot is fetched. What is in
/// the file is looked up in memory (`CacheQueues`, in cells), which is read from the file's tables when
/// memory first misses a slot: opening a store asks nothing of it. No lock is held while cells are read or
/// written: whoever reads one that is being given to another slot sees that by its checksum.
final class SlotCache: Sendable {
  private struct Cell: Sendable, Equatable {
    var unit: Int
    var count: Int
    var checksum: UInt32
  }

  private struct State: Sendable {
    var file: SlotFile?
    var isLoaded = false
    var slots: CacheQueues<SlotKey, Cell>
    /// Cells with nothing in them, below the first unit that was never used.
    var free: [Int] = []
    var nextUnit = 1
    var hits: UInt64 = 0
    var reading = Rest()
    var writing = Rest()
  }

  /// Beyond that its table takes too much memory: let whole files stay.
  static let mostBytes: UInt64 = 64 << 30
  /// A table and two cells: less leaves nothing to choose.
  static let leastBytes = UInt64(3 * SlotFile.unitBytes)

  private let directory: any Directory
  private let storeID: FileID
  private let gate: ChangeGate
  private let units: Int
  private let state: Monitor<State>

  /// - Parameter budget: bytes that the file takes at most.
  /// - Parameter gate: open while the file may be changed.
  init(in directory: any Directory, of storeID: FileID, budget: UInt64, _ gate: ChangeGate) {
    self.directory = directory
    self.storeID = storeID
    self.gate = gate
    units = Int(min(budget, Self.mostBytes)) / SlotFile.unitBytes
    let tables = (units + SlotFile.group - 1) / SlotFile.group
    // What memory did not keep and is read again is wanted: those who come right behind are answered there.
    state = Monitor(State(slots: CacheQueues(capacity: units - tables, provingReads: 1)))
  }

  /// Slots that were found here.
  var hits: UInt64 { state.withLock { $0.hits } }

  /// Bytes of the slots that are here.
  var bytes: UInt64 {
    state.withLock { UInt64($0.slots.count) * UInt64(SlotFile.unitBytes) }
  }
}

/// How long to leave alone what failed: so many tries are not made.
private struct Rest: Sendable {
  private static let tries = 256
  private var left = 0

  mutating func begin() { left = Self.tries }

  /// Whether this try is not to be made.
  mutating func takesThis() -> Bool {
    guard left > 0 else { return false }
    left -= 1
    return true
  }
}

// MARK: - Reading

extension SlotCache {
  /// A slot of `count` bytes; nil where it is not here, or not as it was.
  func block(for key: SlotKey, count: Int) -> CachedBlock? {
    let found = state.withLock { state -> (SlotFile, Cell)? in
      guard prepare(&state), !state.reading.takesThis(), let file = state.file,
        let cell = state.slots.value(for: key), cell.count == count
      else { return nil }
      return (file, cell)
    }
    guard let (file, cell) = found else { return nil }
    do throws(FileSystemError) {
      if let block = try file.read(cell.unit, count: count, checksum: cell.checksum) {
        state.withLock { $0.hits += 1 }
        return block
      }
    } catch {
      state.withLock { $0.reading.begin() }
    }
    drop(key, cell)
    return nil
  }

  /// Whether a slot is known to be here, without a look at the disk.
  func contains(_ key: SlotKey) -> Bool { state.withLock { $0.slots.peek(key) != nil } }

  /// Forgets what is damaged, unless the slot has come anew since.
  private func drop(_ key: SlotKey, _ cell: Cell) {
    state.withLock { state in
      guard state.slots.peek(key) == cell else { return }
      _ = state.slots.remove(key)
      state.free.append(cell.unit)
    }
  }
}

// MARK: - Keeping

extension SlotCache {
  /// Keeps a slot that was fetched, where there is a cell for it.
  func keep(_ block: CachedBlock, for key: SlotKey) {
    // After the store was let go the cells are another's.
    gate.pass {
      guard let (file, unit) = state.withLock({ begin(key, &$0) }) else { return }
      let checksum = CRC32C.checksum(of: block.bytes)
      let entry = SlotEntry(
        storeID: storeID, file: key.file, slot: key.slot, count: block.count, checksum: checksum)
      do throws(FileSystemError) {
        try file.write(block.bytes, entry, to: unit)
        finish(key, Cell(unit: unit, count: block.count, checksum: checksum))
      } catch {
        state.withLock { state in
          state.free.append(unit)
          state.writing.begin()
        }
      }
    }
  }

  /// Forgets the slots of a file that nobody reads any more: their cells are for others.
  func forget(file: FileID) {
    state.withLock { state in
      state.free += state.slots.removeAll { $0.file == file }.map(\.unit)
    }
  }

  /// Forgets the slots of a file for good: something that came from there was damaged.
  func erase(file: FileID) {
    let found = state.withLock { state -> (SlotFile?, [Cell]) in
      prepare(&state) ? (state.file, state.slots.removeAll { $0.file == file }) : (nil, [])
    }
    guard let file = found.0 else { return }
    // Where nothing may be changed here they are only forgotten.
    gate.pass {
      // Where it does not go it may come again, and is found to be damaged again.
      for cell in found.1 { try? file.erase(cell.unit) }
      state.withLock { $0.free += found.1.map(\.unit) }
    }
  }

  /// Takes a cell for a slot: until it is filled it is nobody's.
  private func begin(_ key: SlotKey, _ state: inout State) -> (SlotFile, Int)? {
    guard prepare(&state), !state.writing.takesThis(), state.slots.peek(key) == nil,
      let file = writableFile(&state)
    else { return nil }
    if let unit = state.free.popLast() { return (file, unit) }
    if SlotFile.isTable(state.nextUnit) { state.nextUnit += 1 }
    if state.nextUnit < units {
      state.nextUnit += 1
      return (file, state.nextUnit - 1)
    }
    return state.slots.evict().map { (file, $0.unit) }
  }

  private func finish(_ key: SlotKey, _ cell: Cell) {
    state.withLock { state in
      guard state.slots.peek(key) == nil else { return state.free.append(cell.unit) }
      // There are no more cells than may be in it.
      _ = state.slots.insert(cell, cost: 1, for: key)
      if state.slots.peek(key) == nil { state.free.append(cell.unit) }
    }
  }

  private func writableFile(_ state: inout State) -> SlotFile? {
    if state.file == nil {
      do throws(FileSystemError) { state.file = try SlotFile.create(in: directory) } catch {
        state.writing.begin()
      }
    }
    return state.file
  }
}

// MARK: - Loading

extension SlotCache {
  /// Reads what is in the file, once; false where that cannot be had at the moment.
  private func prepare(_ state: inout State) -> Bool {
    if state.isLoaded { return true }
    guard !state.reading.takesThis() else { return false }
    do throws(FileSystemError) {
      try load(&state)
      state.isLoaded = true
    } catch {
      state.reading.begin()
    }
    return state.isLoaded
  }

  private func load(_ state: inout State) throws(FileSystemError) {
    let isWriter = gate.isOpen
    guard let file = try SlotFile.open(in: directory, forWriting: isWriter) else { return }
    let count = try file.unitCount()
    if count > units, isWriter { try file.cut(to: units) }
    let buffer = AlignedBuffer(capacity: SlotFile.unitBytes)
    var filled: [Int: (SlotKey, Cell)] = [:]
    for table in stride(from: 0, to: min(count, units), by: SlotFile.group) {
      for (unit, entry) in try file.entries(behind: table, buffer)
      where unit < units && entry.storeID == storeID {
        filled[unit] = (
          SlotKey(file: entry.file, slot: entry.slot),
          Cell(unit: unit, count: entry.count, checksum: entry.checksum)
        )
      }
    }
    take(filled, upTo: max(1, min(count, units)), &state)
    state.file = file
  }

  /// What survived was wanted before: it goes by second chances, and what is new has a tenth beside it.
  private func take(_ filled: [Int: (SlotKey, Cell)], upTo end: Int, _ state: inout State) {
    state.nextUnit = end
    for unit in (1..<end).reversed() where !SlotFile.isTable(unit) {
      if let (key, cell) = filled[unit], state.slots.peek(key) == nil {
        _ = state.slots.insert(cell, cost: 1, for: key, isProven: true)
        if state.slots.peek(key) != nil { continue }
      }
      state.free.append(unit)
    }
  }
}
