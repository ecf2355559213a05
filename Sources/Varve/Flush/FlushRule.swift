/// When frozen memtables are flushed while writers are busy; pure.
///
/// Several together: an entry that was overwritten in between is never written, and there are fewer
/// segments of level 0 to read through and to merge. What waits is in memory and in the logs, so the
/// number that waits bounds both, and the work of a recovery.
enum FlushRule {
  /// - Parameters:
  ///   - tables: frozen memtables.
  ///   - valueBytes: values in value files behind their pointers, which a recovery writes again.
  static func isDue(tables: Int, valueBytes: UInt64, _ derived: DerivedOptions) -> Bool {
    tables >= derived.gatheredMemTables
      || tables > 0 && valueBytes >= derived.unflushedValueBytes
  }
}
