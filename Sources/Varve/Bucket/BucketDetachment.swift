import VarveFormat
package import VarvePlatform

/// Takes the bucket from a store of which everything is on this machine.
///
/// ```
///   names synced ──> newest manifest made again ──> files that came back, too ──> `bucket` goes, synced
/// ```
///
/// What is seen may not be durable, where whoever made it died or met a sync that failed. As long as there is a bucket
/// a power cut then leaves a file cold, or brings a manifest back that names cold ones; without it they are lost.
struct BucketDetachment {
  let path: String
  let fileSystem: any FileSystem

  func run() throws(StoreError) {
    let place: any Directory
    let lock: any FileLock
    do throws(FileSystemError) {
      place = try fileSystem.openDirectory(at: path, create: false)
    } catch {
      throw StoreError(opening: path, error)
    }
    // Before so much as a lock file is left there.
    _ = try tie(in: place)
    do throws(FileSystemError) {
      lock = try place.lock(FileName.lock, isShared: false)
    } catch {
      throw StoreError(opening: path, error)
    }
    defer { lock.release() }
    let tie = try tie(in: place)
    let found = try FoundFiles(in: place)
    // What is being restored is whole only when it was opened.
    guard let number = found.manifests.max(), tie.state != .restoring else {
      throw StoreError(notRestoredAt: path)
    }
    let file = ManifestFile(directory: place)
    let bytes = try file.bytes(number)
    let manifest = try file.decoded(bytes, number).0
    try manifest.checkMayWrite()
    try checkIsWhole(place, manifest)
    try settle(place, manifest, found.mayLose(manifest) ? bytes : nil, tie)
    try TieFile(directory: place).remove()
    // Nothing needs them from here on, nor is harmed by them.
    for name in found.tails + [FileName.slots] { try? place.remove(name) }
  }

  private func tie(in directory: any Directory) throws(StoreError) -> BucketTie {
    guard let tie = try TieFile(directory: directory).read() else {
      throw StoreError(.invalid, "the store has no bucket", file: path)
    }
    return tie
  }

  private func checkIsWhole(
    _ directory: any Directory, _ manifest: Manifest
  ) throws(StoreError) {
    var missing = 0
    for file in manifest.bucketFiles {
      do throws(FileSystemError) {
        if try directory.status(of: file.name.description) == nil { missing += 1 }
      } catch {
        throw StoreError(error)
      }
    }
    guard missing == 0 else {
      throw StoreError(
        .invalid,
        "only the bucket has \(missing) of its files: bring them here first (prefetch)",
        file: path)
    }
  }

  /// Makes the names durable of which the store is made, that of its manifest by making it again of its bytes.
  private func settle(
    _ place: any Directory, _ manifest: Manifest, _ bytes: [UInt8]?, _ tie: BucketTie
  ) throws(StoreError) {
    let poison = Poison()
    let directory = GuardedDirectory(place, poison: poison)
    directory.inherit()
    do throws(FileSystemError) { try directory.settle() } catch { throw StoreError(error) }
    if let bytes {
      try ManifestWriter(directory: directory, poison: poison)
        .write(bytes, as: FileName(.manifest, manifest.number))
    }
    let (brought, copies) = (BroughtFiles(directory: directory), tie.head?.copies ?? [:])
    for file in manifest.bucketFiles { try brought.settle(file, as: copies[file.key]) }
  }
}

extension SegmentStore {
  /// Takes the bucket from the store in the directory `path`, which must be closed: it goes on by itself, and may be
  /// given another bucket. What lies in the bucket stays there, and can be opened from there as a store of its own.
  ///
  /// All of it is durable when this returns. Two syncs, and two more where a crash or a failed sync came before; files
  /// that came back from the bucket while the disk failed are copied, which takes room for one of them at a time.
  ///
  /// - Throws: `.invalid` where files lie only in the bucket, or the store has none; `.notFound` where it was not
  ///   restored to its end, or not opened with its bucket since; `.corrupted` where a file that must be copied is
  ///   damaged; `.full`; `.locked`; `.inputOutput` and `.poisoned` where the disk failed. Nothing is lost then: the
  ///   store has its bucket, or, where only the last sync failed, is seen without it and may have it again.
  public static func detachBucket(ofStoreAt path: String) throws(StoreError) {
    try detachBucket(ofStoreAt: path, on: PosixFileSystem())
  }

  /// The same on another machine's files.
  package static func detachBucket(
    ofStoreAt path: String, on fileSystem: any FileSystem
  ) throws(StoreError) { try BucketDetachment(path: path, fileSystem: fileSystem).run() }
}
