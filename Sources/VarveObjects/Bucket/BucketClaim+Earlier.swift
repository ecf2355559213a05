package import VarveFormat
import VarvePlatform

// Going back to an earlier version: it is committed again as the newest one.
//
//   versions  ... 7, 8, 9        back to 7: 10 claims 9 as it is, which ends whoever wrote;
//                                11 has the files of 7, and numbers above all others
//   files of 8 and 9             become garbage of 11, and go after their grace
//
// An end between 10 and 11 changes nothing: 9 is what is there.

extension BucketClaim {
  /// Claims the store as it was in version `number`. What was committed after that, and what logs hold, is no part of
  /// the store any more.
  ///
  /// The newest versions may be damaged. Sequence and file numbers go on above all that were given, as far as that can
  /// be told.
  ///
  /// - Parameters:
  ///   - isAbandoned: nobody writes there any more, nor removes anything: all that counts is whether the files are
  ///     there.
  ///   - grace: of the collector, in ms: what may be garbage for longer than half of it may be going.
  ///   - check: throws where the version is not one to go on from; nothing is claimed then.
  /// - Throws: `.noVersion` where there is none of that number, or not all of its files are sure to stay.
  package func run(
    as id: FileID, backTo number: UInt64, isAbandoned: Bool = false, grace: UInt64 = 3_600_000,
    check: (BucketManifest) throws(BucketError) -> Void = { _ throws(BucketError) in }
  ) throws(BucketError) -> BucketWriter {
    let way = WayBack(
      reader: BucketReader(objects), random: random, grace: isAbandoned ? nil : grace)
    let earlier = try way.version(number)
    try check(earlier)
    let newest = try way.newest()
    try way.check(earlier, newest)
    guard newest != nil else {
      guard isAbandoned else {
        throw .noVersion(
          "the newest version cannot be read: nobody may write to the bucket any more")
      }
      return try rescue(earlier, way, as: id)
    }
    let writer = try run(as: id, after: .anybody, needsLogs: false)
    // What was removed, or let go, until the claim.
    try way.check(earlier, writer.head.manifest)
    let last = try way.lastGiven(behind: writer.head.manifest)
    let version = earlier.version.following(writer.head.manifest.version, last)
    try writer.commit(version, earlier.objects)
    return writer
  }

  /// The same where the newest manifest cannot be read.
  private func rescue(
    _ earlier: BucketManifest, _ way: WayBack, as id: FileID
  ) throws(BucketError) -> BucketWriter {
    let next = try way.rescue(earlier, as: id, nonce: makeID())
    let writer = try commit(next, needsLogs: false)
    try way.check(earlier, nil)
    // Behind the log that ends all others.
    try writer.commit(next.version, next.objects)
    return writer
  }
}

/// What a bucket says of the way back to a version.
private struct WayBack {
  let reader: BucketReader
  let random: any RandomSource
  /// Nil: nothing is being removed.
  let grace: UInt64?

  /// Numbers of logs that whoever wrote the manifests that cannot be read will never have come to.
  private static let logLeap: UInt64 = 1 << 20
  /// Entries that what cannot be read has at most.
  private static let sequenceLeap: UInt64 = 1 << 36

  func version(_ number: UInt64) throws(BucketError) -> BucketManifest {
    guard let identity = try reader.identity() else { throw .noStore }
    guard let found = try reader.manifest(number)?.manifest else {
      throw .noVersion("there is no version \(number) in the bucket")
    }
    guard found.version.storeID == identity.storeID else { throw .otherStore }
    return found
  }

  /// The newest manifest; nil where it cannot be read, asked for twice.
  func newest() throws(BucketError) -> BucketManifest? {
    for _ in 0..<2 {
      do throws(BucketError) {
        guard let head = try reader.head() else { throw .noStore }
        return head.manifest
      } catch {
        guard error.isDamage else { throw error }
      }
    }
    return nil
  }

