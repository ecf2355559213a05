import VarveFormat
import VarvePlatform

/// One log file that is, or was, appended to.
///
/// `@unchecked Sendable`: `end` is read and written under the lock of ``WriteAheadLog``.
final class LogWriter: @unchecked Sendable {
  let identity: LogIdentity
  let file: any LogFile
  let capacity: UInt64
  /// Where the next record goes.
  var end: UInt64

  var number: UInt64 { identity.number }
  var name: String { FileName(.log, number).description }

  private init(identity: LogIdentity, file: any LogFile) {
    self.identity = identity
    self.file = file
    capacity = file.capacity
    end = UInt64(FileHeader.byteCount)
  }

  /// Makes a log of `capacity` allocated bytes with its header written and its name durable.
  ///
  /// A log that cannot be made is abandoned; its number is not used again.
  static func create(
    number: UInt64, salt: UInt64, storeTag: UInt64, capacity: UInt64, in directory: any Directory
  ) throws(FileSystemError) -> LogWriter {
    let name = FileName(.log, number).description
    let header = FileHeader(
      .log, number: number, identity: FileID(low: salt, high: 0), storeTag: storeTag)
    let file = try directory.createLog(name, capacity: capacity)
    do throws(FileSystemError) {
      try header.encoded().withByteView { header throws(FileSystemError) in
        try file.append(header, at: 0)
      }
      // A header that is not durable before the first record would make an honest crash look
      // like damage; and a synced file whose name was not synced can be gone after a crash.
      try file.sync()
      try directory.sync()
    } catch {
      try? file.close()
      try? directory.remove(name)
      throw error
    }
    return LogWriter(identity: LogIdentity(number: number, salt: salt), file: file)
  }

  /// Closes a file whose content no longer depends on the outcome.
  func closeQuietly() {
    try? file.close()
  }
}
