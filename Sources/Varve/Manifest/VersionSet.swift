import VarveFormat
import VarvePlatform

/// Makes versions durable, one after the other, and keeps the handles of their files.
///
/// ```
///   edit ──> next manifest (pure) ──> temporary file, synced ──> renamed ──> directory synced
///                                                                                 |
///   old manifest removed <── files it alone named become obsolete <── view replaced
/// ```
///
/// Edits that arrive while one is being written are committed together by the next.
final class VersionSet: Sendable {
  /// A change waiting for its manifest, and what to do in the same step in which readers see it.
  private final class Change: @unchecked Sendable {
    // @unchecked: written by its maker before it joins the line and by the leader while it leads.
    let edit: VersionEdit
    let install: (Version) -> Void
    var failure: StoreError?
    var isDone = false

    init(_ edit: VersionEdit, install: @escaping (Version) -> Void) {
      self.edit = edit
      self.install = install
    }
  }

  private struct State {
    var version: Version
    var valueFiles: [UInt64: ValueFileHandle]
    /// SHA-256 of the current manifest file; zeros before the first.
    var digest: [UInt8]
    var waiting: [Change] = []
    var isCommitting = false
  }

  private let state: Monitor<State>
  private let writer: ManifestWriter
  private let environment: SegmentEnvironment
  private let obsoleteFiles: ObsoleteFiles
  private let numbers: FileNumbers
  private let clock: StoreClock

  init(
    manifest: Manifest, digest: [UInt8], valueFiles: [UInt64: ValueFileHandle],
    writer: ManifestWriter, environment: SegmentEnvironment, obsoleteFiles: ObsoleteFiles,
    numbers: FileNumbers, clock: StoreClock
  ) {
    obsoleteFiles.expect(manifest.segments.count)
    let version = Version(
      manifest: manifest,
      segments: manifest.segments.map { SegmentHandle($0, in: environment, obsoleteFiles) },
      valueFiles: valueFiles)
    state = Monitor(State(version: version, valueFiles: valueFiles, digest: digest))
    self.writer = writer
    self.environment = environment
    self.obsoleteFiles = obsoleteFiles
    self.numbers = numbers
    self.clock = clock
  }

  var current: Version { state.withLock { $0.version } }

  /// How many value files a version may name now or after a later edit.
  var valueFileCount: Int { state.withLock { $0.valueFiles.count } }

  /// Registers value files that may be named by a later edit.
  func adopt(_ files: [ValueFileHandle]) {
    state.withLock { state in
      for file in files { state.valueFiles[file.number] = file }
    }
  }

  /// Forgets a value file that was adopted and that no version came to name.
  func forget(valueFile number: UInt64) { state.withLock { $0.valueFiles[number] = nil } }

  /// Makes the version after `edit` durable, then calls `install` to show it to readers.
  ///
  /// - Throws: `.full` and the like when the manifest could not be written: nothing has changed.
  ///   `.poisoned` when it is unknown whether it is durable.
  func commit(
    _ edit: VersionEdit, install: @escaping (Version) -> Void
  ) throws(StoreError) {
    let change = Change(edit, install: install)
    state.withLock { $0.waiting.append(change) }
    let batch: [Change] = state.withLock(when: { change.isDone || !$0.isCommitting }) { state in
      guard !change.isDone else { return [] }
      state.isCommitting = true
      defer { state.waiting.removeAll() }
      return state.waiting
    }
    if !batch.isEmpty { commitTogether(batch) }
    if let failure = change.failure { throw failure }
  }

  /// Reads segments from where their files are now, and shows the version that does. What is stored does not
  /// change, so that no manifest is written. Not beside a commit.
  func reopen(_ numbers: Set<UInt64>, install: (Version) -> Void) {
    state.withLock(when: { !$0.isCommitting }) { $0.isCommitting = true }
    let version = state.withLock { state in
      state.version = makeVersion(
        of: state.version.manifest, after: state.version, moved: numbers, state.valueFiles)
      return state.version
    }
    install(version)
    state.withLock { $0.isCommitting = false }
    state.broadcast()
  }

