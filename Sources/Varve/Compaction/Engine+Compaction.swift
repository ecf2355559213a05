import VarveFormat
import VarvePlatform

// A compaction, in four steps that never mix:
//
//   decide     CompactionPicker, or FullCompaction for the user: pure, from the version
//   describe   CompactionPlan
//   do         merge the inputs, keep what somebody can read, write segments and value files
//   record     a version edit; the inputs go when their last reader has gone
//
// One compaction is at work at a time. A damaged input ends it: the segment is left alone from then
// on, or the value file's values are left where they are, and that is reported. Damaged data is never
// written again under a fresh checksum.

/// What choosing compactions remembers from one to the next.
struct CompactionMemory {
  /// Where round robin goes on, by level.
  var starts: [Int: [UInt8]] = [:]
  /// Segments that were found damaged.
  var unusable: Set<UInt64> = []
  /// Value files that were found damaged: their values are not moved.
  var unmovable: Set<UInt64> = []
  /// Those of both that lie in a bucket, and when that was found, in nanoseconds.
  private var cold: [UInt64: UInt64] = [:]

  /// So long a damaged copy in a bucket is left alone: it may be put right meanwhile.
  private static let patience: UInt64 = 600_000_000_000

  mutating func forgive(at now: UInt64) {
    for (number, since) in cold where now - since >= Self.patience {
      unusable.remove(number)
      unmovable.remove(number)
      cold[number] = nil
    }
  }

  /// Learns from the damage that ended `plan`: which file is to be left alone, or all of the plan's
  /// segments where the error names none of them.
  ///
  /// - Parameter isCold: whether a file lies in a bucket only.
  mutating func learn(
    from damage: StoreError, in plan: CompactionPlan, at now: UInt64, isCold: (FileName) -> Bool
  ) {
    let file = damage.file.flatMap { FileName(parsing: $0) }
    let numbers = plan.segments.map(\.number)
    if let file, file.kind == .values, plan.relocatedValueFiles.contains(file.number) {
      unmovable.insert(file.number)
    } else if let file, file.kind == .segment, numbers.contains(file.number) {
      unusable.insert(file.number)
    } else {
      unusable.formUnion(numbers)
    }
    let files =
      unusable.map { FileName(.segment, $0) } + unmovable.map { FileName(.values, $0) }
    for file in files where cold[file.number] == nil && isCold(file) { cold[file.number] = now }
  }
}

extension Engine {
  var compactionOptions: CompactionOptions {
    var compaction = CompactionOptions(
      segmentBytes: UInt64(options.segmentBytes), flushBytes: UInt64(derived.flushBytes))
    compaction.valueFileBytes = max(1, derived.valueFileBytes)
    return compaction
  }

  /// Does the compaction that is most needed; false when none is.
  func compactOnce() throws(StoreError) -> Bool {
    try compact { CompactionPicker(options: compactionOptions).plan(for: $0) }
  }

  /// Lays out those values in the order of their keys that no bucket has yet, so that neighbours come
  /// with one request once they are cold.
  func orderFreshValues() throws(StoreError) {
    // Others may go on writing for ever.
    let end = numbers.upcoming
    while !work.isPaused,
      try compact({ InputChooser($0, compactionOptions).valueOrder(before: end) })
    { reclaim() }
  }

  /// Does what `choose` chooses; false where that is nothing.
  private func compact(
    _ choose: (CompactionState) -> CompactionPlan?
  ) throws(StoreError) -> Bool {
    let event = try compacting.withLock { memory throws(StoreError) -> StoreEvent? in
      try checkOpen()
      if let failure = poison.failure { throw failure }
      memory.forgive(at: clock.monotonicNanoseconds())
      let state = compactionState(memory)
      guard let plan = choose(state) else { return nil }
      let event: StoreEvent
      do throws(StoreError) {
        event = try carryOut(plan, state.rules)
      } catch {
        guard error.code == .corrupted else { throw error }
        memory.learn(from: error, in: plan, at: clock.monotonicNanoseconds()) { file in
          bucket.map { (try? $0.tiered.localStatus(of: file.description)) == .some(nil) } ?? false
        }
        event = .backgroundFailure(error)
      }
      if let next = plan.nextStart { memory.starts[next.level] = next.key }
      return event
    }
    guard let event else { return false }
    // Outside the lock: who is told may compact, or close.
    report(event)
    return true
  }

  /// Collects all garbage there is, step by step.
  func compactAll() throws(StoreError) {
    work.pause()
    defer { work.resume() }
    try flushAllNow()
    let full = FullCompaction(options: compactionOptions, firstOwnNumber: numbers.upcoming)
    while let event = try carryOutNext(of: full) {
      report(event)
      reclaim()
    }
  }

  /// Does the next step; nil when all is done.
  private func carryOutNext(of full: FullCompaction) throws(StoreError) -> StoreEvent? {
    try compacting.withLock { memory throws(StoreError) in
      try checkOpen()
      if let failure = poison.failure { throw failure }
      let state = compactionState(memory)
      guard let plan = full.next(state) else { return nil }
      return try carryOut(plan, state.rules)
    }
  }

  /// Bytes of free space that ``compactAll()`` would need at most.
  var spaceNeededToCompact: UInt64 {
    FullCompaction(options: compactionOptions, firstOwnNumber: numbers.upcoming)
      .neededBytes(compactionState(CompactionMemory()))
  }

