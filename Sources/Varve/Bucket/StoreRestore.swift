import VarveFormat
import VarveObjects
import VarvePlatform

/// Makes a directory from a bucket in which all files are cold.
///
/// ```
///   claim: the newest version there is ours, and nobody puts a log behind those that are there
///     ──> file `bucket`, durable ──> the bucket's logs as logs of this directory ──> manifest
/// ```
///
/// The claim comes first: whoever wrote before can confirm nothing any more, so that what is restored is what is
/// newest. Without the last step the directory is one that was not restored to its end; it begins again then.
struct StoreRestore {
  let bucket: BucketOptions
  let version: BucketVersion.Name
  let path: String
  let components: StoreComponents

  func run() throws(StoreError) {
    var options = StoreOptions()
    options.bucket = bucket
    try StoreOpening.checkBucketPlace(options, path)
    // Before anything is made here.
    try checkBucket()
    let directory: any Directory
    let lock: any FileLock
    do throws(FileSystemError) {
      directory = try components.fileSystem.openDirectory(at: path, create: true)
    } catch {
      throw StoreError(opening: path, isMaking: true, error)
    }
    _ = try checkPlace(directory)
    do throws(FileSystemError) {
      lock = try directory.lock(FileName.lock, isShared: false)
    } catch {
      throw StoreError(opening: path, isMaking: true, error)
    }
    defer { lock.release() }
    // Nobody else made one since.
    let found = try checkPlace(directory)
    let writer = try claim()
    let head = writer.head.manifest
    let tie = BucketTie(
      location: bucket.objects.location, writers: [writer.id], head: head,
      storeID: head.version.storeID, state: .restoring)
    try TieFile(directory: directory).write(tie)
    var version = head.version
    version.predecessorDigest = BucketManifest.firstPredecessor
    // Above the logs of a restoring that did not come to its end: those go when the store is opened.
    version.nextFileNumber = max(version.nextFileNumber, found.nextNumber)
    if self.version == .newest {
      try RestoredLogs(
        reader: BucketReader(bucket.objects), directory: directory, random: components.random
      ).write(behind: head, to: writer.firstLog, into: &version)
    }
    // Lost, it is restored again; the opening that follows makes it durable.
    _ = try ManifestWriter(directory: directory, poison: Poison()).write(version, isSettled: false)
  }

  private func claim() throws(StoreError) -> BucketWriter {
    let claim = BucketClaim(bucket.objects, random: components.random)
    do throws(BucketError) {
      if let number = try version.number(in: BucketReader(bucket.objects)) {
        return try claim.run(
          as: claim.makeID(), backTo: number, isAbandoned: version.isAbandoned,
          check: Self.checkMayWrite)
      }
      return try claim.run(as: claim.makeID(), after: .anybody, check: Self.checkMayWrite)
    } catch {
      throw StoreError(error, at: bucket.objects.location)
    }
  }

  private static func checkMayWrite(_ head: BucketManifest) throws(BucketError) {
    let flags = head.version.readCompatibleFlags
    guard flags == 0 else {
      throw .unfit("a later version wrote the store: it may be read, not written to (\(flags))")
    }
  }

  private func checkBucket() throws(StoreError) {
    do throws(BucketError) {
      let reader = BucketReader(bucket.objects)
      guard try reader.identity() != nil else { throw .noStore }
      // Whoever wrote there may have what is missing, and would be fenced.
      guard version == .newest, !bucket.takesOver else { return }
      guard let head = try reader.head()?.manifest else { throw .noStore }
      if let file = try reader.missingFiles(of: head).first {
        throw BucketError.notWhole(head, file)
      }
    } catch {
      throw StoreError(error, at: bucket.objects.location)
    }
  }

  private func checkPlace(_ directory: any Directory) throws(StoreError) -> FoundFiles {
    let found = try FoundFiles(in: directory)
    let tie = try TieFile(directory: directory).read()
    let isUnfinished = tie?.state == .restoring && found.names.allSatisfy { $0.kind == .log }
    guard found.isEmpty || isUnfinished else {
      throw StoreError(.exists, "the directory holds a store", file: path)
    }
    try found.checkPlace(path, isMaking: true)
    return found
  }
}
