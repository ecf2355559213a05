import VarveFormat
import VarveObjects
import VarvePlatform

// Opening a store, step by step. A crash at any of them, again and again, is harmless:
//
//   1. lock            one writer, or readers only; where no store is, none is made among other files
//   2. manifest        the highest number is the truth; damaged, it is an error, never passed over
//   3. files           each must be there with the size the manifest states (SizeCheck); then the manifest
//                      is made again, where its name may not be durable (StoreOpening+Manifest)
//   4. logs            decide what to replay (pure: LogReplay)
//   5. replay          into a memtable; after an unclean end everything goes into new segments,
//                      synced, and a manifest raises the log floor before the first new write
//                      (StoreRecovery)
//   6. orphans         files that no version names go
//   7. catalog         the keyspaces, from the entries of the system keyspace
//
// Recovery never trusts the page cache: what was not known durable is written again, not synced. Names
// are synced before the first of them is changed (GuardedDirectory).

/// Makes an ``Engine`` from a directory.
struct StoreOpening {
  let path: String
  let options: StoreOptions
  let components: StoreComponents
  let directory: GuardedDirectory
  /// The same without the guard: files that lie in the bucket among the others.
  let tiered: TieredDirectory
  let lock: (any FileLock)?
  let derived: DerivedOptions
  let obsoleteFiles = ObsoleteFiles()
  let poison: Poison

  /// One cache and one decompressor for all segments and value files.
  let blocks: BlockAccess

  private var mode: ReadMode { options.readMode == .mapped ? .mapped : .pread }

  var valueEnvironment: ValueEnvironment {
    ValueEnvironment(directory: directory, mode: mode, blocks: blocks)
  }

  private var environment: SegmentEnvironment {
    SegmentEnvironment(directory: directory, mode: mode, blocks: blocks)
  }

  /// Who opens a directory, and so with whom it is shared.
  enum Role {
    case writer, reader
    /// Of a store that another machine writes: in the directory is only what is kept of its bucket.
    case replica
  }

  static func open(
    at path: String, _ options: StoreOptions, _ components: StoreComponents, as role: Role
  ) throws(StoreError) -> Engine {
    try options.check()
    try checkBucketPlace(options, path)
    var options = options
    if let bucket = options.bucket { options.bucket?.objects = CountedObjectStore(bucket.objects) }
    let isMaking = role == .replica || role == .writer && options.createIfMissing
    let poison = Poison()
    let derived = DerivedOptions(options)
    let tiered: TieredDirectory
    let lock: (any FileLock)?
    do throws(FileSystemError) {
      tiered = TieredDirectory(
        try components.fileSystem.openDirectory(at: path, create: isMaking),
        ColdFiles(
          budget: derived.coldBytes, readsAhead: components.background == .threads))
    } catch {
      throw StoreError(opening: path, isMaking: isMaking, error)
    }
    let directory = GuardedDirectory(tiered, poison: poison)
    switch role {
    case .writer: try checkPlace(directory, path, isMaking: isMaking)
    case .replica: try checkReplicaPlace(directory, path)
    case .reader: break
    }
    do throws(FileSystemError) {
      lock = try takeLock(in: directory, isShared: role == .reader)
    } catch {
      throw StoreError(opening: path, isMaking: isMaking, error)
    }
    let opening = StoreOpening(
      path: path, options: options, components: components, directory: directory, tiered: tiered,
      lock: lock,
      derived: derived, poison: poison,
      blocks: BlockAccess(
        decompressor: Decompressor(), cache: BlockCache(budget: derived.blockCacheBytes)))
    do throws(StoreError) {
      return try role == .replica ? opening.runReplica() : opening.run()
    } catch {
      lock?.release()
      throw error
    }
  }

  /// What goes with the machine's directory is no copy.
  static func checkBucketPlace(_ options: StoreOptions, _ path: String) throws(StoreError) {
    guard let place = options.bucket?.objects.location, place.hasPrefix("/") else { return }
    if PosixPath.lies(place, within: path) {
      throw StoreError(
        .invalid, "the bucket lies in the store's own directory: name another place", file: path)
    }
    guard options.access == .readWrite else { return }
    if PosixPath.lies(path, within: place) {
      throw StoreError(
        .invalid, "the store lies in the bucket's own directory: name another place", file: path)
    }
    let there = try? FoundFiles(in: PosixFileSystem().openDirectory(at: place, create: false))
    if let there, !there.manifests.isEmpty {
      throw StoreError(
        .invalid, "the bucket is the directory of a store: name another place", file: place)
    }
  }

