import VarveFormat
package import VarvePlatform

/// Takes the bucket from a store of which everything is on this machine.
struct BucketDetachment {
  let path: String
  let fileSystem: any FileSystem

  func run() throws(StoreError) {
    let directory: any Directory
    let lock: any FileLock
    do throws(FileSystemError) {
      directory = try fileSystem.openDirectory(at: path, create: false)
    } catch {
      throw StoreError(opening: path, error)
    }
    // Before so much as a lock file is left there.
    _ = try tie(in: directory)
    do throws(FileSystemError) {
      lock = try directory.lock(FileName.lock, isShared: false)
    } catch {
      throw StoreError(opening: path, error)
    }
    defer { lock.release() }
    let file = try tie(in: directory)
    let found = try FoundFiles(in: directory)
    try checkIsWhole(directory, found)
    try file.remove()
    // Nothing needs them from here on, nor is harmed by them.
    for name in found.tails + [FileName.slots] { try? directory.remove(name) }
  }

  private func tie(in directory: any Directory) throws(StoreError) -> TieFile {
    let file = TieFile(directory: directory)
    guard try file.read() != nil else {
      throw StoreError(.invalid, "the store has no bucket", file: path)
    }
    return file
  }

  private func checkIsWhole(
    _ directory: any Directory, _ found: FoundFiles
  ) throws(StoreError) {
    guard let number = found.manifests.max() else {
      throw StoreError(notRestoredAt: path)
    }
    let manifest = try ManifestFile(directory: directory).read(number).0
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
}

extension SegmentStore {
  /// Takes the bucket from the store in the directory `path`, which must be closed: it goes on by itself, and may be
  /// given another bucket. What lies in the bucket stays there, and can be opened from there as a store of its own.
  ///
  /// - Throws: `.invalid` where files lie only in the bucket, or the store has none; `.locked`; `.notFound`.
  public static func detachBucket(ofStoreAt path: String) throws(StoreError) {
    try detachBucket(ofStoreAt: path, on: PosixFileSystem())
  }

  /// The same on another machine's files.
  package static func detachBucket(
    ofStoreAt path: String, on fileSystem: any FileSystem
  ) throws(StoreError) { try BucketDetachment(path: path, fileSystem: fileSystem).run() }
}
