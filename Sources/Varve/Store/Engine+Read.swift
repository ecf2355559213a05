import Synchronization
import VarveFormat

// A read, from the key to the lent bytes:
//
//   epoch      the current view stays alive without a counted reference
//   point      the visible sequence, loaded after the view: never older than what the view dropped
//   find       active memtable, frozen memtables, level 0, then one segment of each level
//   resolve    deletes and expired entries are absent; pointers lead to a value file

extension Engine {
  var visible: SequenceNumber {
    SequenceNumber(visibleSequence.load(ordering: .acquiring))
  }

  /// Now, as a point to read at.
  func readPoint() -> ReadPoint { ReadPoint(sequence: visible, time: clock.now()) }

  /// One moment, pinned until dropped.
  func beginReading() -> Reading {
    let view = views.pinned()
    return Reading(view: view, point: readPoint())
  }

  /// Lends the visible entry of an engine key to `body`, nil where there is none.
  @inline(__always)
  func withEntry<Result>(
    of key: ByteView, in reading: Reading?, _ body: (FoundEntry?) -> Result
  ) throws(StoreError) -> Result {
    if let reading {
      let found = try reading.view.find(key, at: reading.point.sequence)
      return body(found.flatMap { $0.isVisible { reading.point.time } ? $0 : nil })
    }
    return try views.read { view throws(StoreError) in
      let found = try view.find(key, at: visible)
      return body(found.flatMap { $0.isVisible { clock.now() } ? $0 : nil })
    }
  }
}

extension FoundEntry {
  /// What a memtable lends, for as long as the view is held.
  init(_ entry: EntryView) {
    self.init(
      sequence: entry.sequence, kind: entry.kind, expiry: entry.expiry, value: entry.value,
      owner: nil)
  }

  /// Whether the entry is a value that readers see; asks for the time only where it matters.
  @inline(__always)
  func isVisible(_ now: () -> ExpiryTime) -> Bool {
    switch kind {
    case .put, .pointer: expiry == 0 || expiry > now()
    case .delete, .rangeDelete: false
    }
  }
}

extension ReadView {
  /// The newest version of `key` at or below `sequence`, deletes included.
  @inline(__always)
  func find(_ key: ByteView, at sequence: SequenceNumber) throws(StoreError) -> FoundEntry? {
    if let entry = active.table.find(key, at: sequence) { return FoundEntry(entry) }
    for generation in frozen {
      if let entry = generation.table.find(key, at: sequence) { return FoundEntry(entry) }
    }
    return try version.find(key, at: sequence)
  }
}

extension Version {
  /// The newest version of `key` in any segment.
  func find(_ key: ByteView, at sequence: SequenceNumber) throws(StoreError) -> FoundEntry? {
    let hash = XXH64.hash(of: key)
    for segment in levelZero where segment.covers(key) {
      if let found = try segment.reader.find(key, hash: hash, at: sequence) { return found }
    }
    for level in levels {
      let index = level.firstIndex(reaching: key)
      guard index < level.segments.count, !level.segments[index].smallestKey(isAbove: key) else {
        continue
      }
      if let found = try level.segments[index].reader.find(key, hash: hash, at: sequence) {
        return found
      }
    }
    return nil
  }
}
