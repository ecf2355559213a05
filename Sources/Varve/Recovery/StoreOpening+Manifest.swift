import VarveFormat
import VarveObjects
import VarvePlatform

/// The manifest that an opening begins with.
struct CurrentManifest {
  var manifest: Manifest
  var digest: [UInt8]
  /// Its file, where its name is seen and may not be durable; nil where it is.
  var unsettled: [UInt8]?
}

extension StoreOpening {
  /// The newest manifest, or that of a store that is made now.
  func currentManifest(
    _ found: FoundFiles, _ tie: BucketTie?
  ) throws(StoreError) -> CurrentManifest {
    if let number = found.manifests.max() {
      directory.inherit()
      let file = ManifestFile(directory: directory)
      let bytes = try file.bytes(number)
      let (manifest, digest) = try file.decoded(bytes, number)
      var current = CurrentManifest(manifest: manifest, digest: digest)
      guard options.access == .readWrite else { return current }
      try manifest.checkMayWrite()
      if found.mayLose(manifest) || tie?.state == .restoring { current.unsettled = bytes }
      return current
    }
    guard tie == nil else {
      throw StoreError(notRestoredAt: path)
    }
    guard found.isEmpty else {
      throw StoreError(
        .corrupted, "the directory holds files of a store but no manifest", file: path,
        structure: "manifest", offset: 0)
    }
    try found.checkPlace(path, isMaking: options.access == .readWrite && options.createIfMissing)
    try checkBucketIsFree()
    return try newManifest()
  }

  private func newManifest() throws(StoreError) -> CurrentManifest {
    var manifest = Manifest(
      storeID: FileID(low: components.random.next(), high: components.random.next()))
    manifest.number = 1
    let writer = ManifestWriter(directory: directory, poison: poison)
    return CurrentManifest(manifest: manifest, digest: try writer.write(manifest))
  }

  /// Makes a manifest again, byte for byte, before anything that it replaced goes: where the sync behind it failed,
  /// its name is seen and never becomes durable. The names in it were synced before.
  ///
  /// On a full disk what a crash left half written makes room: no version names it.
  func settle(_ current: CurrentManifest, _ found: FoundFiles) throws(StoreError) {
    guard let bytes = current.unsettled else { return }
    let name = FileName(.manifest, current.manifest.number)
    let writer = ManifestWriter(directory: directory, poison: poison)
    do throws(StoreError) { try writer.write(bytes, as: name) } catch {
      guard error.code == .full, !found.temporaries.isEmpty else { throw error }
      for temporary in found.temporaries { try? directory.remove(temporary) }
      try writer.write(bytes, as: name)
    }
  }

  /// Of a store that lies in the bucket already a new one would be another, of which nothing could be put there.
  private func checkBucketIsFree() throws(StoreError) {
    guard let bucket = options.bucket else { return }
    do throws(BucketError) {
      guard try BucketReader(bucket.objects).identity() != nil else { return }
    } catch {
      guard bucket.opensWithoutBucket, error.isTransient else {
        throw StoreError(error, at: bucket.objects.location)
      }
      return
    }
    throw StoreError(
      .exists,
      "the bucket holds a store: open it from there (open(fromBucketTo:), 'varve remote restore')",
      file: bucket.objects.location)
  }
}
