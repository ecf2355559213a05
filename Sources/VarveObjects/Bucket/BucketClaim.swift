package import VarveFormat
package import VarvePlatform

/// Makes a writer of whoever opens a store in a bucket.
package struct BucketClaim: Sendable {
  /// Who may have written last.
  package enum Predecessor: Sendable {
    /// Anybody: the store is taken over, and whoever wrote before is fenced.
    case anybody
    /// One of these, who are this machine; another has taken over from us.
    case oneOf([FileID])
  }

  let objects: any ObjectStore
  let random: any RandomSource

  package init(_ objects: any ObjectStore, random: any RandomSource) {
    self.objects = objects
    self.random = random
  }

  /// An id for a new writer. Remember it durably before ``run(as:after:)``: a claim may arrive whose
  /// answer is lost.
  package func makeID() -> FileID { FileID(low: random.next(), high: random.next()) }

  /// Throws `.unfit` where the bucket does not keep what writers rely on.
  package func probe() throws(BucketError) {
    try BucketProbe(objects: objects, random: random).run()
  }

  /// Makes the bucket that of the store `version`, which nobody has put there yet, and claims it.
  ///
  /// - Throws: `.otherStore` where it is another's; `.fenced` where the same store is there already.
  package func make(
    for version: Manifest, created: UInt64, as id: FileID
  ) throws(BucketError) -> BucketWriter {
    try checkEmpty(version.storeID)
    let identity = BucketIdentity(storeID: version.storeID, created: created)
    try put(identity)
    var empty = Manifest(storeID: version.storeID)
    (empty.number, empty.isCleanlyClosed) = (1, true)
    let first = BucketManifest(
      number: 1, predecessorDigest: BucketManifest.firstPredecessor, epoch: 1, writer: id,
      nonce: makeID(), serverTime: 0, version: empty, objects: [], garbage: [])
    return try commit(first)
  }

  /// Claims the store that is in the bucket.
  ///
  /// - Parameters:
  ///   - known: the newest manifest that is known to have been there: put back where it is gone or damaged.
  ///   - isHere: whether this machine has a file, so that its copy may be put again.
  ///   - needsLogs: whether logs that are damaged or missing are an error.
  ///   - check: throws where the newest manifest is not one to go on from; nothing is claimed then.
  /// - Throws: `.noStore`; `.otherStore`; `.fenced` where neither we nor whom we expected wrote last.
  package func run(
    as id: FileID, of storeID: FileID? = nil, after predecessor: Predecessor,
    knowing known: BucketManifest? = nil, isHere: (BucketFile) -> Bool = { _ in false },
    needsLogs: Bool = true,
    check: (BucketManifest) throws(BucketError) -> Void = { _ throws(BucketError) in }
  ) throws(BucketError) -> BucketWriter {
    let mending = BucketMending(objects: objects, known: known)
    let stored = try mending.identity()
    var hasIdentity = false
    if case .found(let identity) = stored {
      guard storeID == nil || identity.storeID == storeID else { throw .otherStore }
      hasIdentity = true
    } else if known == nil {
      throw .noStore
    }
    for tries in 1... {
      guard let head = try mending.head(hasIdentity: hasIdentity, isHere) else { throw .noStore }
      let identity = try mending.putBack(stored, of: head.manifest)
      guard head.manifest.version.storeID == identity.storeID else { throw .otherStore }
      if case .oneOf(let writers) = predecessor, !writers.contains(head.manifest.writer) {
        throw .fenced
      }
      try check(head.manifest)
      do throws(BucketError) {
        return try commit(claim(as: id, on: head), needsLogs: needsLogs)
      } catch {
        // Somebody was faster: what was read is not the newest any more.
        guard case .fenced = error, tries < Self.mostTries else { throw error }
      }
    }
    throw .fenced
  }

  /// One who goes on as the writer of the newest manifest, without a claim: it may collect, and commits nothing.
  ///
  /// - Throws: `.fenced` where none of `writers` wrote that.
  package func resume(as writers: [FileID]) throws(BucketError) -> BucketWriter {
    guard let head = try BucketReader(objects).head() else { throw .noStore }
    guard writers.contains(head.manifest.writer) else { throw .fenced }
    return BucketWriter(
      objects, id: head.manifest.writer, head: head, confirmed: nil,
      logs: BucketWriter.Logs(next: 0, first: 0), random: random)
  }

  static let mostTries = 16

  private func claim(as id: FileID, on head: BucketHead) -> BucketManifest {
    var next = head.manifest
    next.number += 1
    next.predecessorDigest = head.digest
    next.epoch += 1
    next.writer = id
    next.nonce = makeID()
    return next
  }

  /// A claim that may or may not have been written is one of `id`, and of nobody else.
  func commit(_ manifest: BucketManifest, needsLogs: Bool = true) throws(BucketError)
    -> BucketWriter
  {
    let bytes = manifest.encoded()
    let time: UInt64?
    do throws(BucketError) {
      // Whether it was or not: the next claim looks what is there.
      var isRefused = false
      time = try BucketCommit(objects: objects, random: random)
        .put(manifest, bytes, isRefused: &isRefused)
    } catch {
      // Of two who claim at once, with the same new epoch, one has lost.
      if case .split = error { throw .fenced }
      throw error
    }
    var logs = BucketWriter.Logs(next: 0, first: 0)
    if manifest.logFloor > 0 {
      (logs.next, logs.confirmed) = try BucketLogPut(objects: objects).end(
        manifest, nonce: makeID(), passesGaps: !needsLogs)
      logs.first = logs.next
    }
    return BucketWriter(
      objects, id: manifest.writer,
      head: BucketHead(manifest, digest: bytes.withByteView(SHA256.digest(of:))), confirmed: time,
      logs: logs, random: random)
  }

  private func checkEmpty(_ storeID: FileID) throws(BucketError) {
    let reader = BucketReader(objects)
    if let found = try reader.identity(), found.storeID != storeID { throw .otherStore }
    guard try reader.manifestNumbers().isEmpty else { throw .fenced }
  }

  private func put(_ identity: BucketIdentity) throws(BucketError) {
    do throws(ObjectStoreError) {
      _ = try objects.put(
        BucketLayout.store, ObjectContent(identity.encoded()), if: .absent, class: nil)
    } catch {
      guard error.code == .exists || error.code == .uncertain else { throw .request(error) }
      guard let found = try BucketReader(objects).identity() else { throw .request(error) }
      guard found.storeID == identity.storeID else { throw .otherStore }
      try BucketReader(objects).settle(BucketLayout.store)
    }
  }
}
