import VarvePlatform

/// Syncs a file while it grows, by a thread of its own, so that the sync at its end finds little left.
///
/// ```
///   who writes    | 2 MiB | 2 MiB | 2 MiB | 2 MiB | 2 MiB |  finish
///   its thread            | sync  |     sync     |  sync  |  the rest
/// ```
///
/// `WriteBehind` hands pages to the device, which may keep them in a cache of its own: a sync makes it
/// empty that, and waits for all of it. Whoever waits for nothing but the end, as a recovery does, gains
/// by syncing all the way; others would wait behind these syncs.
///
/// The system tells of a page it lost once for each file: what a sync on the way fails with is what
/// ``finish()`` throws.
final class SyncBehind {
  /// Bytes from which on a sync is worth while.
  private static let step: UInt64 = 2 << 20

  private struct State {
    var written: UInt64 = 0
    var synced: UInt64 = 0
    var isOver = false
    var failure: FileSystemError?

    var isDue: Bool { written >= synced + SyncBehind.step }
  }

  private let file: any File
  private let state = Monitor(State())
  private var thread: WorkerThread?

  init(_ file: any File) { self.file = file }

  // Nothing is lost: a file that was not finished is not used.
  deinit { stop() }

  /// Notes that the file was written up to `end`.
  func note(_ end: UInt64) {
    let isDue = state.withLock { state in
      state.written = end
      return state.isDue
    }
    guard isDue else { return }
    state.broadcast()
    guard thread == nil else { return }
    // Where no further thread is to be had, all is left to the end.
    thread = try? WorkerThread(name: "varve-sync") { [file, state] in Self.run(file, state) }
  }

  /// Makes all of the file durable.
  func finish() throws(FileSystemError) {
    stop()
    if let failure = state.withLock({ $0.failure }) { throw failure }
    try file.sync()
  }

  private func stop() {
    state.withLock { $0.isOver = true }
    state.broadcast()
    thread?.join()
    thread = nil
  }

  private static func run(_ file: any File, _ state: Monitor<State>) {
    while true {
      let written: UInt64? = state.withLock(when: { $0.isOver || $0.isDue }) { state in
        state.isOver ? nil : state.written
      }
      guard let written else { return }
      do throws(FileSystemError) {
        try file.sync()  // early: finish() syncs what comes later, and would sync this
      } catch {
        return state.withLock { $0.failure = error }
      }
      state.withLock { $0.synced = written }
    }
  }
}
