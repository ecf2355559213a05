import VarveFormat
import VarveObjects
import VarvePlatform

extension BucketTier {
  /// Removes from the bucket what no version there needs any more; what `isDry` only tells of.
  ///
  /// A file that a reader on this machine may still need stays, however old the reader is.
  func collect(
    grace: UInt64, isDry: Bool
  ) throws(StoreError) -> BucketCollection {
    try state.withLock { state throws(StoreError) in
      let writer = try collectingWriter()
      var collector = BucketCollector(for: writer)
      collector.sweeps = known.writer != nil
      collector.grace = grace
      do throws(BucketError) {
        let busy = Set(
          (Array(state.uploaded) + Array(state.noted)).map { key, copy in
            copy.objectName(of: key.name)
          })
        var plan = try collector.plan(sparing: busy)
        let needed = cold.placeNames
        plan.files = plan.files.filter { !needed.contains($0.name.description) }
        if isDry { return BucketCollection(plan, unfinished: 0) }
        try collector.remove(plan)
        state.removed.formUnion(plan.files.union(plan.gone))
        let unfinished = try removeUnfinished(olderThan: collector.orphanAge)
        return BucketCollection(plan, unfinished: unfinished)
      } catch {
        throw refusal(error)
      }
    }
  }

  /// Who was opened without the bucket, and wrote there last, may remove what it left there: a bucket that is full
  /// takes no claim before.
  private func collectingWriter() throws(StoreError) -> BucketWriter {
    if let writer = known.writer, !writer.isFenced { return writer }
    guard known.writer == nil, let writers = try TieFile(directory: directory).read()?.writers
    else {
      return try connectedWriter()
    }
    do throws(BucketError) {
      return try BucketClaim(objects, random: random).resume(as: writers)
    } catch {
      throw refusal(error)
    }
  }

  private func removeUnfinished(olderThan age: UInt64) throws(BucketError) -> Int {
    do throws(ObjectStoreError) {
      return try options.objects.removeUnfinished(olderThan: age)
    } catch {
      if error.code == .unsupported { return 0 }
      throw .request(error)
    }
  }

  /// Keeps the newest version in the bucket under a name, or lets it go.
  func checkpoint(_ name: String, isRemoval: Bool) throws(StoreError) -> UInt64 {
    // Not beside a collection.
    try state.withLock { _ throws(StoreError) in
      let pinning = BucketPinning(options.objects, random: random)
      do throws(BucketError) {
        if isRemoval {
          try pinning.remove(name)
          return 0
        }
        let pin = try pinning.pinHead(as: name, .checkpoint)
        // Now nothing of it goes any more.
        let reader = BucketReader(options.objects)
        if let head = try reader.manifest(pin.manifest)?.manifest,
          let file = try reader.missingFiles(of: head).first
        {
          doubtCopies(true)
          try pinning.remove(name)
          throw BucketError.notWhole(head, file)
        }
        return pin.manifest
      } catch {
        throw refusal(error)
      }
    }
  }
}

/// What a collection removed from a bucket, or would remove.
public struct BucketCollection: Sendable, Equatable {
  /// Files of versions that were replaced longer ago than the grace.
  public var files: Int
  /// Files that no version names, of earlier writers and older than the grace, or older than a day; and what trying
  /// the bucket out left.
  public var orphans: Int
  /// Descriptions of old versions.
  public var manifests: Int
  /// Logs of which the newest version has everything.
  public var logs: Int
  /// Uploads that were begun more than a day ago and never finished.
  public var unfinished: Int

  init(_ plan: BucketCollector.Result, unfinished: Int) {
    files = plan.files.count
    orphans = plan.orphans.count
    manifests = plan.manifests.count
    logs = plan.logs.count
    self.unfinished = unfinished
  }
}

extension BucketObject {
  fileprivate func objectName(of file: FileName) -> ObjectName {
    BucketLayout.file(BucketFile(file.kind == .segment ? .segment : .values, file.number, self))
  }
}
