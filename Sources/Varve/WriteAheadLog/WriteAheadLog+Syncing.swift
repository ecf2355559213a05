import Synchronization
import VarveFormat
import VarvePlatform

// What makes the log durable, from any thread, and ends it.

extension WriteAheadLog {
  /// Makes everything durable that was appended before the call: the values that records point to,
  /// then each older log, then the current one. A failure poisons, and is never tried again.
  func sync() throws(StoreError) {
    try syncing.withLock { _ throws(StoreError) in
      if let failure { throw failure }
      let (older, current, reached) = try state.withLock { state throws(StoreError) in
        if state.isAbandoned { throw StoreError(.closed, "the log was given up") }
        return (state.older, state.current, state.reached)
      }
      guard let current, let reached, reached > durable || !older.isEmpty else { return }
      do throws(StoreError) {
        try syncValues()
      } catch {
        throw poison.set(because: error)
      }
      for log in older where !log.file.isReusable { try cutToLength(log) }
      for log in older + [current] { try sync(log) }
      state.withLock { state in
        state.durable = max(state.durable, reached)
        durableMoves.add(1, ordering: .releasing)
        let synced = Set(older.map(\.number))
        state.older.removeAll { synced.contains($0.number) }
        state.left += older.filter(\.file.isReusable)
      }
      for log in older where !log.file.isReusable { log.closeQuietly() }
      retireLeft()
    }
  }

  /// A log that is left has exactly its records, so that its end can be told from a torn one. What
  /// may have another life keeps its blocks until the store is closed.
  private func cutToLength(_ log: LogWriter) throws(StoreError) {
    do throws(FileSystemError) { try log.cut() } catch { throw fail(error) }
  }

  private func sync(_ log: LogWriter) throws(StoreError) {
    do throws(FileSystemError) { try log.sync() } catch { throw fail(error) }
  }

  /// Whether a rotated log waits to be made durable.
  var hasOlder: Bool { state.withLock { !$0.older.isEmpty } }

  /// Whether the log holds durable records that no later record says are durable.
  func needsWatermark(at end: LogPosition) -> Bool {
    state.withLock { state in
      guard let current = state.current, current.number == end.log, current.end == end.offset,
        current.end > UInt64(FileHeader.byteCount)
      else { return false }
      return state.durable > state.stated && state.durable.log == current.number
    }
  }
}

// MARK: - The end

extension WriteAheadLog {
  /// Ends the chain: syncs, cuts the current log to its exact length and removes the spare. Nobody
  /// leads any more.
  ///
  /// - Returns: the extent of the log that was current, if there was one.
  func close() throws(StoreError) -> (number: UInt64, length: UInt64)? {
    // Before the sync, which makes the length durable as well.
    if failure == nil, let current = state.withLock({ $0.current }) { try cutToLength(current) }
    try sync()
    appender.log = nil
    let (current, live, unused) = state.withLock { state in
      defer {
        (state.current, state.spare, state.isOver) = (nil, nil, true)
        (state.left, state.retired) = ([], [])
      }
      return (state.current, state.left, [state.spare].compactMap(\.self) + state.retired)
    }
    for log in unused {
      log.closeQuietly()
      do throws(FileSystemError) { try directory.remove(log.name) } catch {
        throw StoreError(error)
      }
    }
    for log in live {
      try cutToLength(log)
      try end(log)
    }
    guard let current else { return nil }
    try end(current)
    return (current.number, current.end)
  }

  /// Makes a log durable that was cut to its length, and closes it.
  private func end(_ log: LogWriter) throws(StoreError) {
    do throws(FileSystemError) {
      try log.sync()
      try log.file.close()
    } catch {
      throw fail(error)
    }
  }

  /// Lets go of the files without making anything durable: the close of a poisoned store.
  func abandon() {
    let logs = state.withLock { state in
      defer {
        (state.current, state.spare) = (nil, nil)
        (state.older, state.left, state.retired) = ([], [], [])
      }
      (state.isOver, state.isAbandoned) = (true, true)
      return state.older + state.left + state.retired
        + [state.current, state.spare].compactMap { $0 }
    }
    for log in logs { log.closeQuietly() }
  }
}
