import VarveFormat
import VarveObjects
import VarvePlatform

extension BucketTier {
  /// Claims the store's bucket, or makes it where it is new.
  ///
  /// - Throws: `.fenced` where another machine wrote there last, or the bucket has a version that this
  ///   directory does not know; `.unavailable` where the bucket does not answer and the store may not be
  ///   opened without.
  static func open(
    _ options: BucketOptions, _ tie: BucketTie?, in directory: GuardedDirectory,
    _ tiered: TieredDirectory, of manifest: Manifest, through last: SequenceNumber,
    _ random: any RandomSource, _ clock: StoreClock
  ) throws(StoreError) -> BucketTier {
    let location = options.objects.location
    let claim = BucketClaim(options.objects, random: random)
    let id = claim.makeID()
    var (known, before) = Self.introduced(id, tie, location, manifest.storeID)
    // By force nobody knows who has collected since.
    if options.takesOver { known.uploads = [] }
    try TieFile(directory: directory).write(known)
    let tier = BucketTier(options, directory, tiered, random, known)
    let cold = try tier.coldFiles(of: manifest)
    let writer: BucketWriter
    var mayHaveClaimed = false
    do throws(BucketError) {
      if tie?.head == nil || tie?.location != location { try claim.probe() }
      writer = try Self.claim(
        claim, id, before, options, known, clock, of: manifest, through: last, cold,
        isHere: { file in
          // Its copy is put again by the next upload.
          tier.doubtCopies(true)
          return (try? tiered.localStatus(of: file.name.description)).flatMap { $0 } != nil
        }, &mayHaveClaimed)
    } catch {
      // Who was never there keeps writing where it is.
      if case .fenced = error, known.head != nil, known.location == location {
        try? tier.noteFence()
      }
      let mayGoOn = options.opensWithoutBucket && known.state != .fenced
      guard mayGoOn, error.isTransient else {
        // A store that came for the first time and was refused is without a bucket, as it was.
        if tie == nil, !mayHaveClaimed || error.isRefusal {
          try TieFile(directory: directory).remove()
        }
        if tie == nil, case .fenced = error { throw Self.isThereAlready(location) }
        throw StoreError(error, at: location)
      }
      try noteApart(known, manifest, last, in: directory)
      return tier
    }
    // What was taken over by force may not have the copies of all that came back; another place, whatever it says.
    try tier.settleBrought(
      manifest.bucketFiles, namedBy: known.head,
      andNotBy: known.location == location ? writer.head.manifest : nil)
    (known.writers, known.location, known.state) = ([id], location, .whole)
    known.apartSince = nil
    try tier.adopt(writer, known, manifest)
    return tier
  }

  private static func isThereAlready(_ location: String) -> StoreError {
    StoreError(
      .fenced,
      "the bucket has this store already, from another machine or from before it was detached: to go on with what"
        + " is here it must be taken over (takesOver, 'varve remote attach --take-over')",
      file: location)
  }

  /// Notes before anything is written that the bucket is not there: of what is later than this no number tells
  /// any more whether both have it. A power cut can take the note only with all entries that were written since: the
  /// name of the log with the first of them is made durable behind it. A manifest alone may outlive it, which has
  /// no later entries than there were. A note that is there already may be one whose sync failed.
  static func noteApart(
    _ tie: BucketTie, _ manifest: Manifest, _ last: SequenceNumber, in directory: GuardedDirectory
  ) throws(StoreError) {
    var apart = tie
    apart.apartSince = tie.apartSince ?? .init(manifest: manifest.number, last: last)
    try TieFile(directory: directory).write(apart, isSettled: false)
  }

  /// What to note before a claim: it may arrive, and its answer be lost, and it must be known as ours. Also
  /// who we were until now: the first is the one that was confirmed last; of those that may have arrived the
  /// latest are kept.
  private static func introduced(
    _ id: FileID, _ tie: BucketTie?, _ location: String, _ storeID: FileID
  ) -> (BucketTie, before: [FileID]) {
    let writers = tie?.writers ?? []
    let before = Array(
      writers.prefix(1) + writers.dropFirst().suffix(BucketTie.mostWriters - 2))
    var noted = BucketTie(
      // Another place is noted when the store was found there.
      location: tie?.location ?? location, writers: before + [id], head: tie?.head,
      storeID: storeID, state: tie?.state ?? .whole, apartSince: tie?.apartSince)
    noted.uploads = tie?.location == location ? tie?.uploads ?? [] : []
    return (noted, before)
  }

