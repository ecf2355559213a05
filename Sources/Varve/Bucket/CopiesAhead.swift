import VarveFormat
import VarvePlatform

/// Reads files that go into the bucket for what their copies are called, each while the one before it is sent:
/// the processor has little to do then.
///
/// ```
///   this thread    | send a      | send b      | send c
///   another   read a | read b      | read c
/// ```
///
/// Used by one thread. It ends before `finish` returns.
final class CopiesAhead {
  /// A file that can be sent, and the copy that it will be.
  struct Prepared: Sendable {
    var file: LocalFile
    var content: FileContent
    var copy: BucketObject
  }

  private typealias Outcome = Monitor<Result<Prepared, StoreError>?>

  private let directory: any Directory
  private let epoch: UInt64
  private let hasThreads: Bool
  private var files: ArraySlice<LocalFile>
  private var next: (thread: WorkerThread, outcome: Outcome)?

  /// - Parameter hasThreads: whether threads may be started; else all is read when it is asked for.
  init(
    _ files: [LocalFile], in directory: any Directory, epoch: UInt64, hasThreads: Bool
  ) {
    self.files = files[...]
    self.directory = directory
    self.epoch = epoch
    self.hasThreads = hasThreads
  }

  /// The next file, in order. There must be one.
  func take() throws(StoreError) -> Prepared {
    let prepared = next.flatMap { next in
      next.thread.join()
      return next.outcome.withLock { $0 }
    }
    next = nil
    guard let file = files.popFirst() else { preconditionFailure("more files than there are") }
    let result = prepared ?? Self.prepare(file, in: directory, epoch)
    begin()
    return try result.get()
  }

  /// Waits for what is read in vain.
  func finish() {
    next?.thread.join()
    next = nil
  }

  private func begin() {
    guard hasThreads, let file = files.first else { return }
    let outcome = Outcome(nil)
    // Where there is no thread it is read when it is asked for.
    let thread = try? WorkerThread(name: "varve-digest") { [directory, epoch] in
      let result = Self.prepare(file, in: directory, epoch)
      outcome.withLock { $0 = result }
    }
    next = thread.map { ($0, outcome) }
  }

  private static func prepare(
    _ file: LocalFile, in directory: any Directory, _ epoch: UInt64
  ) -> Result<Prepared, StoreError> {
    Result { () throws(StoreError) in
      let content = try FileContent(file, in: directory)
      let copy = BucketObject(
        epoch: epoch, digest: try content.digest(), tailBytes: try content.tailBytes())
      return Prepared(file: file, content: content, copy: copy)
    }
  }
}
