import Synchronization
import VarveFormat
import VarvePlatform

// After an unclean end, before the first new write:
//
//   batch ──checked──> values written again ──> run of entries ──sorted──> segment
//                      (ValueRelocation)        (ReplayedRun)               |
//                                                 └── full? the next run     v
//   all durable ──> one manifest that names everything and raises the floor above every log
//
// Nothing of the old files is changed, and nothing new counts before that manifest: a crash at any
// step leaves what was there, and some files that no version names.

/// Takes over what the logs of an unclean end hold.
final class StoreRecovery {
  private let engine: Engine
  private let logs: StoredLogs
  /// Value files that the manifest names, whose values are durable where they lie.
  private let known: Set<UInt64>
  private let relocation: ValueRelocation
  /// By values that lie where they stay.
  private var claims = ValueClaims()
  private var run = ReplayedRun()
  /// The entries of the system keyspace once more, where the catalog finds them.
  private let system: MemTableGeneration
  private var made = SegmentOutput.Result()
  private var entryCount = 0

  /// Prepares the recovery of `logs`, which are not those of a clean close.
  init(_ engine: Engine, _ logs: StoredLogs) {
    self.engine = engine
    self.logs = logs
    let manifest = engine.versions.current.manifest
    known = Set(manifest.valueFiles.map(\.number))
    made.lastSequence = manifest.lastSequence
    system = MemTableGeneration(firstLog: engine.numbers.upcoming)
    relocation = ValueRelocation(
      in: engine.directory, fileBytes: engine.derived.valueFileBytes
    ) { () throws(StoreError) in
      try ValueFileOutput(
        number: try engine.numbers.next(),
        id: FileID(low: engine.random.next(), high: engine.random.next()), in: engine.directory,
        syncsBehind: engine.background == .threads, writesBehind: engine.background == .threads)
    }
  }
}

// MARK: - The course of it

extension StoreRecovery {
  /// Replays everything and makes it durable under a manifest of its own.
  ///
  /// - Returns: how many entries were replayed, and how many bytes behind the last of them dropped.
  func recover() throws(StoreError) -> (entries: Int, tornBytes: UInt64) {
    guard !logs.isEmpty else { return (0, 0) }
    engine.views.update { view in
      ReadView(active: view.active, frozen: [self.system], version: view.version)
    }
    let most = engine.derived.memTableBytes / ReplayedRun.bytesAnEntry
    run.reserve(Int(min(logs.lastSequence.rawValue - made.lastSequence.rawValue, UInt64(most))))
    do throws(StoreError) {
      let tornBytes = try logs.forEachBatch(
        { batch throws(StoreError) in try take(batch) },
        orGathered: { log throws(StoreError) in try self.take(log) })
      try finishWriting()
      try install()
      return (entryCount, tornBytes)
    } catch {
      let failure = engine.stopIfPoisoned(by: error)
      abandon(after: failure)
      throw failure
    }
  }

  /// Removes what was begun, unless it is unknown whether a manifest names it.
  private func abandon(after failure: StoreError) {
    guard failure.code != .poisoned else { return }
    let values = relocation.begun.union(made.valueFiles.map(\.number))
    for segment in made.segments { engine.obsoleteFiles.add(FileName(.segment, segment.number)) }
    for number in values { engine.obsoleteFiles.add(FileName(.values, number)) }
    engine.obsoleteFiles.remove(from: engine.directory)
  }

  /// Adds all entries of a log to the run.
  private func take(_ log: GatheredLog) throws(StoreError) {
    let isTooMuch = run.memoryBytes + log.run.memoryBytes > engine.derived.memTableBytes
    if run.count > 0, isTooMuch { try writeRun() }
    run.append(log.run)
    for record in log.systemRecords {
      try noteSystemEntries(of: StoredLogs.Batch(log: log.number, record: record, isDurable: true))
    }
    entryCount += log.entryCount
    made.lastSequence = max(made.lastSequence, log.lastSequence)
  }

  /// Adds a batch to the run; false, and nothing added, where a value that was not known durable is
  /// not whole: the torn tail begins there.
  private func take(_ batch: StoredLogs.Batch) throws(StoreError) -> Bool {
    if run.memoryBytes >= engine.derived.memTableBytes { try writeRun() }
    let before = run.count
    var isWhole = true
    var isOfSystem = false
    try batch.forEachEntry { entry, sequence throws(StoreError) in
      if entry.kind == .pointer {
        if isWhole { isWhole = try append(entry, sequence, isDurable: batch.isDurable) }
      } else {
        run.append(entry, sequence)
      }
      isOfSystem = isOfSystem || entry.keyspace == SystemKeyspace.number
    }
    guard isWhole else {
      run.removeAll(from: before)
      return false
    }
    if isOfSystem { try noteSystemEntries(of: batch) }
    entryCount += batch.record.entryCount
    made.lastSequence = max(made.lastSequence, batch.lastSequence)
    return true
  }