  /// Throws where there is no store and none may be made, before so much as a lock file is left there.
  /// With a lock file there is, or was to be, a store: whoever holds it looks again.
  private static func checkPlace(
    _ directory: any Directory, _ path: String, isMaking: Bool
  ) throws(StoreError) {
    do throws(FileSystemError) {
      guard try directory.status(of: FileName.lock) == nil else { return }
    } catch {
      throw StoreError(opening: path, isMaking: isMaking, error)
    }
    let found = try FoundFiles(in: directory)
    if found.isEmpty { try found.checkPlace(path, isMaking: isMaking) }
  }

  /// A reader of a store without a lock file (a copy) has nobody to be kept from.
  private static func takeLock(
    in directory: any Directory, isShared: Bool
  ) throws(FileSystemError) -> (any FileLock)? {
    do throws(FileSystemError) {
      return try directory.lock(FileName.lock, isShared: isShared)
    } catch {
      guard isShared, error.reason == .notFound else { throw error }
      return nil
    }
  }
}

extension StoreOpening {
  private func run() throws(StoreError) -> Engine {
    let found = try FoundFiles(in: directory)
    let tie = try TieFile(directory: directory).read()
    let current = try currentManifest(found, tie)
    let manifest = current.manifest
    tiered.connect(
      options.bucket, of: manifest.storeID, isWriter: options.access == .readWrite)
    if let head = tie?.head { tiered.cold.add(head, among: manifest) }
    if let objects = options.bucket?.objects {
      tiered.cold.explainMissing { _ in
        BucketTier.isAway(objects, of: manifest.storeID) ? .unavailable : .missing
      }
    }
    // Where the bucket is another store's, what it has would be said to be missing.
    try check(tie, of: manifest)
    try SizeCheck(of: manifest, in: directory).run(usesThreads: components.background == .threads)
    try settle(current, found)
    let clock = StoreClock(components.clock, floor: manifest.timeFloor)
    let numbers = FileNumbers(next: max(manifest.nextFileNumber, found.nextNumber))
    let epochs = ReadEpochs()
    let values = ValueAccess(store: ValueStore(valueEnvironment, epochs: epochs))
    values.store.add(manifest.valueFiles)
    // Weak: what was retired from the store of values leads back here, and would keep all alive.
    obsoleteFiles.onRemoval { [weak store = values.store] in store?.forget($0) }
    values.store.add(leftovers: found.leftoverValueFiles(of: manifest))
    // Only what a crash left is taken over; a part of a memtable's memory is for the way there.
    let isGathered = options.access == .readWrite && !manifest.isCleanlyClosed
    let logs = try StoredLogs(
      found.logs, in: directory, of: manifest, options.readMode,
      gatheredBytes: isGathered ? derived.memTableBytes / 2 : nil,
      usesThreads: components.background == .threads)
    // What is taken over by writing need not be in memory first.
    let isRecovery = !logs.isClean && options.access == .readWrite
    var replay = ReplayedLogs(lastSequence: manifest.lastSequence)
    if !isRecovery {
      replay = try LogReplaying(
        logs: logs, values: values, tableBytes: derived.memTableBytes, obsoleteFiles: obsoleteFiles
      ).run(from: manifest.lastSequence)
    }
    let bucket = try openBucket(tie, manifest, through: logs.lastSequence, clock)
    let engine = makeEngine(
      manifest, current.digest, clock, numbers, values, epochs, replay, logs, bucket)
    do throws(StoreError) {
      if isRecovery {
        (replay.entryCount, replay.tornBytes) = try StoreRecovery(engine, logs).recover()
      }
      try engine.loadCatalog()
      if options.access == .readWrite {
        try begin(engine, after: replay, consume logs, found)
      }
    } catch {
      engine.dissolve()
      throw error
    }
    engine.report(.opened(replayedEntries: replay.entryCount, tornBytes: replay.tornBytes))
    return engine
  }

