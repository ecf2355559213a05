import Synchronization
import VarveFormat
import VarvePlatform

/// One log file that is, or was, appended to.
final class LogWriter: Sendable {
  /// How far syncs came in a file, in all its lives.
  struct SyncedExtent {
    /// Where the log ended at the last sync; nil where more may have changed since than came behind it.
    var end: UInt64?
    /// What went wrong in a sync once.
    var failure: FileSystemError?
  }

  private static let headerEnd = UInt64(FileHeader.byteCount)

  let identity: LogIdentity
  let file: any LogFile
  let capacity: UInt64
  /// Whether the file held nothing but zeros behind its header when it was made.
  let isBlank: Bool
  private let nextOffset = Atomic(headerEnd)
  private let begunAt = Atomic(UInt64(0))
  /// Held while the file is synced: see ``sync()``.
  private let syncing: Monitor<SyncedExtent>

  /// Where the next record goes. Whoever syncs after reading it makes all before it durable.
  var end: UInt64 { nextOffset.load(ordering: .acquiring) }

  var number: UInt64 { identity.number }
  var name: String { FileName(.log, number).description }

  init(
    identity: LogIdentity, file: any LogFile, isBlank: Bool,
    syncing: Monitor<SyncedExtent> = Monitor(SyncedExtent())
  ) {
    self.identity = identity
    self.file = file
    self.isBlank = isBlank
    self.syncing = syncing
    capacity = file.capacity
  }

  /// Whether records of `byteCount` bytes fit.
  func hasRoom(for byteCount: Int) -> Bool { capacity &- end >= UInt64(byteCount) }

  /// Appends records framed for `offset`, where the log ends. Only for the commit leader.
  func append(_ records: ByteView, at offset: UInt64) throws(FileSystemError) {
    try file.append(records, at: offset)
    nextOffset.store(offset &+ UInt64(records.count), ordering: .releasing)
  }

  /// Makes everything durable that was appended before the call. Once this has failed it always does,
  /// in every later life of the file too.
  ///
  /// The system tells of a page that it could not write only once, to whoever syncs next; the commit
  /// whose page that was may be another. So one sync at a time, and all later ones know. Where nothing
  /// came since the last one there is none.
  func sync() throws(FileSystemError) {
    try syncing.withLock { synced throws(FileSystemError) in
      if let failure = synced.failure { throw failure }
      let reached = end
      guard synced.end != reached else { return }
      do throws(FileSystemError) { try file.sync() } catch {
        synced.failure = error
        throw error
      }
      synced.end = reached
    }
  }

  /// Cuts the file to its records, for the next ``sync()`` to make durable. Nobody appends any more. Not
  /// beside a sync: that would not make the cut durable, and be taken for one that did.
  func cut() throws(FileSystemError) {
    try syncing.withLock { synced throws(FileSystemError) in
      synced.end = nil
      try file.truncate(to: end)
    }
  }

  /// When it began to take records, in nanoseconds of the monotonic clock.
  var beginning: UInt64 { begunAt.load(ordering: .relaxed) }

  func begin(at moment: UInt64) { begunAt.store(moment, ordering: .relaxed) }

  /// Closes a file whose content no longer depends on the outcome.
  func closeQuietly() {
    try? file.close()
  }
}

// MARK: - Making one

extension LogWriter {
  /// Makes a log of `capacity` allocated bytes with its header written and its name durable.
  ///
  /// A log that cannot be made is abandoned; its number is not used again.
  static func create(
    _ identity: LogIdentity, storeTag: UInt64, capacity: UInt64, in directory: any Directory
  ) throws(FileSystemError) -> LogWriter {
    let log = try make(identity, storeTag: storeTag, capacity: capacity, in: directory)
    do throws(FileSystemError) {
      try log.sync()
      // A synced file whose name was not synced can be gone after a crash.
      try directory.sync()
    } catch {
      log.closeQuietly()
      try? directory.remove(log.name)
      throw error
    }
    return log
  }

  /// The same with nothing durable yet.
  static func make(
    _ identity: LogIdentity, storeTag: UInt64, capacity: UInt64, in directory: any Directory
  ) throws(FileSystemError) -> LogWriter {
    let name = FileName(.log, identity.number).description
    let file = try directory.createLog(name, capacity: capacity)
    do throws(FileSystemError) { try writeHeader(identity, storeTag, to: file) } catch {
      try? file.close()
      try? directory.remove(name)
      throw error
    }
    return LogWriter(identity: identity, file: file, isBlank: true)
  }

  /// Makes a log of one that nobody needs any more: see ``create(_:storeTag:capacity:in:)``.
  ///
  /// The header comes first: under its new name the file must never be seen with the old one.
  static func recycle(
    _ retired: LogWriter, as identity: LogIdentity, storeTag: UInt64, in directory: any Directory
  ) throws(FileSystemError) -> LogWriter {
    let name = FileName(.log, identity.number).description
    do throws(FileSystemError) {
      retired.syncing.withLock { $0.end = nil }
      try writeHeader(identity, storeTag, to: retired.file)
      // By the log's own sync: one that failed in an earlier life fails here too.
      try retired.sync()
      retired.syncing.withLock { $0.end = headerEnd }
      try directory.rename(retired.name, to: name)
      try directory.sync()
      return LogWriter(
        identity: identity, file: retired.file.renamed(name), isBlank: false,
        syncing: retired.syncing)
    } catch {
      retired.closeQuietly()
      try? directory.remove(retired.name)
      try? directory.remove(name)
      throw error
    }
  }

  /// Writes the header, for the caller to sync: one that is not durable before the first record would
  /// make an honest crash look like damage.
  private static func writeHeader(
    _ identity: LogIdentity, _ storeTag: UInt64, to file: any LogFile
  ) throws(FileSystemError) {
    let header = FileHeader(
      .log, number: identity.number, identity: FileID(low: identity.salt, high: 0),
      storeTag: storeTag)
    try header.encoded().withByteView { header throws(FileSystemError) in
      try file.writeHeader(header)
    }
  }
}
