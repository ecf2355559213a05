import Synchronization
import VarveFormat
import VarvePlatform

// A write, from the caller to where readers see it:
//
//   commit        check, slow down if the background is behind, place large values
//   submit        join the line; lead or wait
//   lead          make room in the log, append, sync if anyone asked
//   apply         into the active memtable, then publish the sequence
//
// Nothing is visible before the sync it waits for. A group that fails is never published; whether
// it is there after reopening is unknown.

extension Engine {
  /// Writes a batch whole: visible and durable together, across keyspaces.
  func commit(_ batch: WriteBatch, _ durability: Durability) throws(StoreError) {
    try checkWritable()
    try batch.check(for: self)
    guard batch.count > 0 else {
      // Whoever asks for durability gets it for all that came before, with or without an entry.
      if durability.isSynced { try sync(durability) }
      return
    }
    try waitForBackground(toWrite: batch.byteCount - batch.largeValueBytes)
    try checkTrusted()
    let placed = try placement.place(batch, isSynced: durability.isSynced)
    defer { for file in placed.valueFiles { file.unpin() } }
    metrics.valueBytesWritten.add(placed.storedBytes)
    let request = CommitRequest(
      placed.batch, isSynced: durability.isSynced, valueFiles: placed.valueFiles,
      valueBytes: placed.valueFiles.isEmpty ? 0 : batch.largeValueBytes,
      whole: backlog == nil || placed.valueFiles.isEmpty ? nil : batch.encoder)
    try submit(request)
    if durability == .remote { try syncRemotely() }
  }

  /// Throws in a poisoned store. Values are written before the log is asked, and must not be left
  /// behind by everybody whom it refuses.
  private func checkTrusted() throws(StoreError) {
    if let failure = poison.failure { throw failure }
  }

  /// Makes all earlier writes durable.
  func sync(_ durability: Durability = .synced) throws(StoreError) {
    try checkWritable()
    if durability.isSynced { try log.sync() }
    if durability == .remote { try syncRemotely() }
  }

  func submit(_ request: CommitRequest) throws(StoreError) {
    try pipeline.submit(request) { lead(group: $0) }
    runInlineWork()
  }

  /// Does `work` while nobody commits.
  func alone(_ work: @escaping () throws(StoreError) -> Void) throws(StoreError) {
    try pipeline.submit(CommitRequest(alone: work)) { lead(group: $0) }
  }
}

// MARK: - One entry

extension Engine {
  /// Writes one entry. Where nobody else commits it goes into the leader's buffers at once, without
  /// a batch or a place in line.
  func commit(
    _ write: SingleWrite, in keyspace: Keyspace, _ durability: Durability
  ) throws(StoreError) {
    try checkWritable()
    try keyspace.checkLive()
    let policy = keyspace.policy
    if !write.isValid(in: policy), let refusal = WriteBatch.refusal(of: write, in: keyspace) {
      throw refusal
    }
    try commit(write, policy, isSynced: durability.isSynced)
    if durability == .remote { try syncRemotely() }
  }

  private func commit(
    _ write: SingleWrite, _ policy: KeyspacePolicy, isSynced: Bool
  ) throws(StoreError) {
    guard write.isLarge(in: policy, isSynced: isSynced) else {
      try waitForBackground(toWrite: write.mostBytes)
      return try join(write, isSynced: isSynced)
    }
    try waitForBackground(toWrite: write.key.count + ValuePointer.byteCount)
    try checkTrusted()
    let placed = try placement.place(write, policy)
    defer { placed.file.unpin() }
    metrics.valueBytesWritten.add(UInt64(placed.pointer.storedCount))
    try placed.pointer.encoded().withByteView { pointer throws(StoreError) in
      try join(write.pointing(with: pointer), isSynced: isSynced, placed, whole: write)
    }
  }

