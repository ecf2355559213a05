import VarveFormat
import VarveObjects
package import VarvePlatform

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
  /// What the bucket was asked for since the store was opened.
  public var requests = ObjectRequests()
}

extension Replica {
  /// Everything is cold, and as the version that is shown has it.
  var status: BucketStatus {
    let head = known.withLock { $0.latest }
    let reads = cold.metrics
    var status = BucketStatus(
      location: objects.location, epoch: head.epoch, version: head.number,
      allowsRivals: objects.createsAtomically, isConnected: false, isFenced: false,
      coldReads: reads.reads, coldReadBytes: reads.bytes, coldMemoryHits: reads.memoryHits,
      coldDiskHits: reads.diskHits, diskCacheBytes: reads.diskBytes)
    status.requests = (objects as? CountedObjectStore)?.requests ?? .init()
    for file in head.version.bucketFiles { status.stored.add(file.size) }
    (status.cold, status.garbageFiles) = (status.stored, head.garbage.count)
    return status
  }
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
    status.requests = (options.objects as? CountedObjectStore)?.requests ?? .init()
    try status.count(version.manifest, head) { file throws(StoreError) in try isLocal(file) }
    return status
  }
}

extension BucketStatus {
  fileprivate mutating func count(
    _ manifest: Manifest, _ head: BucketManifest?,
    isLocal: (LocalFile) throws(StoreError) -> Bool
  ) throws(StoreError) {
    let copies = head?.copies ?? [:]
    for file in manifest.forBucket.bucketFiles {
      if try isLocal(file) { local.add(file.size) } else { cold.add(file.size) }
      if copies[file.key] == nil { waiting.add(file.size) }
    }
    for file in head?.version.bucketFiles ?? [] { stored.add(file.size) }
    garbageFiles = head?.garbage.count ?? 0
  }
}

extension SegmentStore {
  /// What is where, of the store in the directory `path`, by what it says there; nil where it has no bucket. Takes no
  /// lock, asks nothing of the bucket, and changes nothing: while the store is open it may be a moment behind.
  public static func bucketStatus(
    ofStoreAt path: String
  ) throws(StoreError) -> BucketStatus? {
    try bucketStatus(ofStoreAt: path, on: PosixFileSystem())
  }

  /// The same on another file system.
  package static func bucketStatus(
    ofStoreAt path: String, on fileSystem: any FileSystem
  ) throws(StoreError) -> BucketStatus? {
    let directory: any Directory
    do throws(FileSystemError) {
      directory = try fileSystem.openDirectory(at: path, create: false)
    } catch {
      throw StoreError(opening: path, error)
    }
    for tries in 1... {
      do throws(StoreError) { return try BucketStatus(of: directory, path) } catch {
        // Whoever writes may have replaced a manifest just now.
        guard error.code == .corrupted, tries < 4 else { throw error }
      }
    }
    return nil
  }
}

extension BucketStatus {
  init?(of directory: any Directory, _ path: String) throws(StoreError) {
    guard let tie = try TieFile(directory: directory).read() else { return nil }
    guard let number = try FoundFiles(in: directory).manifests.max() else {
      throw StoreError(notRestoredAt: path)
    }
    let manifest = try ManifestFile(directory: directory).read(number).0
    self.init(
      location: tie.location, epoch: tie.head?.epoch, version: tie.head?.number,
      allowsRivals: true, isConnected: false, isFenced: tie.state == .fenced, coldReads: 0,
      coldReadBytes: 0, coldMemoryHits: 0, coldDiskHits: 0, diskCacheBytes: 0)
    try count(manifest, tie.head) { file throws(StoreError) in
      do throws(FileSystemError) {
        return try directory.status(of: file.name.description) != nil
      } catch {
        throw StoreError(error)
      }
    }
  }
}
