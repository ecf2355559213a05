import VarveFormat
import VarveObjects
import VarvePlatform

/// Makes a directory from a bucket in which all files are cold.
///
/// ```
///   claim: the newest version there is ours ──> file `bucket`, durable ──> manifest, durable
/// ```
///
/// The claim comes first: whoever wrote before cannot commit any more, so that what is restored is what is
/// newest. Without the last step the directory is one that was not restored to its end; it begins again then.
struct StoreRestore {
  let bucket: BucketOptions
  let path: String
  let components: StoreComponents

  func run() throws(StoreError) {
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
    let writer = try claim()
    let head = writer.head.manifest
    let tie = BucketTie(
      location: bucket.objects.location, writers: [writer.id], head: head,
      storeID: head.version.storeID)
    try TieFile(directory: directory).write(tie)
    var version = head.version
    version.predecessorDigest = BucketManifest.firstPredecessor
    _ = try ManifestWriter(directory: directory, poison: Poison()).write(version)
  }

  private func claim() throws(StoreError) -> BucketWriter {
    let claim = BucketClaim(bucket.objects, random: components.random)
    do throws(BucketError) { return try claim.run(as: claim.makeID(), after: .anybody) } catch {
      throw StoreError(error, at: bucket.objects.location)
    }
  }

  private func checkPlace(_ directory: any Directory) throws(FileSystemError) {
    for name in try directory.names() where FileName(parsing: name) != nil {
      throw FileSystemError(.openDirectory, .exists, path: path)
    }
  }
}