  /// Leads at once where nobody else does; stands in line otherwise, where a sync can be shared, and where the
  /// bucket's logs need a batch.
  private func join(
    _ write: SingleWrite, isSynced: Bool, _ placed: PlacedValue? = nil, whole: SingleWrite? = nil
  ) throws(StoreError) {
    let standsInLine = backlog != nil || isSynced && pipeline.isCompanyExpected
    guard !standsInLine, pipeline.tryLead() else {
      let request: CommitRequest
      do throws(FormatError) {
        request = try write.request(
          isSynced: isSynced, placed, whole: backlog == nil ? nil : whole)
      } catch {
        throw StoreError(.limit, "\(error.fault)")
      }
      return try submit(request)
    }
    do throws(StoreError) {
      // Nothing on the way counts a reference to what the leader keeps.
      try unsafe lentLead.lend { lead throws(StoreError) in
        try self.lead(write, isSynced: isSynced, placed, lead)
      }
    } catch {
      pipeline.endLead()
      throw error
    }
    pipeline.endLead()
    runInlineWork()
  }

  private func lead(
    _ write: SingleWrite, isSynced: Bool, _ placed: PlacedValue?, _ lead: CommitLead
  ) throws(StoreError) {
    let place = try makeRoom(for: write.mostBytes, entries: 1)
    let sequence = SequenceNumber(lead.nextSequence)
    if let placed {
      lead.active.pin([placed.file])
      lead.active.addValueBytes(Int(placed.pointer.fullCount))
    }
    let entry = unsafe lead.single.lend { single in
      single.frame(
        write.kind, write.key, in: write.keyspace, write.value, expiry: write.expiry,
        firstSequence: sequence, watermark: place.watermark, identity: place.identity,
        offset: place.offset)
    }
    let record = unsafe lead.single.lend { $0.record }
    try append(record, at: place, commits: 1, isSynced: isSynced)
    unsafe lead.table.lend { $0.insert(EntryView(entry, sequence)) }
    publish(1)
  }
}

// MARK: - Leading a group

extension Engine {
  private func lead(group: [CommitRequest]) {
    do throws(StoreError) {
      if let work = group[0].exclusive {
        try work()
      } else {
        try write(group)
      }
    } catch {
      for request in group { request.failure = error }
    }
  }

  private func write(_ group: [CommitRequest]) throws(StoreError) {
    let bytes = group.reduce(0) { $0 + LogFramer.framedCount(payload: $1.batch.byteCount) }
    let entries = group.reduce(0) { $0 + UInt64($1.batch.count) }
    let place = try makeRoom(for: bytes, entries: entries)
    frame(group, at: place)
    try lead.frame.bytes.withByteView { records throws(StoreError) in
      try append(
        records, at: place, commits: group.count, isSynced: group.contains(where: \.isSynced))
    }
    apply(group)
    publish(entries)
  }

  /// Where the next records go; throws where they cannot be written, with nothing changed.
  private func makeRoom(
    for bytes: Int, entries: UInt64
  ) throws(StoreError) -> WriteAheadLog.Place {
    try checkOpen()
    if lead.isMemTableFull || !log.isAtEase(for: bytes) { try rotateIfFull(for: bytes) }
    // A record's last entry stays below the largest number, which reads everything.
    let limit = SequenceNumber.max.rawValue
    guard lead.nextSequence <= limit, entries <= limit - lead.nextSequence else {
      throw StoreError(.limit, "the store has used up all sequence numbers", file: path)
    }
    return try log.nextPlace()
  }

  /// Frames the group's batches, one behind the other, for the log's next place.
  private func frame(_ group: [CommitRequest], at place: WriteAheadLog.Place) {
    lead.emptyFrame()
    var sequence = lead.nextSequence
    for request in group {
      request.batch.withPayload { payload in
        LogFramer.frame(
          .batch, payload, firstSequence: SequenceNumber(sequence), watermark: place.watermark,
          identity: place.identity, offset: place.offset + UInt64(lead.frame.count),
          into: &lead.frame)
      }
      sequence += UInt64(request.batch.count)
    }
  }