  /// Adds an entry with a pointer, its value written again if it must be; false where the value is
  /// not whole and may be missing. One that cannot be read may be there: nothing is decided then.
  private func append(
    _ entry: BatchEntry, _ sequence: SequenceNumber, isDurable: Bool
  ) throws(StoreError) -> Bool {
    let pointer = try engine.values.decode(entry.value)
    guard known.contains(pointer.file) else {
      if let moved = try relocation.move(pointer) {
        run.append(entry, movedTo: moved, sequence)
        return true
      }
      // Damage, if anybody can still read the entry: that shows when the run is written.
      if isDurable { run.append(entry, sequence) }
      return isDurable
    }
    run.append(entry, sequence)
    if isDurable { return true }
    return try engine.values.isWhole(pointer, claiming: &claims)
  }

  private func noteSystemEntries(of batch: StoredLogs.Batch) throws(StoreError) {
    try batch.forEachEntry { entry, sequence in
      guard entry.keyspace == SystemKeyspace.number else { return }
      system.table.insert(
        EntryView(
          key: entry.key, sequence: sequence, kind: entry.kind, expiry: entry.expiry,
          value: entry.value))
    }
  }
}

// MARK: - Segments

extension StoreRecovery {
  /// Writes the run into segments and begins the next one.
  private func writeRun() throws(StoreError) { made = made.joined(by: try writtenRun()) }

  private func writtenRun() throws(StoreError) -> SegmentOutput.Result {
    guard run.count > 0 else { return SegmentOutput.Result() }
    engine.resume(after: made.lastSequence)
    // Policies decide how entries are stored, and which keyspaces are gone.
    try engine.loadCatalog()
    let rules = SegmentOutput.ValueRules(
      keyspaces: engine.catalog.liveness(),
      // What was not whole, and must be: reading it says why.
      isRelocated: { [known, begun = relocation.begun] pointer in
        !known.contains(pointer.file) && !begun.contains(pointer.file)
      })
    let written = try RunWriter(engine: engine, rules: rules).write(run)
    run = ReplayedRun()
    return written
  }

  /// Writes the last run, while another thread waits for the values to be durable.
  private func finishWriting() throws(StoreError) {
    let finishValues = { [relocation] () throws(StoreError) in
      SegmentOutput.Result(valueFiles: try relocation.finish())
    }
    if run.count > 0, !relocation.begun.isEmpty, engine.background == .threads,
      let both = try engine.write(
        { () throws(StoreError) in try writtenRun() }, and: finishValues, by: "varve-values")
    {
      made = made.joined(by: both)
    } else {
      try writeRun()
      made = made.joined(by: try finishValues())
    }
  }

  /// Makes what was written the store's, and the logs unneeded.
  private func install() throws(StoreError) {
    made.valueFiles.sort { $0.number < $1.number }
    var edit = VersionEdit()
    edit.addedSegments = made.segments
    edit.addedValueFiles = made.valueFiles
    edit.logFloor = engine.numbers.upcoming
    edit.lastSequence = made.lastSequence
    engine.values.store.add(made.valueFiles)
    let handles = made.valueFiles.map {
      ValueFileHandle(number: $0.number, obsoleteFiles: engine.obsoleteFiles)
    }
    engine.versions.adopt(handles)
    try engine.versions.commit(edit) { [engine, system] version in
      engine.views.update { $0.installing(version, flushed: [system]) }
    }
    dropUnusedFiles(handles)
    engine.resume(after: made.lastSequence)
    guard !made.segments.isEmpty else { return }
    engine.metrics.flushes.add(1)
    engine.metrics.flushedBytes.add(made.bytes)
    engine.report(.flushed(entries: entryCount, bytes: made.bytes))
  }

  /// Value files in which every value had been overwritten before it was replayed.
  private func dropUnusedFiles(_ handles: [ValueFileHandle]) {
    let used = engine.versions.current.valueFiles
    for handle in handles where used[handle.number] == nil {
      engine.versions.forget(valueFile: handle.number)
      handle.markObsolete()
    }
  }
}

extension Engine {
  /// Goes on behind what was replayed.
  func resume(after sequence: SequenceNumber) {
    lead.nextSequence = sequence.rawValue + 1
    visibleSequence.store(sequence.rawValue, ordering: .releasing)
  }
}