  private func compactionState(_ memory: CompactionMemory) -> CompactionState {
    let version = versions.current
    let open = Set(version.valueFiles.values.filter(\.isPinned).map(\.number))
    return CompactionState(
      segments: version.manifest.segments, valueFiles: version.manifest.valueFiles,
      openValueFiles: open.union(memory.unmovable),
      freshValueFiles: bucket?.freshValueFiles(of: version.manifest) ?? [],
      rules: dropRules(catalog.liveness()), unusable: memory.unusable, starts: memory.starts)
  }
}

// MARK: - Doing

extension Engine {
  private func carryOut(
    _ plan: CompactionPlan, _ rules: DropRules
  ) throws(StoreError) -> StoreEvent {
    var edit = VersionEdit()
    var result = SegmentOutput.Result()
    switch plan.action {
    case .move:
      for segment in plan.segments {
        edit.movedSegments[segment.number] = UInt8(plan.outputLevel)
      }
    case .remove:
      edit.removedSegments = Set(plan.segments.map(\.number))
    case .rewrite:
      result = try rewrite(plan, rules)
      do throws(StoreError) { try check(result, of: plan) } catch {
        remove(result, keeping: [], after: error)
        throw error
      }
      edit.removedSegments = Set(plan.segments.map(\.number))
      edit.addedSegments = result.segments
      edit.addedValueFiles = result.valueFiles
    }
    try record(edit, result)
    metrics.compactions.add(1)
    metrics.compactionReadBytes.add(plan.isMove ? 0 : plan.inputBytes)
    metrics.compactionWrittenBytes.add(result.bytes)
    return .compacted(
      reason: plan.reason.rawValue, readBytes: plan.isMove ? 0 : plan.inputBytes,
      writtenBytes: result.bytes)
  }

  private func rewrite(
    _ plan: CompactionPlan, _ rules: DropRules
  ) throws(StoreError) -> SegmentOutput.Result {
    let (part, rest) = try parts(of: plan)
    guard let rest,
      let halves = try write(
        { () throws(StoreError) in try rewrite(part, of: plan, rules) },
        and: { () throws(StoreError) in try self.rewrite(rest, of: plan, rules) },
        by: "varve-compact-2")
    else { return try rewrite(.all, of: plan, rules) }
    return halves
  }

  /// Writes what survives of the keys of `part`.
  private func rewrite(
    _ part: KeyPart, of plan: CompactionPlan, _ rules: DropRules
  ) throws(StoreError) -> SegmentOutput.Result {
    var output = SegmentOutput(
      self, level: UInt8(plan.outputLevel),
      SegmentOutput.ValueRules(
        keyspaces: catalog.liveness(),
        isRelocated: { plan.relocatedValueFiles.contains($0.file) }),
      pacer: compactionPacer)
    do throws(StoreError) {
      var survivors = SurvivingEntries(
        try merge(plan, from: part.start), rules, isLowest: plan.deeper.isEmpty, before: part.end,
        mayHaveOlder: { plan.deeper.mayHold($0) })
      var cutter = SegmentCutter(grandparents: plan.grandparents, compactionOptions)
      while let entry = try survivors.next() {
        let (bytes, isFull) = (output.segmentBytes, output.hasLongTail)
        if cutter.cuts(before: entry.key, bytes: bytes, isFull: isFull) { try output.cut() }
        try output.add(entry)
      }
      return try output.finish()
    } catch {
      output.abandon()
      throw stopIfPoisoned(by: error)
    }
  }

  /// All inputs as one, standing on the first entry at or after `start`.
  private func merge(
    _ plan: CompactionPlan, from start: [UInt8]?
  ) throws(StoreError) -> MergingCursor<EntrySource> {
    var merge = MergingCursor(try sources(of: plan))
    guard let start else {
      try merge.seekToFirst()
      return merge
    }
    try start.withByteView { key throws(StoreError) in try merge.seek(key, .max) }
    return merge
  }

  /// A cursor over each input: level 0 segment by segment, deeper levels as one. What is read once
  /// leaves the cache alone.
  private func sources(of plan: CompactionPlan) throws(StoreError) -> [EntrySource] {
    let version = versions.current
    var sources: [EntrySource] = []
    for input in plan.inputs {
      let numbers = Set(input.segments.map(\.number))
      let level =
        input.level == 0 ? version.levelZero : version.levels[input.level - 1].segments
      let handles = level.filter { numbers.contains($0.record.number) }
      guard handles.count == numbers.count else {
        throw StoreError(.invalid, "a compaction was planned on another version")
      }
      if input.level == 0 {
        for handle in handles {
          sources.append(.segment(try handle.reader.cursor(fillsCache: false)))
        }
      } else {
        sources.append(
          EntrySource(Level(handles), within: handles.indices, fillsCache: false))
      }
    }
    return sources
  }

  private func record(
    _ edit: VersionEdit, _ result: SegmentOutput.Result
  ) throws(StoreError) {
    values.store.add(result.valueFiles)
    versions.adopt(
      result.valueFiles.map {
        ValueFileHandle(number: $0.number, obsoleteFiles: obsoleteFiles)
      })
    do throws(StoreError) {
      try versions.commit(edit) { [views] version in
        views.update { $0.installing(version) }
      }
    } catch {
      remove(result, keeping: [], after: error)
      throw error
    }
  }
}