  private func commitTogether(_ batch: [Change]) {
    var failure: StoreError?
    do throws(StoreError) {
      try install(batch)
    } catch {
      failure = error
    }
    state.withLock { state in
      state.isCommitting = false
      for change in batch {
        change.failure = failure
        change.isDone = true
      }
    }
    state.broadcast()
  }

  private func install(_ batch: [Change]) throws(StoreError) {
    var edit = VersionEdit()
    for change in batch { edit.merge(change.edit) }
    let (old, valueFiles, digest) = state.withLock { ($0.version, $0.valueFiles, $0.digest) }
    var next = old.manifest.applying(edit) { valueFiles[$0]?.isPinned ?? false }
    next.number = old.manifest.number + 1
    next.predecessorDigest = digest
    next.nextFileNumber = numbers.upcoming
    next.timeFloor = clock.now()
    let nextDigest = try writer.write(next)
    let version = state.withLock { state in
      state.version = makeVersion(of: next, after: state.version, state.valueFiles)
      state.digest = nextDigest
      return state.version
    }
    for change in batch { change.install(version) }
    retireFiles(of: old, missingFrom: version)
    writer.remove(old.manifest.number)
  }

  /// The version of `manifest`, with the handles of the one before it for the segments that stay.
  ///
  /// - Parameter moved: segments that are read from elsewhere from now on.
  private func makeVersion(
    of manifest: Manifest, after last: Version, moved: Set<UInt64> = [],
    _ valueFiles: [UInt64: ValueFileHandle]
  ) -> Version {
    var known: [UInt64: SegmentHandle] = [:]
    known.reserveCapacity(last.manifest.segments.count)
    for handle in last.segments { known[handle.record.number] = handle }
    for number in moved { known[number] = known[number]?.reopened(in: environment) }
    let segments = manifest.segments.map { record in
      guard let handle = known[record.number] else {
        return SegmentHandle(record, in: environment, obsoleteFiles)
      }
      return handle.record == record ? handle : handle.moved(to: record)
    }
    return Version(manifest: manifest, segments: segments, valueFiles: valueFiles)
  }

  /// The files that `old` names and `next` does not go when their last reader is done.
  private func retireFiles(of old: Version, missingFrom next: Version) {
    let segments = Set(next.manifest.segments.map(\.number))
    for handle in old.segments where !segments.contains(handle.record.number) {
      handle.markObsolete()
    }
    // In order, so that equal runs make equal calls.
    let unneeded = old.valueFiles.keys.filter { next.valueFiles[$0] == nil }
    for number in unneeded.sorted() {
      old.valueFiles[number]?.markObsolete()
      state.withLock { state in state.valueFiles[number] = nil }
    }
  }
}

// MARK: - Versions of another machine

extension VersionSet {
  /// A version that another machine has made, which nobody sees before ``follow(_:install:)``.
  struct Following {
    let version: Version
    fileprivate let valueFiles: [UInt64: ValueFileHandle]
  }

  /// What comes next where another machine writes. Not beside a commit.
  ///
  /// - Parameter moved: segments that are read from elsewhere from now on.
  func following(
    _ next: Manifest, _ valueFiles: [ValueFileHandle], moved: Set<UInt64>
  ) -> Following {
    let state = state.withLock { $0 }
    let known = state.valueFiles.merging(valueFiles.map { ($0.number, $0) }) { $1 }
    return Following(
      version: makeVersion(of: next, after: state.version, moved: moved, known), valueFiles: known)
  }

  /// Shows it: nothing is written here.
  func follow(_ next: Following, install: (Version) -> Void) {
    let old = state.withLock { state in
      let old = state.version
      (state.version, state.valueFiles) = (next.version, next.valueFiles)
      return old
    }
    install(next.version)
    retireFiles(of: old, missingFrom: next.version)
  }

  /// Gives it up: what is here of files that it alone names goes with it.
  func abandon(_ next: Following) { retireFiles(of: next.version, missingFrom: current) }
}
