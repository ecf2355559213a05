import VarveFormat
import VarveObjects
import VarvePlatform

/// Makes a directory from a bucket in which all files are cold.
///
/// ```
///   newest manifest in the bucket ──> file `bucket`, durable ──> manifest, durable
/// ```
///
/// Without the second step the directory is one that was not restored to its end; it begins again then.
struct StoreRestore {
  let bucket: BucketOptions
  let path: String
  let components: StoreComponents

  func run() throws(StoreError) {
    let head = try newest()
    let directory: any Directory
    let lock: any FileLock
    do throws(FileSystemError) {
      directory = try components.fileSystem.openDirectory(at: path, create: true)
      try checkPlace(directory)
      lock = try directory.lock(FileName.lock, isShared: false)
    } catch {
      throw StoreError(opening: path, isMaking: true, error)
    }
    defer { lock.release() }
    let tie = BucketTie(
      location: bucket.objects.location, writers: [], head: head, storeID: head.version.storeID)
    try TieFile(directory: directory).write(tie)
    var version = head.version
    version.predecessorDigest = BucketManifest.firstPredecessor
    _ = try ManifestWriter(directory: directory, poison: Poison()).write(version)
  }

  private func newest() throws(StoreError) -> BucketManifest {
    do throws(BucketError) {
      let reader = BucketReader(bucket.objects)
      guard let identity = try reader.identity(), let head = try reader.head() else {
        throw .noStore
      }
      guard identity.storeID == head.manifest.version.storeID else { throw .otherStore }
      return head.manifest
    } catch {
      throw StoreError(error, at: bucket.objects.location)
    }
  }

  private func checkPlace(_ directory: any Directory) throws(FileSystemError) {
    for name in try directory.names() where FileName(parsing: name) != nil {
      throw FileSystemError(.openDirectory, .exists, path: path)
    }
  }
}
