import VarveFormat
import VarveObjects
import VarvePlatform

/// Makes logs of a directory from those that stand behind the newest version of a bucket.
struct RestoredLogs {
  let reader: BucketReader
  let directory: any Directory
  let random: any RandomSource

  /// Bytes of batches that one log of the directory takes, about.
  private static let logBytes = 32 << 20

  /// Writes them, durable, and has `version` name them as a clean close would: within their lengths every flaw
  /// that is found later is damage.
  ///
  /// - Parameter end: behind the last of them. One that is missing before it is damage.
  func write(
    behind head: BucketManifest, to end: UInt64, into version: inout Manifest
  ) throws(StoreError) {
    guard head.logFloor > 0, head.logFloor < end else { return }
    version.logFloor = version.nextFileNumber
    var last = version.lastSequence
    var epoch: UInt64 = 0
    var gathered: [BucketLog.Batch] = []
    var bytes = 0
    for number in head.logFloor..<end {
      let log = try log(number)
      try check(log, of: head, after: epoch)
      epoch = log.epoch
      let news = log.batches.filter { $0.last > last }
      guard let first = news.first, let newest = news.last?.last else { continue }
      guard first.first.rawValue == last.rawValue + 1 else {
        throw damage(number, .order, at: UInt64(ObjectFrame.byteCount))
      }
      last = newest
      gathered += news
      bytes += news.reduce(0) { $0 + $1.payload.count }
      if bytes >= Self.logBytes {
        try write(&gathered, into: &version)
        bytes = 0
      }
    }
    if !gathered.isEmpty { try write(&gathered, into: &version) }
  }

  private func write(
    _ batches: inout [BucketLog.Batch], into version: inout Manifest
  ) throws(StoreError) {
    version.logs.append(try write(batches, as: version.nextFileNumber, of: version.storeID))
    version.nextFileNumber += 1
    batches = []
  }

  private func log(_ number: UInt64) throws(StoreError) -> BucketLog {
    do throws(BucketError) {
      guard let log = try reader.log(number) else { throw BucketReader.missingLog(number) }
      return log
    } catch {
      throw StoreError(error, at: reader.objects.location)
    }
  }

  private func check(
    _ log: BucketLog, of head: BucketManifest, after epoch: UInt64
  ) throws(StoreError) {
    guard log.storeID == head.version.storeID else {
      throw damage(log.number, .value("store id"), at: 24)
    }
    // Another one takes over meanwhile.
    guard log.epoch <= head.epoch else {
      throw StoreError(BucketError.fenced, at: reader.objects.location)
    }
    guard log.epoch >= epoch else {
      throw damage(log.number, .value("epoch"), at: UInt64(ObjectFrame.byteCount))
    }
  }

  private func damage(
    _ number: UInt64, _ fault: FormatError.Fault, at offset: UInt64
  ) -> StoreError {
    StoreError(
      BucketError.damaged(
        FormatError(.bucketLog, fault, at: offset), object: BucketLayout.log(number).description),
      at: reader.objects.location)
  }

  private func write(
    _ batches: [BucketLog.Batch], as number: UInt64, of storeID: FileID
  ) throws(StoreError) -> LogExtent {
    let identity = LogIdentity(number: number, salt: random.next())
    var records = ByteWriter(
      reserving: batches.reduce(0) { $0 + LogFramer.framedCount(payload: $1.payload.count) })
    let start = UInt64(FileHeader.byteCount)
    for batch in batches {
      batch.payload.withByteView { payload in
        LogFramer.frame(
          .batch, payload, firstSequence: batch.first, watermark: .none, identity: identity,
          offset: start + UInt64(records.count), into: &records)
      }
    }
    do throws(FileSystemError) {
      // Its name becomes durable before the manifest that lists it.
      let log = try LogWriter.make(
        identity, storeTag: storeID.low, capacity: start + UInt64(records.count), in: directory)
      defer { log.closeQuietly() }
      try records.bytes.withByteView { bytes throws(FileSystemError) in
        try log.append(bytes, at: start)
      }
      try log.cut()
      try log.sync()
    } catch {
      throw StoreError(error)
    }
    return LogExtent(
      number: number, length: start + UInt64(records.count),
      lastSequence: batches.last?.last ?? .zero)
  }
}