  private static func claim(
    _ claim: BucketClaim, _ id: FileID, _ before: [FileID], _ options: BucketOptions,
    _ known: BucketTie, _ clock: StoreClock, of manifest: Manifest,
    through last: SequenceNumber, _ cold: [LocalFile], isHere: (BucketFile) -> Bool,
    _ mayHaveClaimed: inout Bool
  ) throws(BucketError) -> BucketWriter {
    // A copy that went on without the bucket may have later numbers than what it does not know.
    let common = known.apartSince ?? .init(manifest: manifest.number, last: last)
    do throws(BucketError) {
      let writer = try claim.run(
        as: id, of: manifest.storeID, after: options.takesOver ? .anybody : .oneOf(before),
        // Another place may be a copy of an earlier moment, without the files.
        knowing: known.location == options.objects.location ? known.head : nil, isHere: isHere,
        needsLogs: !options.takesOver
      ) { head throws(BucketError) in
        // Of an earlier copy of the directory, the writer is known as well. What was taken over by force
        // is known too.
        let isKnown =
          common.manifest >= head.version.number || known.head?.version == head.version
        guard options.takesOver || isKnown else { throw .newer }
        // What its logs hold was durable here before.
        try checkLogs(behind: head, options, through: common.last)
        let copies = head.copies
        for file in cold where copies[file.key] == nil {
          throw .lacks(file: file.name.description)
        }
        // Another place must have them, too, and not only say so.
        if known.location != options.objects.location, !cold.isEmpty {
          let missing = Set(try BucketReader(options.objects).missingFiles(of: head).map(\.name))
          for file in cold where missing.contains(file.name) {
            throw .lacks(file: file.name.description)
          }
        }
        mayHaveClaimed = true
      }
      // Until the claim another copy of this directory may have put more.
      try checkLogs(behind: writer.head.manifest, options, through: common.last)
      return writer
    } catch {
      guard case .noStore = error else { throw error }
      // Only a store that has nothing in any bucket begins a new one.
      guard known.head == nil else {
        throw .request(
          ObjectStoreError(
            .unavailable,
            "there is no store where this one was put: is it the same bucket, is it there?"
          ))
      }
      mayHaveClaimed = true
      return try claim.make(for: Manifest(storeID: manifest.storeID), created: clock.now(), as: id)
    }
  }

  /// By force nobody is asked what the logs hold: one that is damaged keeps nobody away who has all of it.
  private static func checkLogs(
    behind head: BucketManifest, _ options: BucketOptions, through last: SequenceNumber
  ) throws(BucketError) {
    guard !options.takesOver else { return }
    guard try BucketReader(options.objects).lastLogged(behind: head) <= last else { throw .newer }
  }

  /// What is in the bucket may be newer than what was noted of it, and never older.
  private func adopt(
    _ writer: BucketWriter, _ tie: BucketTie, _ manifest: Manifest
  ) throws(StoreError) {
    var tie = tie
    tie.head = writer.head.manifest
    if options.logInterval != nil { writer.beginLogs() }
    try note(tie, live: manifest)
    state.withLock { [tie] state in
      state.tie = tie
      state.noted = Dictionary(
        tie.uploads.filter { $0.file.object.epoch <= writer.epoch }
          .map { (FileKey(name: $0.file.name, id: $0.id), $0.file.object) }
      ) { first, _ in first }
    }
    current.withLock { $0.writer = writer }
    // Whoever has taken over may have collected it.
    let storeID = tie.storeID
    cold.explainMissing { [weak self] _ in
      guard let self else { return .missing }
      if (try? checkHead()) == nil, isFenced { return .fenced }
      return Self.isAway(objects, of: storeID) ? .unavailable : .missing
    }
  }

  /// Whether the place is not the store's bucket at all: an empty directory where it was mounted, or another's.
  static func isAway(_ objects: any ObjectStore, of storeID: FileID) -> Bool {
    do throws(BucketError) {
      return try BucketReader(objects).identity()?.storeID != storeID
    } catch {
      return !error.isDamage
    }
  }

  /// Makes durable what is known of the bucket, and then lets others know.
  ///
  /// - Parameter live: whose files may be needed from there.
  func note(_ tie: BucketTie, live: Manifest) throws(StoreError) {
    try write(tie)
    current.withLock { $0.head = tie.head }
    if let head = tie.head { cold.add(head, among: live) }
  }

  func write(_ tie: BucketTie, isSettled: Bool = true) throws(StoreError) {
    var tie = tie
    try changeFiles { () throws(StoreError) in
      // Here, or the note of one who has just found that out would be lost.
      if isFenced { tie.state = .fenced }
      // Whoever notes the fence next finds it there, and takes it for durable.
      try TieFile(directory: directory).write(tie, isSettled: isSettled || isFenced)
    }
  }
}
