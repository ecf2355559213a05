package import VarveFormat
import VarvePlatform

extension BucketWriter {
  /// What a writer knows of the logs that stand behind its versions.
  struct Logs: Sendable {
    /// The number of the next one; 0 where no log was ever put.
    var next: UInt64
    /// That of the first one.
    var first: UInt64
    /// One that may have been put.
    var pending: BucketLog?
    /// Those that no version has in its files yet, ascending, with the numbers of their last entries.
    var put: [(number: UInt64, last: SequenceNumber)] = []
    /// The last entry that was put.
    var last = SequenceNumber.zero
    /// When it was last known that no other writer puts any, by the bucket's clock; nil: not known.
    var confirmed: UInt64?
  }

  /// From here on there may be logs: the next version says so, and must be committed before the first.
  package func beginLogs() { logs.withLock { $0.next = max($0.next, 1) } }

  /// Puts batches behind the newest version, in one log: whoever takes over has them. Durable in the bucket
  /// when it returns. Batches that a log has already are passed over.
  ///
  /// One request; one more where the last log is long past.
  /// - Parameter batches: in order, without a gap behind what the bucket has.
  /// - Throws: `.fenced`, for good; `.request` where nobody knows yet: call it again later.
  package func put(_ batches: [BucketLog.Batch]) throws(BucketError) {
    try noticingFence { () throws(BucketError) in
      try logs.withLock { logs throws(BucketError) in
        if let pending = logs.pending { try confirm(pending, &logs) }
        let rest = batches.filter { $0.last > logs.last }
        guard !rest.isEmpty else { return }
        try BucketLogPut.checkReadable(logs.next)
        let log = BucketLog(
          storeID: head.manifest.version.storeID, number: logs.next, epoch: epoch, writer: id,
          nonce: FileID(low: random.next(), high: random.next()), batches: rest)
        logs.pending = log
        try confirm(log, &logs)
      }
    }
  }

  /// The number of the first log that this writer puts: before it are those that others put, the last of which
  /// ends them. 0 where there is none.
  package var firstLog: UInt64 { logs.withLock { $0.first } }

  /// The first log that may hold an entry behind `sequence`; 0 where no log was ever put.
  package func logFloor(behind sequence: SequenceNumber) -> UInt64 {
    logs.withLock { logs in logs.put.first { $0.last > sequence }?.number ?? logs.next }
  }

  /// A version that was confirmed at `time` has everything up to `sequence` in its files. Nobody had taken over
  /// by then, so that no other's log stands under our next number.
  func leaveLogs(through sequence: SequenceNumber, at time: UInt64?) {
    logs.withLock { logs in
      logs.put.removeAll { $0.last <= sequence }
      if let time { logs.confirmed = max(logs.confirmed ?? 0, time) }
    }
  }

  private func confirm(_ log: BucketLog, _ logs: inout Logs) throws(BucketError) {
    let time = try BucketLogPut(objects: objects).put(log)
    if !isRecent(time, after: logs.confirmed) { try checkHead() }
    logs.last = log.last ?? logs.last
    logs.put.append((log.number, logs.last))
    logs.next = log.number + 1
    logs.pending = nil
    logs.confirmed = max(logs.confirmed ?? 0, time ?? 0)
  }

  /// Whether no log can have been collected since the last one was put: else one of another writer may have
  /// stood under the number, and be gone.
  private func isRecent(_ time: UInt64?, after last: UInt64?) -> Bool {
    guard let time, let last, time >= last else { return false }
    return time - last < BucketCollector.leastLogGrace / 2
  }
}

/// Puts one log under its number, and ends those of others. Spec: bucket.md, "Log".
struct BucketLogPut {
  let objects: any ObjectStore

  /// Returns when `log` stands under its number; with the bucket's time.
  ///
  /// - Throws: `.fenced` where another's stands there; `.split` where one of our own epoch does; `.request`
  ///   where nobody knows: the same must be put again.
  func put(_ log: BucketLog) throws(BucketError) -> UInt64? {
    let (other, time) = try outcome(of: log)
    guard let other else { return time }
    guard other.epoch != log.epoch else {
      throw .split(object: BucketLayout.log(log.number).description)
    }
    throw .fenced
  }

  /// Puts a log without batches behind all that are there, so that no writer of an older epoch can go on.
  /// Returns the number of the next one, and the bucket's time.
  ///
  /// - Parameter passesGaps: for one who needs none of them.
  /// - Throws: `.fenced` where a writer with a higher epoch was there before.
  func end(
    _ manifest: BucketManifest, nonce: FileID, passesGaps: Bool
  ) throws(BucketError) -> (next: UInt64, time: UInt64?) {
    let (reader, floor) = (BucketReader(objects), manifest.logFloor)
    var number =
      passesGaps
      ? max(floor, (try reader.logNumbers().last ?? 0) + 1)
      : floor + (try reader.logCount(from: floor))
    if !passesGaps, number > floor { try settle(number - 1) }
    let last = number.addingStated(Self.mostOthers)
    while number <= last {
      try Self.checkReadable(number)
      let (other, time) = try outcome(
        of: BucketLog(
          storeID: manifest.version.storeID, number: number, epoch: manifest.epoch,
          writer: manifest.writer, nonce: nonce, batches: []))
      guard let other else { return (number + 1, time) }
      guard other.epoch < manifest.epoch else { throw .fenced }
      if !passesGaps { try settle(number) }
      number += 1
    }
    throw Self.refused(number, "log count")
  }

  /// So many logs others may put while somebody ends them: a server that makes them up could go on for ever.
  private static let mostOthers: UInt64 = 10_000

  /// Of a forged floor numbers may follow with which nobody could read the log again.
  static func checkReadable(_ number: UInt64) throws(BucketError) {
    guard 1...Limits.fileNumber ~= number else { throw refused(number, "number") }
  }

  private static func refused(_ number: UInt64, _ what: String) -> BucketError {
    .damaged(
      FormatError(.bucketLog, .limit(what), at: 0), object: BucketLayout.log(number).description)
  }

  /// Makes a log durable that its writer may have put and never heard of: lost, it would be a gap. None before it
  /// is: whoever puts the next one has heard, or found it.
  private func settle(_ number: UInt64) throws(BucketError) {
    try BucketReader(objects).settle(BucketLayout.log(number))
  }

  /// Nil where the log stands there now, and who does else.
  private func outcome(
    of log: BucketLog
  ) throws(BucketError) -> (other: BucketLog?, time: UInt64?) {
    let name = BucketLayout.log(log.number)
    let bytes = log.encoded()
    // The second time for a request that was lost: what was absent a moment ago is made, or was.
    for _ in 0..<2 {
      do throws(ObjectStoreError) {
        let receipt = try objects.put(name, ObjectContent(bytes), if: .absent, class: nil)
        return (nil, receipt.serverTime)
      } catch {
        guard error.code == .exists || error.code == .uncertain else { throw .request(error) }
      }
      if let found = try BucketReader(objects).log(log.number) {
        guard found.nonce == log.nonce && found.writer == log.writer else { return (found, nil) }
        try objects.request { objects throws(ObjectStoreError) in try objects.settle(name, bytes) }
        return (nil, nil)
      }
    }
    throw .request(
      ObjectStoreError(
        .uncertain, "nobody knows whether the log was written", object: name.description))
  }
}
