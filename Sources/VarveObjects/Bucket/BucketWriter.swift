import Synchronization
package import VarveFormat
import VarvePlatform

/// The one who may commit versions to a bucket, until another takes over.
///
/// ```
///   claim    head N ──> put N+1 if absent: the same version, epoch + 1, a writer of its own
///   commit   put N+1 if absent ──> written ──> look behind it: nothing ──> confirmed
///                │                                  └── a higher number: fenced
///                └── exists, or nobody knows ──> read N+1 and compare the nonce
/// ```
///
/// An answer that was lost says nothing, and a request that was given up may still arrive. So a commit
/// whose outcome is not known stays, and goes on with the same bytes before anything else is committed.
///
/// One commit at a time: others wait. Confirmed is only what returned.
package final class BucketWriter: Sendable {
  struct State: Sendable {
    var head: BucketHead
    /// A commit that may have happened.
    var pending: BucketManifest?
    /// The latest time that the bucket told.
    var serverTime: UInt64
    /// When the head was confirmed, by the bucket's clock; nil where it did not tell.
    var confirmed: UInt64?
  }

  package let objects: any ObjectStore
  package let epoch: UInt64
  package let id: FileID
  let random: any RandomSource
  let state: Monitor<State>
  /// Held while a log is put.
  let logs: Monitor<Logs>
  private let fence = Atomic(false)

  init(
    _ objects: any ObjectStore, id: FileID, head: BucketHead, confirmed: UInt64?, logs: Logs,
    random: any RandomSource
  ) {
    self.logs = Monitor(logs)
    self.objects = objects
    self.id = id
    self.random = random
    epoch = head.manifest.epoch
    state = Monitor(
      State(
        head: head, serverTime: max(head.manifest.serverTime, confirmed ?? 0),
        confirmed: confirmed))
  }

  /// The newest manifest that this writer knows to be in the bucket.
  package var head: BucketHead { state.withLock { $0.head } }

  /// Whether another writer was found to have taken over. Waits for nobody.
  package var isFenced: Bool { fence.load(ordering: .acquiring) }

  /// The latest time that the bucket told, in ms since 1970.
  package var serverTime: UInt64 { state.withLock { $0.serverTime } }

  /// Notes what the bucket said in an answer to somebody else's request.
  package func note(serverTime: UInt64?) {
    guard let serverTime else { return }
    state.withLock { $0.serverTime = max($0.serverTime, serverTime) }
  }
}

// MARK: - Committing

extension BucketWriter {
  /// Makes `version` the newest in the bucket: confirmed when this returns. All its files must be there.
  ///
  /// - Parameters:
  ///   - objects: where the files are, in the version's order.
  ///   - removed: garbage that was removed since.
  /// - Throws: `.fenced`, for good; `.request` where nobody knows yet: call it again later.
  @discardableResult
  package func commit(
    _ version: Manifest, _ objects: [BucketObject], removed: Set<BucketFile> = []
  ) throws(BucketError) -> BucketHead {
    let logFloor = logFloor(behind: version.lastSequence)
    let head = try unlessFenced { state throws(BucketError) in
      if let pending = state.pending { try confirm(pending, &state, isAgain: true) }
      var next = manifest(version, objects, removed: removed, after: state)
      next.logFloor = max(logFloor, state.head.manifest.logFloor)
      state.pending = next
      try confirm(next, &state, isAgain: false)
      return state.head
    }
    leaveLogs(through: version.lastSequence, at: confirmed)
    return head
  }

  /// Makes a commit certain whose outcome is not known; nothing where there is none.
  package func settle() throws(BucketError) {
    try unlessFenced { state throws(BucketError) in
      if let pending = state.pending { try confirm(pending, &state, isAgain: true) }
    }
  }

  /// Throws `.fenced` where a manifest stands behind ours: what must not be done by one who was taken over
  /// from comes right after. One request, where no commit of ours is uncertain.
  package func checkHead() throws(BucketError) {
    try unlessFenced { state throws(BucketError) in
      // It may be our own that stands there.
      if let pending = state.pending { try confirm(pending, &state, isAgain: true) }
      let own = state.head.manifest.number
      guard try !BucketReader(objects).isFollowed(own).0 else { throw .fenced }
    }
  }

  /// When the newest manifest was known to be there, by the bucket's clock; nil: not known.
  var confirmed: UInt64? { state.withLock { $0.confirmed } }

  /// Whoever was fenced once is fenced for good.
  private func unlessFenced<Result>(
    _ body: (inout State) throws(BucketError) -> Result
  ) throws(BucketError) -> Result {
    try noticingFence { () throws(BucketError) in try state.withLock(body) }
  }

  func noticingFence<Result>(_ body: () throws(BucketError) -> Result) throws(BucketError) -> Result
  {
    guard !isFenced else { throw .fenced }
    do throws(BucketError) { return try body() } catch {
      switch error {
      case .fenced, .split: fence.store(true, ordering: .releasing)
      default: break
      }
      throw error
    }
  }

  private func manifest(
    _ version: Manifest, _ objects: [BucketObject], removed: Set<BucketFile>, after state: State
  ) -> BucketManifest {
    var next = BucketManifest(
      number: state.head.manifest.number + 1, predecessorDigest: state.head.digest, epoch: epoch,
      writer: id, nonce: FileID(low: random.next(), high: random.next()),
      serverTime: state.serverTime, version: version, objects: objects, garbage: [])
    next.garbage = Garbage.after(state.head.manifest, confirmed: state.confirmed, next)
      .filter { !removed.contains($0.file) }
    return next
  }

  /// Puts a manifest, or finds out that it was put, and that nobody went past it.
  ///
  /// - Parameter isAgain: it was tried before.
  private func confirm(
    _ manifest: BucketManifest, _ state: inout State, isAgain: Bool
  ) throws(BucketError) {
    let bytes = manifest.encoded()
    var isRefused = false
    let time: UInt64?
    do throws(BucketError) {
      time = try BucketCommit(objects: objects, random: random)
        .put(manifest, bytes, isRefused: &isRefused)
    } catch {
      // What was uncertain before stays so.
      if isRefused, !isAgain { state.pending = nil }
      throw error
    }
    let digest = bytes.withByteView(SHA256.digest(of:))
    state.head = BucketHead(manifest, digest: digest)
    state.pending = nil
    state.confirmed = time
    if let time { state.serverTime = max(state.serverTime, time) }
  }
}

/// What the versions of a bucket left behind.
enum Garbage {
  /// The garbage of `next`: that of the manifest before, and the files that only that one names.
  ///
  /// - Parameter confirmed: when the manifest before was there, by the bucket's clock: from then on what it
  ///   left behind was no file of the newest version. Nil: not known.
  static func after(
    _ previous: BucketManifest, confirmed: UInt64?, _ next: BucketManifest
  ) -> [BucketGarbage] {
    let live = Set(next.files)
    var garbage = previous.garbage
    for index in garbage.indices where garbage[index].since == 0 {
      garbage[index].since = confirmed ?? 0
    }
    garbage += previous.files.filter { !live.contains($0) }.map { BucketGarbage($0, since: 0) }
    return garbage.filter { !live.contains($0.file) }.sorted { $0.file < $1.file }
  }
}
