import VarveFormat

/// What came out of the logs, ready to be part of a view.
struct ReplayedLogs {
  /// Memtables with the replayed entries, oldest first.
  var tables: [MemTableGeneration] = []
  var lastSequence: SequenceNumber
  var entryCount = 0
  /// Bytes dropped behind the last believable record.
  var tornBytes: UInt64 = 0
  /// Value files that replayed entries point into.
  var valueFiles: [UInt64: ValueFileHandle] = [:]
  /// By values that were looked at.
  fileprivate var claims = ValueClaims()

  init(lastSequence: SequenceNumber) { self.lastSequence = lastSequence }
}

/// Turns the logs of a store that was closed, or that may only be read, into memtables.
struct LogReplaying {
  let logs: StoredLogs
  let values: ValueAccess
  /// Bytes at which a memtable is left for the next; one takes all after a clean close.
  let tableBytes: Int
  let obsoleteFiles: ObsoleteFiles

  func run(from lastSequence: SequenceNumber) throws(StoreError) -> ReplayedLogs {
    var result = ReplayedLogs(lastSequence: lastSequence)
    result.tornBytes = try logs.forEachBatch { batch throws(StoreError) in
      try insert(batch, into: &result)
    }
    return result
  }

  /// Inserts a batch; false where a value that was not known durable is not whole.
  private func insert(
    _ batch: StoredLogs.Batch, into result: inout ReplayedLogs
  ) throws(StoreError) -> Bool {
    var pointers: [ValuePointer] = []
    try batch.forEachEntry { entry, _ throws(StoreError) in
      if entry.kind == .pointer { pointers.append(try values.decode(entry.value)) }
    }
    if !batch.isDurable {
      for pointer in pointers {
        guard try values.isWhole(pointer, claiming: &result.claims) else { return false }
      }
    }
    let table = table(for: batch.log, in: &result)
    for pointer in pointers { keep(pointer, for: table, in: &result) }
    do throws(FormatError) { try table.table.insert(batch.record) } catch {
      throw StoreError(error, in: "\(FileName(.log, batch.log))")
    }
    result.entryCount += batch.record.entryCount
    result.lastSequence = max(result.lastSequence, batch.lastSequence)
    return true
  }

  private func table(for log: UInt64, in result: inout ReplayedLogs) -> MemTableGeneration {
    if let last = result.tables.last, logs.isClean || last.table.allocatedBytes < tableBytes {
      return last
    }
    let next = MemTableGeneration(firstLog: log)
    result.tables.append(next)
    return next
  }

  /// Keeps the file that a pointer names for as long as the memtable lives.
  private func keep(
    _ pointer: ValuePointer, for table: MemTableGeneration, in result: inout ReplayedLogs
  ) {
    let handle =
      result.valueFiles[pointer.file]
      ?? ValueFileHandle(number: pointer.file, obsoleteFiles: obsoleteFiles)
    result.valueFiles[pointer.file] = handle
    table.pin([handle])
    table.addValueBytes(Int(pointer.fullCount))
  }
}
