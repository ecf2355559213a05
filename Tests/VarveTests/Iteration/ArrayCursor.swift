import VarveFormat
import VarvePlatform
import VarveTestSupport

@testable import Varve

/// The plain cursor that others are held to: an array, and an index into it.
///
/// It lends memory as strictly as a cursor may: every move overwrites what was lent before. It
/// counts moves, and throws at the one it is told to.
struct ArrayCursor: EntryCursor {
  /// What the cursor shares with its test.
  final class Faults {
    var moves = 0
    var seeks = 0
    var failAtMove = Int.max
    /// When set, every move adds this entry first, as a writer beside a reader would.
    var added: [OwnedEntry] = []
  }

  private(set) var entries: [OwnedEntry]
  private let faults: Faults
  private var index: Int?
  private var lent: AlignedBuffer?
  private(set) var entry: EntryView?

  init(_ entries: [OwnedEntry], _ faults: Faults = Faults()) {
    self.entries = entries.sorted()
    self.faults = faults
  }

  /// Walks entries as they are, in order or not, as a forged file would show them.
  init(asTheyAre entries: [OwnedEntry]) {
    self.init([])
    self.entries = entries
  }

  mutating func seekToFirst() throws(StoreError) {
    try move(isSeek: true) { _, _ in 0 }
  }

  mutating func seekToLast() throws(StoreError) {
    try move(isSeek: true) { entries, _ in entries.count - 1 }
  }

  mutating func seek(_ key: ByteView, _ sequence: SequenceNumber) throws(StoreError) {
    let target = OwnedEntry(key.array, sequence.rawValue)
    try move(isSeek: true) { entries, _ in
      entries.firstIndex { !($0 < target) } ?? entries.count
    }
  }

  mutating func seek(before key: ByteView, _ sequence: SequenceNumber) throws(StoreError) {
    let target = OwnedEntry(key.array, sequence.rawValue)
    try move(isSeek: true) { entries, _ in
      (entries.firstIndex { !($0 < target) } ?? entries.count) - 1
    }
  }

  mutating func next() throws(StoreError) {
    if entry != nil { try move(isSeek: false) { _, index in index + 1 } }
  }

  mutating func previous() throws(StoreError) {
    if entry != nil { try move(isSeek: false) { _, index in index - 1 } }
  }

  private mutating func move(
    isSeek: Bool, _ target: ([OwnedEntry], Int) -> Int
  ) throws(StoreError) {
    let standing = index.map { entries[$0] }
    _ = unsafe lent?.withMutableBytes {
      unsafe $0.initializeMemory(as: UInt8.self, repeating: 0xdd)
    }
    (entry, index) = (nil, nil)
    faults.moves += 1
    precondition(faults.moves < 1_000_000, "a walk that does not end")
    if isSeek { faults.seeks += 1 }
    if faults.moves == faults.failAtMove { throw StoreError(.corrupted, "as the test asked") }
    addNewEntries()
    let here = standing.flatMap { entries.firstIndex(of: $0) } ?? 0
    let reached = target(entries, here)
    if entries.indices.contains(reached) { stand(at: reached) }
  }

  private mutating func addNewEntries() {
    for new in faults.added {
      guard new.sequence <= faults.moves, !entries.contains(new) else { continue }
      entries.append(new)
      entries.sort()
    }
  }

  private mutating func stand(at reached: Int) {
    let owned = entries[reached]
    let buffer = AlignedBuffer(capacity: owned.key.count + owned.value.count)
    owned.key.withByteView { buffer.copy($0) }
    owned.value.withByteView { buffer.copy($0, to: owned.key.count) }
    entry = EntryView(
      key: buffer.view(count: owned.key.count), sequence: SequenceNumber(owned.sequence),
      kind: owned.kind, expiry: owned.expiry, value: buffer.view().dropping(owned.key.count))
    lent = buffer
    index = reached
  }
}

extension SeededRandom {
  mutating func oneIn(_ chances: Int) -> Bool { below(chances) == 0 }
}