  /// Throws where it is another store's, or says that this machine may not write any more.
  private func check(_ tie: BucketTie?, of manifest: Manifest) throws(StoreError) {
    guard let tie else { return }
    guard tie.storeID == manifest.storeID else {
      throw StoreError(
        .corrupted, "belongs to another store", file: FileName.bucket, structure: "bucket file",
        offset: 24)
    }
    guard options.access == .readWrite, tie.state == .fenced else { return }
    guard options.bucket?.takesOver ?? false else {
      throw StoreError(
        .fenced,
        "another machine has taken over: what is only here can be read, and the store goes on in its bucket",
        file: path)
    }
  }

  private func openBucket(
    _ tie: BucketTie?, _ manifest: Manifest, through last: SequenceNumber, _ clock: StoreClock
  ) throws(StoreError) -> BucketTier? {
    guard options.access == .readWrite else { return nil }
    guard let bucket = options.bucket else {
      if let tie { try BucketTier.noteApart(tie, manifest, last, in: directory) }
      return nil
    }
    return try BucketTier.open(
      bucket, tie, in: directory, tiered, of: manifest, through: last, components.random, clock)
  }

  /// Removes what is left over and lets the background begin.
  private func begin(
    _ engine: Engine, after replay: ReplayedLogs, _ logs: consuming StoredLogs, _ found: FoundFiles
  ) throws(StoreError) {
    let newest = engine.versions.current.manifest
    var live = liveFiles(of: newest, found)
    if logs.isClean {
      live.formUnion(newest.logs.map { FileName(.log, $0.number) })
      live.formUnion(replay.valueFiles.keys.map { FileName(.values, $0) })
    }
    retireOrphans(found, keeping: live)
    // Large logs take a while to unmap, and large files to remove.
    engine.views.epochs.retire(consume logs)
    try engine.startBackground()
    if engine.background != .threads { engine.reclaim() }
  }

  func makeEngine(
    _ manifest: Manifest, _ digest: [UInt8], _ clock: StoreClock, _ numbers: FileNumbers,
    _ values: ValueAccess, _ epochs: ReadEpochs, _ replay: ReplayedLogs, _ logs: StoredLogs,
    _ bucket: BucketTier?, replica: Replica? = nil
  ) -> Engine {
    var valueFiles = replay.valueFiles
    for record in manifest.valueFiles where valueFiles[record.number] == nil {
      valueFiles[record.number] = ValueFileHandle(
        number: record.number, obsoleteFiles: obsoleteFiles)
    }
    let versions = VersionSet(
      manifest: manifest, digest: digest, valueFiles: valueFiles,
      writer: ManifestWriter(directory: directory, poison: poison),
      environment: environment,
      obsoleteFiles: obsoleteFiles, numbers: numbers, clock: clock)
    let view: ReadView
    if logs.isClean {
      view = ReadView(
        active: replay.tables.first ?? MemTableGeneration(firstLog: manifest.logFloor),
        frozen: [], version: versions.current)
    } else {
      view = ReadView(
        active: MemTableGeneration(firstLog: numbers.upcoming), frozen: replay.tables.reversed(),
        version: versions.current)
    }
    return Engine(
      Engine.Parts(
        path: path, options: options, derived: derived, components: components,
        directory: directory, fileLock: lock, clock: clock, numbers: numbers,
        obsoleteFiles: obsoleteFiles, poison: poison, versions: versions, values: values,
        metrics: MetricsRecorder(), bucket: bucket, replica: replica, view: view, epochs: epochs,
        lastSequence: replay.lastSequence,
        liveLogs: logs.isClean ? manifest.logs : []))
  }

  /// What `manifest` names, itself included.
  private func liveFiles(of manifest: Manifest, _ found: FoundFiles) -> Set<FileName> {
    var live = Set<FileName>(minimumCapacity: found.names.count)
    for record in manifest.segments { live.insert(FileName(.segment, record.number)) }
    for record in manifest.valueFiles { live.insert(FileName(.values, record.number)) }
    live.insert(FileName(.manifest, manifest.number))
    return live
  }

  /// Removes what no version names. Whatever cannot be removed is tried again at the next opening.
  private func retireOrphans(_ found: FoundFiles, keeping live: Set<FileName>) {
    for orphan in found.names where !live.contains(orphan) { obsoleteFiles.add(orphan) }
    for name in found.temporaries { try? directory.remove(name) }
    for name in found.tails {
      guard let file = FileName(parsing: String(name.dropLast(5))), live.contains(file) else {
        try? directory.remove(name)
        continue
      }
    }
  }
}
