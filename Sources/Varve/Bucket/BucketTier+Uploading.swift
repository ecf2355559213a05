import VarveFormat
import VarveObjects
import VarvePlatform

extension BucketTier {
  /// Makes the version that is shown now the newest in the bucket; returns which that was. Its files stay on disk
  /// meanwhile.
  ///
  /// - Parameters:
  ///   - checks: looks whether the copies are there, and puts those again that are not.
  ///   - shown: what readers see, asked when it is this one's turn: of two who upload at once the last one must not
  ///     put an earlier version there.
  func upload(
    checks: Bool, _ shown: () -> Version, _ progress: (UInt64) -> Void
  ) throws(StoreError) -> (BucketStatus.Amount, SequenceNumber, lost: LocalFile?) {
    try state.withLock { state throws(StoreError) in
      let version = shown()
      defer { withExtendedLifetime(version) {} }
      let writer = try connectedWriter()
      let next = version.manifest.forBucket
      if checks { try checkPlace(next.storeID) }
      let missing = checks || doubtsCopies ? try missing(next.bucketFiles) : []
      var upload = BucketStatus.Amount()
      var lost: LocalFile?
      for file in missing {
        if try putAgain(file, writer, &state) { upload.add(file.size) } else { lost = lost ?? file }
      }
      if upload.files == 0, let head = state.tie.head, has(next, head) {
        doubtCopies(false)
        return (.init(), next.lastSequence, lost)
      }
      try findNoted(next, &state)
      let copies = try putFiles(of: next, writer, &state, &upload, progress)
      let head = try commit(next, copies, writer, removed: state.removed)
      var tie = state.tie
      (tie.head, tie.uploads) = (head.manifest, [])
      // Its files stay known meanwhile: one that went would be named for good.
      let live = shown()
      defer { withExtendedLifetime(live) {} }
      try note(tie, live: live.manifest)
      state.tie = tie
      (state.uploaded, state.noted, state.removed) = ([:], [:], [])
      doubtCopies(false)
      return (upload, next.lastSequence, lost)
    }
  }

  /// Puts a file again whose copy is gone; false where there is no good one here. Then the copy stays named, so that
  /// whoever looks for it is told.
  private func putAgain(
    _ file: LocalFile, _ writer: BucketWriter, _ state: inout State
  ) throws(StoreError) -> Bool {
    guard let named = state.tie.head?.copies[file.key], try isLocal(file) else { return false }
    let content: FileContent
    do throws(StoreError) {
      content = try FileContent(file, in: directory)
      guard try content.digest() == named.digest else { return false }
    } catch {
      guard error.code == .corrupted || error.code == .inputOutput else { throw error }
      return false
    }
    let copy = BucketObject(
      epoch: writer.epoch, digest: named.digest, tailBytes: named.tailBytes)
    state.uploaded[file.key] = try put(.init(file: file, content: content, copy: copy), of: writer)
    return true
  }

  /// Puts the files that are not there yet. Returns where all are, in the version's order.
  private func putFiles(
    of next: Manifest, _ writer: BucketWriter, _ state: inout State,
    _ upload: inout BucketStatus.Amount, _ progress: (UInt64) -> Void
  ) throws(StoreError) -> [BucketObject] {
    let there = (state.tie.head?.copies ?? [:]).merging(state.uploaded) { $1 }
    let ahead = CopiesAhead(
      next.bucketFiles.filter { there[$0.key] == nil }, in: directory, epoch: writer.epoch,
      hasThreads: cold.ahead != nil)
    defer { ahead.finish() }
    var copies: [BucketObject] = []
    var unnoted: UInt64 = 0
    do throws(StoreError) {
      for file in next.bucketFiles {
        if let copy = there[file.key] {
          copies.append(copy)
          continue
        }
        // Between files: whoever was fenced puts nothing there, and one that was closed stops.
        try changeFiles { () throws(StoreError) in }
        _ = try connectedWriter()
        let copy = try put(ahead.take(), of: writer)
        state.uploaded[file.key] = copy
        copies.append(copy)
        upload.add(file.size)
        progress(upload.bytes)
        unnoted += file.size
        if unnoted >= options.noteBytes { try noteUploads(&unnoted, state) }
      }
    } catch {
      // What was put is not put again, by whomever.
      if unnoted > 0 { try? noteUploads(&unnoted, state) }
      throw error
    }
    return copies
  }

  /// The value files of a version that the bucket does not name yet.
  func freshValueFiles(of version: Manifest) -> Set<UInt64> {
    let head = known.head?.version.valueFiles ?? []
    let there = Dictionary(head.map { ($0.number, $0.id) }) { first, _ in first }
    return Set(version.valueFiles.filter { there[$0.number] != $0.id }.map(\.number))
  }

  /// Whether a version is the bucket's newest, with nothing behind it that is no part of it.
  func has(_ version: Manifest, _ head: BucketManifest) -> Bool {
    head.version.isSame(as: version)
      && head.logFloor == known.writer?.logFloor(behind: version.lastSequence) ?? head.logFloor
  }

  /// Puts batches behind the newest version.
  func put(_ batches: [BucketLog.Batch]) throws(StoreError) {
    let writer = try connectedWriter()
    do throws(BucketError) { try writer.put(batches) } catch { throw refusal(error) }
  }

  /// Takes what an earlier opening had put there for what it is, where it is there: one small request each.
  private func findNoted(_ next: Manifest, _ state: inout State) throws(StoreError) {
    for file in next.bucketFiles {
      guard let copy = state.noted[file.key] else { continue }
      let name = BucketLayout.file(BucketFile(file.kind, file.number, copy))
      let status: ObjectStatus?
      do throws(ObjectStoreError) { status = try objects.status(of: name) } catch {
        throw StoreError(.request(error), at: objects.location)
      }
      state.noted[file.key] = nil
      if status?.size == file.size { state.uploaded[file.key] = copy }
    }
  }

  /// Notes what was put so far, so that it is not put again where this process ends. A note that a power cut takes
  /// costs no more than that.
  private func noteUploads(_ unnoted: inout UInt64, _ state: State) throws(StoreError) {
    var tie = state.tie
    tie.uploads = state.uploaded.map { key, copy in
      let kind: BucketFile.Kind = key.name.kind == .segment ? .segment : .values
      return BucketUpload(BucketFile(kind, key.name.number, copy), id: key.id)
    }.sorted { $0.file < $1.file }
    try write(tie, isSettled: false)
    unnoted = 0
  }

  private func commit(
    _ version: Manifest, _ copies: [BucketObject], _ writer: BucketWriter, removed: Set<BucketFile>
  ) throws(StoreError) -> BucketHead {
    do throws(BucketError) { return try writer.commit(version, copies, removed: removed) } catch {
      throw refusal(error)
    }
  }

  private func put(
    _ next: CopiesAhead.Prepared, of writer: BucketWriter
  ) throws(StoreError) -> BucketObject {
    let name = BucketLayout.file(BucketFile(next.file.kind, next.file.number, next.copy))
    do throws(ObjectStoreError) {
      let content = next.content.content(digest: next.copy.digest)
      let receipt = try objects.put(name, content, if: .always, class: nil)
      writer.note(serverTime: receipt.serverTime)
    } catch {
      throw next.content.failure ?? StoreError(.request(error), at: objects.location)
    }
    return next.copy
  }
}
