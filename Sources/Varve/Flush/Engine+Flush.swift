import VarveFormat
import VarvePlatform

// A flush, from frozen memtables to a segment:
//
//   frozen tables ──merge──> drop rules ──> segment (and value file) ──synced──> version edit
//                                                                                   |
//   logs below the floor removed <── value files unpinned <── tables leave the view
//
// All tables that wait go into one segment, so a slow disk makes larger segments and not more.

extension Engine {
  /// Flushes every frozen memtable there is; false when there was none.
  func flushFrozen() throws(StoreError) -> Bool {
    let event = try flushing.withLock { isOver throws(StoreError) -> StoreEvent? in
      if isOver { throw StoreError(.closed, "the store was closed", file: path) }
      if let failure = poison.failure { throw failure }
      let tables = views.pinned().frozen
      if tables.isEmpty { return nil }
      let result = try writeSegment(of: tables)
      var edit = VersionEdit()
      edit.addedSegments = result.segments
      edit.addedValueFiles = result.valueFiles
      edit.logFloor = Self.floor(after: tables, in: views.pinned())
      // Not that of the segments: what nobody reads any more was left out, and the next log must
      // be found to go on where the flushed ones ended.
      edit.lastSequence = result.lastSequence
      return try install(edit, from: result, flushed: tables)
    }
    guard let event else { return false }
    // What failed before is over, and writers may wait for the next one.
    work.setFailure(nil)
    // Outside the lock: who is told may flush, or close.
    report(event)
    return true
  }

  /// The first log that anything but `tables` still needs: that of the memtable made after them.
  private static func floor(
    after tables: [MemTableGeneration], in view: ReadView
  ) -> UInt64 {
    let rest = view.frozen.filter { other in !tables.contains { $0 === other } }
    return rest.reduce(view.active.firstLog) { min($0, $1.firstLog) }
  }

  private func writeSegment(
    of tables: [MemTableGeneration]
  ) throws(StoreError) -> SegmentOutput.Result {
    let rules = SegmentOutput.ValueRules(
      keyspaces: catalog.liveness(), isRelocated: { _ in false })
    var output = SegmentOutput(self, level: 0, rules)
    do throws(StoreError) {
      let sealed = try placement.seal(tables.flatMap(\.valueFiles))
      var merge = MergingCursor(tables.map { EntrySource($0.table) })
      try merge.seekToFirst()
      var survivors = SurvivingEntries(
        merge, dropRules(rules.keyspaces), mayHaveOlder: { _ in true })
      while let entry = try survivors.next() { try output.add(entry) }
      var result = try output.finish()
      result.valueFiles = sealed + result.valueFiles
      result.lastSequence = survivors.largestSequence
      return result
    } catch {
      output.abandon()
      throw stopIfPoisoned(by: error)
    }
  }

  /// Of a file that failed to become durable, or the directory, everybody must know.
  func stopIfPoisoned(by failure: StoreError) -> StoreError {
    failure.code == .poisoned ? poison.set(because: failure) : failure
  }

  /// What nobody can read from now on, as of this moment.
  func dropRules(_ keyspaces: KeyspaceLiveness) -> DropRules {
    DropRules(snapshots.points { readPoint() }, keyspaces)
  }

  private func install(
    _ edit: VersionEdit, from result: SegmentOutput.Result, flushed tables: [MemTableGeneration]
  ) throws(StoreError) -> StoreEvent {
    let handles = tables.flatMap(\.valueFiles)
    let made = result.valueFiles.map { record in
      handles.first { $0.number == record.number }
        ?? ValueFileHandle(number: record.number, obsoleteFiles: obsoleteFiles)
    }
    values.store.add(result.valueFiles)
    versions.adopt(made)
    do throws(StoreError) {
      try versions.commit(edit) { [views] version in
        views.update { $0.installing(version, flushed: tables) }
      }
    } catch {
      remove(result, keeping: handles, after: error)
      throw error
    }
    placement.forget(result.valueFiles)
    for table in tables { table.unpinAll() }
    removeLogs(below: edit.logFloor ?? 0)
    metrics.flushes.add(1)
    metrics.flushedBytes.add(result.bytes)
    work.wantCompaction()
    return .flushed(
      entries: tables.reduce(0) { $0 + $1.table.entryCount }, bytes: result.bytes)
  }
}

// MARK: - On demand

extension Engine {
  /// Flushes everything written before the call.
  func flushAllNow() throws(StoreError) {
    try checkWritable()
    if let failure = log.failure { throw failure }
    try alone { [self] () throws(StoreError) in
      // A close may have overtaken the caller on the way here.
      try checkOpen()
      if !views.pinned().active.table.isEmpty { try freezeMemTable() }
    }
    // Others may go on writing for ever.
    let asked = views.pinned().frozen
    while views.pinned().frozen.contains(where: { table in asked.contains { $0 === table } }),
      try flushFrozen()
    { reclaim() }
    runInlineWork()
  }

  /// Removes the logs that no memtable needs any more, but for those that get another life.
  func removeLogs(below floor: UInt64) {
    let unused = liveLogs.withLock { logs in
      let unused = logs.filter { $0.number < floor }
      logs.removeAll { $0.number < floor }
      return unused
    }
    let recycled = log.retire(below: floor)
    for extent in unused where !recycled.contains(extent.number) {
      obsoleteFiles.add(FileName(.log, extent.number))
    }
    obsoleteFiles.remove(from: directory)
  }
}
extension Engine {
  /// Removes the files of an output that no manifest names, and what is known of them, unless `failure`
  /// leaves open whether one does: the next opening finds out. Value files that memtables point into are
  /// not the output's own and stay.
  func remove(
    _ result: SegmentOutput.Result, keeping kept: [ValueFileHandle], after failure: StoreError
  ) {
    guard failure.code != .poisoned else { return }
    let keptNumbers = Set(kept.map(\.number))
    for segment in result.segments { obsoleteFiles.add(FileName(.segment, segment.number)) }
    for file in result.valueFiles where !keptNumbers.contains(file.number) {
      versions.forget(valueFile: file.number)
      obsoleteFiles.add(FileName(.values, file.number))
    }
    obsoleteFiles.remove(from: directory)
  }
}