  private func append(
    _ records: ByteView, at place: WriteAheadLog.Place, commits: Int, isSynced: Bool
  ) throws(StoreError) {
    try log.append(records, at: place)
    metrics.logBytes.addAlone(UInt64(records.count))
    metrics.commits.addAlone(UInt64(commits))
    guard isSynced else { return }
    metrics.logSyncs.add(1)
    try log.sync()
  }

  /// Puts the group's entries into the active memtable, in order.
  private func apply(_ group: [CommitRequest]) {
    var sequence = lead.nextSequence
    for request in group {
      lead.active.pin(request.valueFiles)
      lead.active.addValueBytes(request.valueBytes)
      request.batch.withPayload { payload in
        lead.active.table.insert(batch: payload, firstSequence: SequenceNumber(sequence))
      }
      if let backlog { note(request, first: sequence, in: backlog) }
      sequence += UInt64(request.batch.count)
    }
  }

  /// Lets readers see the next `entries` entries, which are in the active memtable.
  private func publish(_ entries: UInt64) {
    let last = lead.nextSequence + entries - 1
    lead.nextSequence = last + 1
    lead.lastInLog = SequenceNumber(last)
    visibleSequence.store(last, ordering: .releasing)
    metrics.entriesWritten.addAlone(entries)
    lead.isMemTableFull = unsafe lead.generation.lend { isFull($0) }
  }
}

// MARK: - Rotating

extension Engine {
  /// Freezes a full memtable and begins a new log where the records do not fit the old one.
  private func rotateIfFull(for bytes: Int) throws(StoreError) {
    if isFull(lead.active), !lead.active.table.isEmpty { try freezeMemTable(isFull: true) }
    try beginLog(for: bytes, where: .recordsDoNotFit)
  }

  private func isFull(_ active: MemTableGeneration) -> Bool {
    active.table.allocatedBytes >= derived.memTableBytes
      // Recovery writes again what was not flushed: that must not grow with the size of values.
      || active.valueBytes >= derived.unflushedValueBytes
  }

  /// Freezes the active memtable; entries from here on go to a new one and a new log. Only for the
  /// leader.
  ///
  /// - Parameter isFull: whether it is frozen for its size, and not because somebody asked for it.
  func freezeMemTable(isFull: Bool = false) throws(StoreError) {
    try beginLog(for: 0, where: isFull ? .memTableIsFull : .isAsked)
    let next = MemTableGeneration(firstLog: log.end?.log ?? 0, pool: chunks)
    views.update { $0.freezing(next: next) }
    lead.active = next
    lead.isMemTableFull = false
    work.wantFlush()
  }

  private func beginLog(for bytes: Int, where reason: WriteAheadLog.Rotation) throws(StoreError) {
    let before = log.place
    try log.makeRoom(for: bytes, where: reason)
    if let end = log.place, end.log != before?.log {
      liveLogs.withLock { logs in
        if let before, let last = logs.indices.last {
          logs[last].length = before.offset
          logs[last].lastSequence = lead.lastInLog
        }
        logs.append(LogExtent(number: end.log, length: end.offset, lastSequence: .zero))
      }
      lead.lastInLog = .zero
      work.wantLogSync()
    } else if log.takesWishForSpare() {
      work.wantSpareLog()
    }
  }

  /// Appends a record that holds nothing but how far everything is durable, so that damage below
  /// can be told from a torn tail.
  func appendWatermark() throws(StoreError) {
    try alone { [self] () throws(StoreError) in
      // Asked here: whoever led before may have failed, and left a record whose numbers come again.
      if let failure = log.failure { throw failure }
      guard let end = log.end, log.durable > LogPosition(log: end.log, offset: 0) else { return }
      // Where there is no room the next log's first record says it in time.
      guard log.hasRoom(for: LogRecordHeader.byteCount) else { return }
      let place = try log.nextPlace()
      lead.emptyFrame()
      LogFramer.frame(
        .watermark, firstSequence: SequenceNumber(lead.nextSequence), watermark: place.watermark,
        identity: place.identity, offset: place.offset, into: &lead.frame)
      try lead.frame.bytes.withByteView { records throws(StoreError) in
        try log.append(records, at: place)
      }
    }
  }
}
