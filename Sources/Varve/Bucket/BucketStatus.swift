import VarveFormat
import VarvePlatform

/// What of a store is where.
public struct BucketStatus: Sendable {
  /// Files, and the bytes in them.
  public struct Amount: Sendable, Equatable {
    /// How many.
    public var files = 0
    /// Bytes in all of them.
    public var bytes: UInt64 = 0

    mutating func add(_ size: UInt64) {
      files += 1
      bytes = bytes.addingStated(size)
    }
  }

  /// Where the bucket is.
  public var location: String
  /// How many writers the store in the bucket had; nil where nothing was committed yet.
  public var epoch: UInt64?
  /// The number of the newest version in the bucket, counted there.
  public var version: UInt64?
  /// Whether several machines may try to write at once, of which one wins: else it is for their owners to
  /// see to it that one at a time does.
  public var allowsRivals: Bool
  /// Whether this opening may put anything there.
  public var isConnected: Bool
  /// Whether another machine was found to have taken over.
  public var isFenced: Bool
  /// Sealed files on this machine.
  public var local = Amount()
  /// Sealed files that lie only in the bucket.
  public var cold = Amount()
  /// Sealed files of the newest version in the bucket.
  public var stored = Amount()
  /// Sealed files that are not there yet. Recent writes, in memory and logs, are none yet.
  public var waiting = Amount()
  /// Files in the bucket that no version needs and that are not removed yet.
  public var garbageFiles = 0
  /// Requests for parts of cold files since the store was opened.
  public var coldReads: UInt64
  /// Bytes that they brought.
  public var coldReadBytes: UInt64
  /// Parts of cold files, 64 KiB each, that were found in memory since the store was opened.
  public var coldMemoryHits: UInt64
  /// Those that were found on disk (``BucketOptions/diskCacheBytes``).
  public var coldDiskHits: UInt64
  /// Bytes of the parts on disk; 0 before the first look there.
  public var diskCacheBytes: UInt64
}

extension BucketTier {
  func status(of version: Version) throws(StoreError) -> BucketStatus {
    let (head, writer) = (known.head, known.writer)
    let reads = cold.metrics
    var status = BucketStatus(
      location: options.objects.location, epoch: head?.epoch, version: head?.number,
      allowsRivals: options.objects.createsAtomically,
      isConnected: writer != nil, isFenced: writer?.isFenced ?? false, coldReads: reads.reads,
      coldReadBytes: reads.bytes, coldMemoryHits: reads.memoryHits,
      coldDiskHits: reads.diskHits, diskCacheBytes: reads.diskBytes)
    let stored = head?.copies ?? [:]
    for file in version.manifest.forBucket.bucketFiles {
      if try isLocal(file) { status.local.add(file.size) } else { status.cold.add(file.size) }
      if stored[file.key] == nil { status.waiting.add(file.size) }
    }
    for file in head?.version.bucketFiles ?? [] { status.stored.add(file.size) }
    status.garbageFiles = head?.garbage.count ?? 0
    return status
  }
}
