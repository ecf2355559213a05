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
    guard batch.count > 0 else { return }
    try waitForBackground(toWrite: batch.byteCount - batch.largeValueBytes)
    let placed = try placement.place(batch, isSynced: durability == .synced)
    defer { for file in placed.valueFiles { file.unpin() } }
    metrics.valueBytesWritten.add(placed.storedBytes)
    let request = CommitRequest(
      placed.batch, isSynced: durability == .synced, valueFiles: placed.valueFiles,
      valueBytes: placed.valueFiles.isEmpty ? 0 : batch.largeValueBytes)
    try submit(request)
  }

  /// Makes all earlier writes durable.
  func sync() throws(StoreError) {
    try checkWritable()
    try log.sync()
  }

  func submit(_ request: CommitRequest) throws(StoreError) {
    try pipeline.submit(request) { lead($0) }
    runInlineWork()
  }

  /// Does `work` while nobody commits.
  func alone(_ work: @escaping () throws(StoreError) -> Void) throws(StoreError) {
    try pipeline.submit(CommitRequest(alone: work)) { lead($0) }
  }
}

// MARK: - Leading a group

extension Engine {
  private func lead(_ group: [CommitRequest]) {
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
    try checkOpen()
    try rotateIfFull(for: group)
    let firstSequence = lead.withLock { $0.nextSequence }
    let entryCount = group.reduce(0) { $0 + UInt64($1.batch.count) }
    // A record's last entry stays below the largest number, which reads everything.
    let limit = SequenceNumber.max.rawValue
    guard firstSequence <= limit, entryCount <= limit - firstSequence else {
      throw StoreError(.limit, "the store has used up all sequence numbers", file: path)
    }
    var frame = lead.withLock { state in
      defer { state.frame = ByteWriter() }
      return state.frame
    }
    defer { lead.withLock { $0.frame = frame } }
    guard let place = log.nextPlace else { throw StoreError(.closed, "no log is open") }
    let next = self.frame(group, from: firstSequence, at: place, into: &frame)
    try frame.bytes.withByteView { records throws(StoreError) in
      try log.append(records, stating: place.watermark)
    }
    metrics.logBytes.add(frame.count)
    if group.contains(where: \.isSynced) {
      metrics.logSyncs.add(1)
      try log.sync()
    }
    apply(group, from: firstSequence)
    publish(through: next - 1)
    metrics.commits.add(group.count)
    metrics.entriesWritten.add(next - firstSequence)
  }

  /// Frames the group's batches for the log's next place; returns the sequence number after them.
  private func frame(
    _ group: [CommitRequest], from firstSequence: UInt64, at place: WriteAheadLog.Place,
    into frame: inout ByteWriter
  ) -> UInt64 {
    frame.removeAll()
    var next = firstSequence
    for request in group {
      request.batch.withPayload { payload in
        LogFramer.frame(
          .batch, payload, firstSequence: SequenceNumber(next), watermark: place.watermark,
          identity: place.identity, offset: place.offset + UInt64(frame.count), into: &frame)
      }
      next += UInt64(request.batch.count)
    }
    return next
  }

  /// Puts the group's entries into the active memtable, in order.
  private func apply(_ group: [CommitRequest], from firstSequence: UInt64) {
    let generation = views.pinned().active
    var sequence = firstSequence
    for request in group {
      generation.pin(request.valueFiles)
      generation.addValueBytes(request.valueBytes)
      request.batch.withPayload { payload in
        generation.table.insert(batch: payload, firstSequence: SequenceNumber(sequence))
      }
      sequence += UInt64(request.batch.count)
    }
  }

  private func publish(through sequence: UInt64) {
    lead.withLock { state in
      state.nextSequence = sequence + 1
      state.liveLogs[state.liveLogs.count - 1].lastSequence = SequenceNumber(sequence)
    }
    visibleSequence.store(sequence, ordering: .releasing)
  }
}

// MARK: - Rotating

extension Engine {
  /// Freezes a full memtable and begins a new log where the group does not fit the old one.
  private func rotateIfFull(for group: [CommitRequest]) throws(StoreError) {
    let active = views.pinned().active
    let isFull =
      active.table.allocatedBytes >= derived.memTableBytes
      // Recovery writes again what was not flushed: that must not grow with the size of values.
      || active.valueBytes >= derived.unflushedValueBytes
    if isFull, !active.table.isEmpty { try freezeMemTable() }
    var bytes = 0
    for request in group { bytes += LogFramer.framedCount(payload: request.batch.byteCount) }
    try beginLog(for: bytes, isForced: false)
  }

  /// Freezes the active memtable; entries from here on go to a new one and a new log. Only for the
  /// leader.
  func freezeMemTable() throws(StoreError) {
    try beginLog(for: 0, isForced: true)
    let next = MemTableGeneration(firstLog: log.end?.log ?? 0)
    views.update { $0.freezing(next: next) }
    work.wantFlush()
  }

  private func beginLog(for bytes: Int, isForced: Bool) throws(StoreError) {
    let before = log.end
    try log.makeRoom(for: bytes, startingNewLog: isForced)
    if let end = log.end, end.log != before?.log {
      lead.withLock { state in
        if let before, let last = state.liveLogs.indices.last {
          state.liveLogs[last].length = before.offset
        }
        state.liveLogs.append(
          LogExtent(
            number: end.log, length: end.offset,
            lastSequence: .zero))
      }
      work.wantLogWork()
    } else if log.wantsSpare {
      work.wantLogWork()
    }
  }

  /// Appends a record that holds nothing but how far everything is durable, so that damage below
  /// can be told from a torn tail.
  func appendWatermark() throws(StoreError) {
    try alone { [self] () throws(StoreError) in
      guard let end = log.end, log.durable > LogPosition(log: end.log, offset: 0) else { return }
      // Where there is no room the next log's first record says it in time.
      guard log.hasRoom(for: LogRecordHeader.byteCount) else { return }
      guard let place = log.nextPlace else { return }
      var frame = ByteWriter()
      LogFramer.frame(
        .watermark, firstSequence: SequenceNumber(lead.withLock { $0.nextSequence }),
        watermark: place.watermark, identity: place.identity, offset: place.offset, into: &frame)
      try frame.bytes.withByteView { records throws(StoreError) in
        try log.append(records, stating: place.watermark)
      }
    }
  }
}
