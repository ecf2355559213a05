import VarveFormat
import VarveObjects
package import VarvePlatform

/// What of a store lies in its bucket, and why.
public struct BucketUsage: Sendable {
  /// Objects, and the bytes in them.
  public typealias Amount = BucketStatus.Amount

  /// What a checkpoint keeps.
  public struct Checkpoint: Sendable, Equatable {
    /// What it is called.
    public var name: String
    /// The number of the version that it keeps.
    public var version: UInt64
    /// Files of that version that the newest one does not have. Several checkpoints may keep the same.
    public var kept = Amount()
  }

  /// How often a bucket is written to, by what happened lately.
  public struct Rate: Sendable, Equatable {
    /// Seconds that were looked at: since the oldest version that is still described.
    public var seconds: UInt64
    /// Objects that were put meanwhile. Those that were collected since are not counted.
    public var writes: UInt64
    /// Listings: one for each version.
    public var lists: UInt64
  }

  /// The number of the newest version.
  public var version: UInt64
  /// Files of the newest version.
  public var live = Amount()
  /// Files of the newest version that are not there, or not of their size; not part of the total.
  public var missing = Amount()
  /// Whether the newest version is another machine's than the store's that was asked about; false where none was.
  public var isTakenOver = false
  /// Files that only checkpoints keep.
  public var checkpointed = Amount()
  /// Files that no version needs any more; they go when they were that for the grace of the collector.
  public var garbage = Amount()
  /// Files that no version names: of an upload that is under way, or was broken off. They go after a day.
  public var unnamed = Amount()
  /// Logs, of which those go that a version has everything of.
  public var logs = Amount()
  /// Descriptions of versions; about a hundred stay.
  public var versions = Amount()
  /// What else lies there.
  public var others = Amount()
  /// The checkpoints, by name.
  public var checkpoints: [Checkpoint] = []
  /// Nil where it was not looked at for an hour yet.
  public var rate: Rate?

  /// Everything.
  public var total: Amount {
    var sum = Amount()
    for part in [live, checkpointed, garbage, unnamed, logs, versions, others] {
      sum.files += part.files
      sum.bytes = sum.bytes.addingStated(part.bytes)
    }
    return sum
  }
}

extension SegmentStore {
  /// What of a store lies in a bucket, and why. Nothing is changed, and nobody fenced; a store that writes there
  /// meanwhile may show as of two moments.
  ///
  /// A listing for each thousand objects, and a request for the newest version, each checkpoint and its version.
  /// - Parameter path: the directory of the store that the bucket must be of; nil: of any.
  /// - Throws: `.notFound` where the bucket holds no store; `.exists` where it holds another; `.unavailable`;
  ///   `.corrupted` where what is named above cannot be read.
  public static func bucketUsage(
    in objects: any ObjectStore, ofStoreAt path: String? = nil
  ) throws(StoreError) -> BucketUsage {
    try bucketUsage(in: objects, ofStoreAt: path, on: PosixFileSystem())
  }

  /// The same on another file system.
  package static func bucketUsage(
    in objects: any ObjectStore, ofStoreAt path: String?, on fileSystem: any FileSystem
  ) throws(StoreError) -> BucketUsage {
    let tie =
      try path.map { path throws(StoreError) in try TieFile.read(ofStoreAt: path, on: fileSystem) }
      ?? nil
    do throws(BucketError) {
      let reader = BucketReader(objects)
      guard let identity = try reader.identity(), let head = try reader.head()?.manifest else {
        throw .noStore
      }
      guard tie.map({ $0.storeID == identity.storeID }) ?? true else { throw .otherStore }
      var usage = BucketUsage(version: head.number)
      usage.isTakenOver = tie.map { !$0.writers.contains(head.writer) } ?? false
      let listed = try reader.entries("")
      var files = UsedFiles(head)
      for (name, pin) in try reader.namedPins() {
        guard let kept = try reader.manifest(pin.manifest)?.manifest else {
          // It keeps nothing any more.
          usage.checkpoints.append(.init(name: name, version: pin.manifest))
          continue
        }
        usage.checkpoints.append(files.keep(kept, as: name))
      }
      for entry in listed { usage.add(entry, files) }
      usage.count(head, listed)
      usage.rate = .init(listed, now: SystemClock().wallMilliseconds())
      return usage
    } catch {
      throw StoreError(error, at: objects.location)
    }
  }
}

/// Which files are needed, and by what.
private struct UsedFiles {
  let live: Set<ObjectName>
  let garbage: Set<ObjectName>
  private(set) var kept: Set<ObjectName> = []

  init(_ head: BucketManifest) {
    live = Set(head.files.map(BucketLayout.file))
    garbage = Set(head.garbage.map { BucketLayout.file($0.file) })
  }

  mutating func keep(_ version: BucketManifest, as name: String) -> BucketUsage.Checkpoint {
    var checkpoint = BucketUsage.Checkpoint(name: name, version: version.number)
    for (file, local) in zip(version.files, version.version.bucketFiles) {
      let name = BucketLayout.file(file)
      guard !live.contains(name) else { continue }
      kept.insert(name)
      checkpoint.kept.add(local.size)
    }
    return checkpoint
  }
}

extension BucketUsage {
  fileprivate mutating func count(_ head: BucketManifest, _ listed: [ObjectListing.Entry]) {
    let sizes = Dictionary(listed.map { ($0.name, $0.size) }) { first, _ in first }
    for (file, local) in zip(head.files, head.version.bucketFiles)
    where sizes[BucketLayout.file(file)] != local.size {
      missing.add(local.size)
    }
  }

  fileprivate mutating func add(_ entry: ObjectListing.Entry, _ files: UsedFiles) {
    let name = entry.name.description
    let part: WritableKeyPath<BucketUsage, Amount> =
      if name.hasPrefix(BucketLayout.files) {
        files.live.contains(entry.name)
          ? \.live
          : files.kept.contains(entry.name)
            ? \.checkpointed : files.garbage.contains(entry.name) ? \.garbage : \.unnamed
      } else if name.hasPrefix(BucketLayout.logs) {
        \.logs
      } else if name.hasPrefix(BucketLayout.manifests) {
        \.versions
      } else {
        \.others
      }
    self[keyPath: part].add(entry.size)
  }
}

extension BucketUsage.Rate {
  /// - Parameter now: by whatever clock: it is an estimate.
  fileprivate init?(_ listed: [ObjectListing.Entry], now: UInt64) {
    let versions = listed.compactMap { entry in
      BucketLayout.manifestNumber(entry.name).map { (number: $0, written: entry.modified) }
    }
    guard let oldest = versions.first, let newest = versions.last,
      newest.number >= oldest.number
    else { return nil }
    let end = max(now, newest.written)
    guard end >= oldest.written, end - oldest.written >= 3_600_000 else { return nil }
    seconds = (end - oldest.written) / 1_000
    lists = newest.number - oldest.number
    let since = listed.filter { entry in
      entry.modified >= oldest.written
        && [BucketLayout.files, BucketLayout.logs].contains { entry.name.description.hasPrefix($0) }
    }
    writes = lists + UInt64(since.count)
  }
}
