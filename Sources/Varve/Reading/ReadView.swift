import VarveFormat

/// All of the store at one moment, immutable: what readers look through, newest layer first.
///
/// ```
///   active memtable -> frozen memtables, newest first -> level 0, newest first -> level 1 -> ...
/// ```
///
/// The first layer that knows a key knows its newest version.
@safe
final class ReadView: Sendable {
  let active: MemTableGeneration
  let frozen: [MemTableGeneration]
  let version: Version
  /// The layers once more, for point reads: named without counting a reference, for the view keeps
  /// them. Memtables, newest first, then segments.
  private let tables: [Unmanaged<MemTable>]
  private let segments: Unmanaged<SegmentTable>

  init(active: MemTableGeneration, frozen: [MemTableGeneration], version: Version) {
    self.active = active
    self.frozen = frozen
    self.version = version
    unsafe tables = ([active] + frozen).map { unsafe .passUnretained($0.table) }
    unsafe segments = .passUnretained(version.table)
  }
}

extension ReadView {
  /// This view with the active memtable frozen and `next` in its place.
  func freezing(next: MemTableGeneration) -> ReadView {
    ReadView(active: next, frozen: [active] + frozen, version: version)
  }

  /// This view on another version, without the memtables that were flushed into it.
  func installing(_ version: Version, flushed: [MemTableGeneration] = []) -> ReadView {
    ReadView(
      active: active,
      frozen: frozen.filter { table in !flushed.contains { $0 === table } },
      version: version)
  }

  /// The newest version of `key` at or below `sequence`, deletes included.
  func find(_ key: ByteView, at sequence: SequenceNumber) throws(StoreError) -> FoundEntry? {
    for index in unsafe tables.indices {
      let found = unsafe tables[index].lend { table in
        table.isEmpty ? nil : table.find(key, at: sequence)
      }
      if let found { return FoundEntry(found) }
    }
    return try unsafe segments.lend { segments throws(StoreError) in
      try segments.find(key, at: sequence)
    }
  }

  /// Whether an entry may have an expiry: false where no segment has one and nothing is in memory.
  /// The clock need not be read then.
  var mayHoldExpiring: Bool {
    if version.holdsExpiring { return true }
    for index in unsafe tables.indices {
      if unsafe !tables[index].lend({ $0.isEmpty }) { return true }
    }
    return false
  }

  /// Bytes held by the memtables that wait to be flushed.
  var frozenBytes: Int { frozen.reduce(0) { $0 + $1.table.allocatedBytes } }
}

/// One moment of the store, pinned: a view and the point to read it at.
@usableFromInline
struct Reading: Sendable {
  let view: ReadView
  let point: ReadPoint
}
