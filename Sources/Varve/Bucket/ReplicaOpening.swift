import VarveFormat
import VarveObjects
import VarvePlatform

// A replica, from the bucket to what readers see. Its directory holds nothing but parts of cold files.

extension StoreOpening {
  /// Throws where the directory is a store's own, or somebody else's.
  static func checkReplicaPlace(_ directory: any Directory, _ path: String) throws(StoreError) {
    let found = try FoundFiles(in: directory)
    guard found.isEmpty else {
      throw StoreError(
        .exists, "the directory holds a store: a replica needs one of its own", file: path)
    }
    try found.checkPlace(path, isMaking: true)
  }

  func runReplica() throws(StoreError) -> Engine {
    guard let bucket = options.bucket else {
      throw StoreError(.invalid, "options: there is no bucket to read the store from", file: path)
    }
    let head = try newest(in: bucket.objects)
    let manifest = head.version
    let clock = StoreClock(components.clock, floor: manifest.timeFloor)
    let replica = Replica(bucket.objects, tiered.cold, head, clock)
    tiered.connect(bucket, of: manifest.storeID, isWriter: true)
    tiered.cold.add(head, among: manifest)
    tiered.cold.explainMissing { [weak replica] in replica?.whyMissing($0) ?? .missing }
    let engine = try makeReplica(replica, manifest, clock)
    do throws(StoreError) {
      try engine.loadCatalog()
      try retireLeftTails(of: manifest)
      try engine.startFollowing()
    } catch {
      engine.dissolve()
      throw error
    }
    engine.report(.opened(replayedEntries: 0, tornBytes: 0))
    return engine
  }

  private func newest(in objects: any ObjectStore) throws(StoreError) -> BucketManifest {
    do throws(BucketError) {
      let reader = BucketReader(objects)
      guard let identity = try reader.identity(), let head = try reader.head()?.manifest else {
        throw .noStore
      }
      guard head.version.storeID == identity.storeID else { throw .otherStore }
      return head
    } catch {
      throw StoreError(error, at: objects.location)
    }
  }

  private func makeReplica(
    _ replica: Replica, _ manifest: Manifest, _ clock: StoreClock
  ) throws(StoreError) -> Engine {
    let epochs = ReadEpochs()
    let values = ValueAccess(store: ValueStore(valueEnvironment, epochs: epochs))
    values.store.add(manifest.valueFiles)
    obsoleteFiles.onRemoval { [weak store = values.store] in store?.forget($0) }
    return makeEngine(
      manifest, BucketManifest.firstPredecessor, clock, FileNumbers(next: manifest.nextFileNumber),
      values, epochs, ReplayedLogs(lastSequence: manifest.lastSequence),
      try StoredLogs([], in: directory, of: manifest, options.readMode), nil, replica: replica)
  }

  /// Removes what an earlier opening kept of files that are no part of the store any more.
  private func retireLeftTails(of manifest: Manifest) throws(StoreError) {
    let live = Set(manifest.bucketFiles.map(\.name))
    for name in try FoundFiles(in: directory).tails {
      guard let file = FileName(parsing: String(name.dropLast(5))), live.contains(file) else {
        try? directory.remove(name)
        continue
      }
    }
  }
}
