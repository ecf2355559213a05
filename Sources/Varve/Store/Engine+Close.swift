import Synchronization
import VarveFormat
import VarvePlatform

// A clean close: end the background, flush what is worth a segment, make the log durable and cut it
// to its length, and commit a manifest that names each live log exactly. Within those lengths every
// flaw found later is corruption.

extension Engine {
  /// A log beyond this, or more than so many logs, is flushed at close; less stays in the log, so
  /// that opening, putting and closing in a loop does not make a segment each time.
  static let keptLogBytes: UInt64 = 4 << 20
  private static let keptLogs = 8

  /// Closes the store; the second call does nothing.
  func close() throws(StoreError) {
    guard markClosed() else { return }
    work.stop()
    // An eviction on a caller's thread ends soon now; what goes on in the bucket changes nothing here.
    bucket?.letGo()
    replica?.cold.letGo()
    // A compaction on a caller's thread ends soon now, and must not commit after the lock is gone.
    compacting.withLock { _ in }
    defer { release() }
    guard options.access == .readWrite else { return }
    do throws(StoreError) {
      // Whoever had begun to commit has finished when this leads; nobody begins any more.
      try alone { () throws(StoreError) in }
      // What was buffered may be lost, and perhaps nobody was told of it yet.
      if let failure = log.failure { throw failure }
      try finishWriting()
    } catch {
      log.abandon()
      throw error
    }
  }

  /// Lets go without making anything durable: what a process does that ends.
  func abandon() {
    guard markClosed() else { return }
    work.stop()
    bucket?.letGo()
    replica?.cold.letGo()
    // One for an upload, whose thread nobody waits for.
    compacting.withLock { _ in }
    // A commit under way through a keyspace, which does not hold the store: what it appends must be there before the
    // lock is gone, or be refused. A value that was placed and not committed is an orphan.
    try? alone { () throws(StoreError) in }
    log.abandon()
    release()
  }

  /// Lets go of the keyspaces, which hold the engine: the last act, when nobody holds the store.
  func dissolve() {
    abandon()
    catalog.removeAll()
  }

  private func release() {
    // A flush on a caller's thread must not commit any more when the lock is gone.
    flushing.withLock { isOver in isOver = true }
    // Nor may a file of values be made then.
    placement.close()
    readThreads.close()
    // What the last versions alone had goes now, and not with the next opening.
    views.epochs.collect()
    obsoleteFiles.finish(in: directory)
    fileLock?.release()
  }

  private func finishWriting() throws(StoreError) {
    while try flushFrozen() {}
    if logsAreWorthAFlush {
      try alone { [self] () throws(StoreError) in
        if !views.pinned().active.table.isEmpty { try freezeMemTable() }
      }
      while try flushFrozen() {}
    }
    let pinned = views.pinned().active.valueFiles
    let sealed = try placement.seal(pinned)
    let last = try log.close()
    var edit = VersionEdit()
    edit.addedValueFiles = sealed
    edit.closingLogs = closingLogs(last)
    guard needsCommit(edit) else { return }
    versions.adopt(pinned)
    try versions.commit(edit) { _ in }
    removeUnusedLogs(keeping: edit.closingLogs ?? [])
  }

  private var logsAreWorthAFlush: Bool {
    let live = liveLogs.withLock { $0 }
    guard !views.pinned().active.table.isEmpty else { return false }
    let bytes = log.end.map { end in
      live.reduce(0) { $0 + ($1.number == end.log ? end.offset : $1.length) }
    }
    return live.count > Self.keptLogs || (bytes ?? 0) >= Self.keptLogBytes
  }

  /// The extents of the logs that hold entries not in segments.
  private func closingLogs(_ last: (number: UInt64, length: UInt64)?) -> [LogExtent] {
    let isEmpty = views.pinned().active.table.isEmpty
    guard !isEmpty else { return [] }
    return liveLogs.withLock { logs in
      logs.map { extent in
        guard let last, last.number == extent.number else { return extent }
        return LogExtent(
          number: extent.number, length: last.length, lastSequence: lead.lastInLog)
      }
    }
  }

  /// Whether the current manifest does not say all this already.
  private func needsCommit(_ edit: VersionEdit) -> Bool {
    let manifest = versions.current.manifest
    return !manifest.isCleanlyClosed || manifest.logs != edit.closingLogs
      || !edit.addedValueFiles.isEmpty
  }

  private func removeUnusedLogs(keeping extents: [LogExtent]) {
    let kept = Set(extents.map(\.number))
    for extent in liveLogs.withLock({ $0 }) where !kept.contains(extent.number) {
      obsoleteFiles.add(FileName(.log, extent.number))
    }
  }
}
