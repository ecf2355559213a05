import VarveFormat

/// All of the store at one moment, immutable: what readers look through, newest layer first.
///
/// ```
///   active memtable -> frozen memtables, newest first -> level 0, newest first -> level 1 -> ...
/// ```
///
/// The first layer that knows a key knows its newest version.
final class ReadView: Sendable {
  let active: MemTableGeneration
  let frozen: [MemTableGeneration]
  let version: Version

  init(active: MemTableGeneration, frozen: [MemTableGeneration], version: Version) {
    self.active = active
    self.frozen = frozen
    self.version = version
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

  /// Bytes held by the memtables that wait to be flushed.
  var frozenBytes: Int { frozen.reduce(0) { $0 + $1.table.allocatedBytes } }
}

/// One moment of the store, pinned: a view and the point to read it at.
@usableFromInline
struct Reading: Sendable {
  let view: ReadView
  let point: ReadPoint
}
