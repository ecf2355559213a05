import Synchronization
import VarveFormat
import VarveObjects
import VarvePlatform

/// A store's side of its bucket: who it is there, and what it has put there.
///
/// ```
///   version ──> files that are not there: put ──> manifest: committed ──> `bucket` file: durable
///                                                                             └──> files may go
/// ```
///
/// Order is the promise: a file leaves this machine only after a `bucket` file that names its copy is
/// durable, and that names only what a confirmed manifest names.
final class BucketTier: Sendable {
  struct State: Sendable {
    var tie: BucketTie
    /// What was put since the last commit.
    var uploaded: [FileKey: BucketObject] = [:]
    /// What an earlier opening noted that it had put; to be looked for before it counts.
    var noted: [FileKey: BucketObject] = [:]
    /// Garbage that was removed, for the next commit to leave out.
    var removed: Set<BucketFile> = []
  }

  /// What is known of the bucket at the moment, for those who do not wait for what is under way.
  struct Known: Sendable {
    /// Nil where the bucket did not answer when the store was opened.
    var writer: BucketWriter?
    /// The newest manifest that a durable `bucket` file names.
    var head: BucketManifest?
  }

  let options: BucketOptions
  let cold: ColdFiles
  /// The store's directory, cold files among its files: a sync of it that fails is everybody's.
  let directory: GuardedDirectory
  /// The same without the guard: it tells what is on disk.
  let tiered: TieredDirectory
  let random: any RandomSource
  /// Held while files or manifests are put: one at a time.
  let state: Monitor<State>
  let current: Monitor<Known>
  /// Held while files of this machine change; true once the store was let go: they may be somebody else's
  /// then, and what is still under way may not touch them.
  private let changing = Monitor(false)
  /// Held while files come back: one at a time.
  let fetching = Monitor(())
  private let fence = Atomic(false)
  /// Whether a copy was found missing that a manifest names.
  private let doubts = Atomic(false)
  var doubtsCopies: Bool { doubts.load(ordering: .relaxed) }

  init(
    _ options: BucketOptions, _ directory: GuardedDirectory, _ tiered: TieredDirectory,
    _ random: any RandomSource, _ tie: BucketTie
  ) {
    self.options = options
    cold = tiered.cold
    self.directory = directory
    self.tiered = tiered
    self.random = random
    state = Monitor(State(tie: tie))
    current = Monitor(Known(head: tie.head))
  }

  var objects: any ObjectStore { options.objects }

  var known: Known { current.withLock { $0 } }

  /// Whether another machine was found to have taken over.
  var isFenced: Bool { fence.load(ordering: .relaxed) }

  /// Changes files of this machine; throws `.closed` once the store was let go.
  func changeFiles<Result>(
    _ body: () throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    try changing.withLock { isOver throws(StoreError) in
      guard !isOver else { throw StoreError(.closed, "the store was closed", file: directory.path) }
      return try body()
    }
  }

  /// From here on nothing changes files of this machine. What is under way in the bucket goes on to its
  /// end, and is found there by whoever opens the store next.
  func letGo() {
    changing.withLock { $0 = true }
    cold.letGo()
  }
}

extension BucketTier {
  /// True: the next upload looks whether all is there, and puts what is not.
  func doubtCopies(_ doubts: Bool) { self.doubts.store(doubts, ordering: .relaxed) }
}

// MARK: - Taken over from

extension BucketTier {
  /// Who may put anything there.
  func connectedWriter() throws(StoreError) -> BucketWriter {
    guard let writer = known.writer else {
      throw StoreError(
        .unavailable, "the store was opened without its bucket", file: objects.location)
    }
    guard !writer.isFenced else { throw refusal(.fenced) }
    return writer
  }

  /// Why something could not be done in the bucket. Whoever was taken over from writes nothing here either from
  /// then on, and notes that: what the bucket does not have stays as it is, and is no part of the store.
  func refusal(_ error: BucketError) -> StoreError {
    if known.writer?.isFenced ?? false, !fence.exchange(true, ordering: .relaxed) {
      try? noteFence()
    }
    return StoreError(error, at: objects.location)
  }

  func noteFence() throws(StoreError) {
    try changeFiles { () throws(StoreError) in
      let file = TieFile(directory: directory)
      guard var tie = try file.read(), tie.state != .fenced else { return }
      tie.state = .fenced
      try file.write(tie)
    }
  }
}