  /// The last sequence number that was given, logs included; far above it where some cannot be read.
  func lastGiven(behind head: BucketManifest) throws(BucketError) -> SequenceNumber {
    var last = head.version.lastSequence.rawValue
    for number in try reader.logNumbers() where head.logFloor > 0 && number >= head.logFloor {
      do throws(BucketError) {
        if let found = try reader.log(number)?.last { last = max(last, found.rawValue) }
      } catch {
        guard error.isDamage else { throw error }
        last += Self.sequenceLeap
      }
    }
    return SequenceNumber(min(last, SequenceNumber.max.rawValue))
  }

  /// Throws where a file of it is missing, or may be going.
  func check(_ earlier: BucketManifest, _ newest: BucketManifest?) throws(BucketError) {
    if let missing = try reader.missingFiles(of: earlier).first {
      throw BucketError.notWhole(earlier, missing)
    }
    guard let grace, try !isKept(earlier, newest) else { return }
    // Nothing of it was garbage before the version after it was there.
    let after = try reader.manifests(after: earlier.number).first
    let now = try BucketTime(reader.objects, random: random).now()
    guard let after, after.number == earlier.number + 1, now >= after.modified,
      now - after.modified <= grace / 2
    else {
      throw .noVersion(
        "no checkpoint keeps version \(earlier.number), and its files may be going: nobody may write to the bucket any more then"
      )
    }
  }

  private func isKept(
    _ earlier: BucketManifest, _ newest: BucketManifest?
  ) throws(BucketError) -> Bool {
    if let newest, Set(earlier.files).isSubset(of: newest.files) { return true }
    return try reader.pins().contains { $0.manifest == earlier.number && $0.expires == 0 }
  }

  /// The manifest that makes `earlier` the newest version, where those above cannot be read.
  func rescue(
    _ earlier: BucketManifest, as id: FileID, nonce: FileID
  ) throws(BucketError) -> BucketManifest {
    let numbers = try reader.manifestNumbers()
    let newest = try newestReadable(numbers) ?? earlier
    let last = max(numbers.last ?? 0, newest.number)
    var next = newest
    next.number = last + 1
    next.predecessorDigest = BucketManifest.firstPredecessor
    // Each of those that cannot be read may have had a new one.
    next.epoch = newest.epoch + (last - newest.number) + 1
    (next.writer, next.nonce) = (id, nonce)
    let given = newest.version.lastSequence.rawValue
    next.version = earlier.version.following(
      newest.version, SequenceNumber(min(given + Self.sequenceLeap, SequenceNumber.max.rawValue)))
    next.objects = earlier.objects
    let logs = try reader.logNumbers().last ?? 0
    next.logFloor = max(newest.logFloor, logs) + Self.logLeap
    let highest =
      try reader.names(BucketLayout.files)
      .compactMap { BucketLayout.fileNumber($0, through: next.epoch) }.max() ?? 0
    next.version.nextFileNumber = max(next.version.nextFileNumber, highest + 1)
    next.garbage = Garbage.after(newest, confirmed: nil, next)
    return next
  }

  private func newestReadable(_ numbers: [UInt64]) throws(BucketError) -> BucketManifest? {
    for number in numbers.reversed() {
      do throws(BucketError) {
        if let found = try reader.manifest(number) { return found.manifest }
      } catch {
        guard error.isDamage else { throw error }
      }
    }
    return nil
  }
}

extension Manifest {
  /// The same files as the version behind `newest`, behind whose entries, and `last`, it goes on.
  fileprivate func following(_ newest: Manifest, _ last: SequenceNumber) -> Manifest {
    var version = self
    version.number = max(newest.number, number) + 1
    version.lastSequence = max(newest.lastSequence, lastSequence, last)
    version.timeFloor = max(newest.timeFloor, timeFloor)
    version.nextFileNumber = max(newest.nextFileNumber, nextFileNumber)
    return version
  }
}
