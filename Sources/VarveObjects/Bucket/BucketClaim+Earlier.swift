package import VarveFormat
import VarvePlatform

// Going back to an earlier version: it is committed again as the newest one.
//
//   versions  ... 7, 8, 9        back to 7: 10 has the files of 7, an epoch of its own, and numbers above all others
//   files of 8 and 9             become garbage, and go after their grace

extension BucketClaim {
  /// Claims the store as it was in version `number`. What was committed after that, and what logs hold, is no part of
  /// the store any more.
  ///
  /// The newest versions may be damaged. Sequence and file numbers go on above all that were given, as far as that can
  /// be told.
  ///
  /// - Parameters:
  ///   - grace: of the collector, in ms: files that are garbage for longer than half of it may be going.
  ///   - check: throws where the version is not one to go on from; nothing is claimed then.
  /// - Throws: `.noVersion` where there is none of that number, or not all of its files are sure to stay.
  package func run(
    as id: FileID, backTo number: UInt64, grace: UInt64 = 3_600_000,
    check: (BucketManifest) throws(BucketError) -> Void = { _ throws(BucketError) in }
  ) throws(BucketError) -> BucketWriter {
    for tries in 1... {
      let history = try BucketHistory(objects)
      let earlier = try history.version(number)
      try check(earlier)
      try history.checkStays(earlier, grace: grace, random)
      let next = try history.next(earlier, as: id, nonce: makeID())
      try history.checkFiles(of: earlier)
      let writer: BucketWriter
      do throws(BucketError) { writer = try commit(next) } catch {
        // Somebody was faster: what was read is not the newest any more.
        guard case .fenced = error, tries < Self.mostTries else { throw error }
        continue
      }
      // Until the claim whoever wrote before may have put logs, which follow what is no part of it.
      if next.logFloor > 0 { try writer.commit(next.version, next.objects) }
      // What was being removed when this one claimed.
      try BucketHistory(objects).checkFiles(of: earlier)
      return writer
    }
    throw .fenced
  }
}

/// All that a bucket says of its versions, as far as it can be read.
private struct BucketHistory {
  private let reader: BucketReader
  private let storeID: FileID
  /// The manifests that are there, ascending.
  private let manifests: [(number: UInt64, modified: UInt64)]
  /// The newest manifest that can be read.
  private let newest: BucketHead
  private let files: [ObjectName: UInt64]

  init(_ objects: any ObjectStore) throws(BucketError) {
    reader = BucketReader(objects)
    guard let identity = try reader.identity() else { throw .noStore }
    storeID = identity.storeID
    manifests = try reader.manifests()
    newest = try Self.newestReadable(manifests.map(\.number), reader)
    guard newest.manifest.version.storeID == storeID else { throw .otherStore }
    files = Dictionary(
      try reader.entries(BucketLayout.files).map { ($0.name, $0.size) }
    ) { first, _ in first }
  }

  private static func newestReadable(
    _ numbers: [UInt64], _ reader: BucketReader
  ) throws(BucketError) -> BucketHead {
    for number in numbers.reversed() {
      do throws(BucketError) {
        if let head = try reader.manifest(number) { return head }
      } catch {
        guard error.isDamage else { throw error }
      }
    }
    throw .noStore
  }

  func version(_ number: UInt64) throws(BucketError) -> BucketManifest {
    guard let found = try reader.manifest(number)?.manifest else {
      throw .noVersion("there is no version \(number) in the bucket")
    }
    guard found.version.storeID == storeID else { throw .otherStore }
    return found
  }

  /// Throws where a collection may be removing a file of it.
  func checkStays(
    _ earlier: BucketManifest, grace: UInt64, _ random: any RandomSource
  ) throws(BucketError) {
    let now = try BucketTime(reader.objects, random: random).now()
    let isPinned = try reader.pins().contains {
      $0.manifest == earlier.number && $0.expires == 0
    }
    guard !isPinned else { return }
    // What the newest one left behind is garbage since that is there.
    let put = manifests.last { $0.number == newest.manifest.number }?.modified ?? 0
    let garbage = Dictionary(
      newest.manifest.garbage.map { ($0.file, $0.since == 0 ? put : $0.since) }
    ) { first, _ in first }
    let live = Set(newest.manifest.files)
    for file in earlier.files where !live.contains(file) {
      // What is neither may have been removed, and come back by a request that was given up.
      if let since = garbage[file], now >= since, now - since <= grace / 2 { continue }
      throw .noVersion(
        "no checkpoint keeps version \(earlier.number), and \(BucketLayout.file(file)) is to be removed"
      )
    }
  }

  /// Throws where one is missing, or not of its size.
  func checkFiles(of earlier: BucketManifest) throws(BucketError) {
    for (file, local) in zip(earlier.files, earlier.version.fileSizes)
    where files[BucketLayout.file(file)] != local {
      throw .noVersion(
        "version \(earlier.number) is not whole in the bucket: \(BucketLayout.file(file)) is missing or cut"
      )
    }
  }

  /// The manifest that makes `earlier` the newest version.
  func next(
    _ earlier: BucketManifest, as id: FileID, nonce: FileID
  ) throws(BucketError) -> BucketManifest {
    let last = manifests.last?.number ?? earlier.number
    let head = newest.manifest
    var next = earlier
    next.number = last + 1
    next.predecessorDigest =
      last == head.number ? newest.digest : BucketManifest.firstPredecessor
    // Each of those that cannot be read may have had a new one.
    next.epoch = head.epoch + (last - head.number) + 1
    (next.writer, next.nonce, next.serverTime) = (id, nonce, head.serverTime)
    next.logFloor = try logFloor()
    next.version.number = max(head.version.number, earlier.version.number) + 1
    next.version.lastSequence = max(head.version.lastSequence, earlier.version.lastSequence)
    next.version.timeFloor = max(head.version.timeFloor, earlier.version.timeFloor)
    let highest = files.keys.compactMap(BucketLayout.fileNumber).max() ?? 0
    next.version.nextFileNumber = max(
      head.version.nextFileNumber, earlier.version.nextFileNumber, highest + 1)
    next.garbage = Garbage.after(head, confirmed: nil, next)
    return next
  }

  /// Behind all logs that are there; 0 where none was ever put.
  private func logFloor() throws(BucketError) -> UInt64 {
    let last = try reader.names(BucketLayout.logs).compactMap(BucketLayout.logNumber).max() ?? 0
    let floor = newest.manifest.logFloor
    return last == 0 && floor == 0 ? 0 : max(last + 1, floor)
  }
}

extension Manifest {
  /// Bytes of its files, in the order in which a bucket's manifest names their copies.
  fileprivate var fileSizes: [UInt64] { segments.map(\.size) + valueFiles.map(\.size) }
}
