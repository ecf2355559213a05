package import VarveFormat

/// The engine's only door to files.
///
/// Two implementations pass the same conformance tests: `PosixFileSystem` and, in
/// `VarveSimulation`, an honest twin that loses, tears and refuses. Every mutating call is one step
/// at which the twin can crash.
package protocol FileSystem: AnyObject, Sendable {
  /// Opens the directory at `path` without following a link in its last part.
  ///
  /// - Parameter create: makes a missing directory (mode 0700), and syncs its parent in any case:
  ///   whoever made the directory may have died before doing so.
  func openDirectory(at path: String, create: Bool) throws(FileSystemError) -> any Directory
}

/// One open directory. Names are single path components; nothing outside it can be reached.
package protocol Directory: AnyObject, Sendable {
  var path: String { get }

  /// Device and inode: the same for every way to the same directory.
  var identity: FileIdentity { get throws(FileSystemError) }

  /// Every name but `.` and `..`, in no order.
  func names() throws(FileSystemError) -> [String]

  /// Size and kind of one entry, not following links; nil where there is none.
  func status(of name: String) throws(FileSystemError) -> FileStatus?

  /// Makes an empty file, mode 0600; fails where the name exists. The name is durable only after
  /// ``sync()``.
  func create(_ name: String) throws(FileSystemError) -> any File

  /// Opens a regular file for reading; a link, a directory or a pipe in its place is an error.
  func open(_ name: String) throws(FileSystemError) -> any File

  /// Opens a regular file for reading and writing, as it is.
  func openForWriting(_ name: String) throws(FileSystemError) -> any File

  /// Makes a log file whose first `capacity` bytes are allocated, read as zero and can be
  /// overwritten without allocation. The name is durable only after ``sync()``.
  func createLog(_ name: String, capacity: UInt64) throws(FileSystemError) -> any LogFile

  /// Maps a whole regular file for reading; it must have exactly `size` bytes. Throws `.tooManyOpen`
  /// where the process has as many mappings as it should: read the file instead.
  func map(_ name: String, size: UInt64) throws(FileSystemError) -> MappedFile

  /// Renames, replacing what was there. Durable only after ``sync()``.
  func rename(_ name: String, to newName: String) throws(FileSystemError)

  /// Gives a file a name that no other has: throws `.exists` where one does, for all but one of those
  /// who race. Durable only after ``sync()``.
  func renameNew(_ name: String, to newName: String) throws(FileSystemError)

  /// Removes a file. Durable only after ``sync()``.
  func remove(_ name: String) throws(FileSystemError)

  /// Makes all earlier creations, renames and removals durable.
  func sync() throws(FileSystemError)

  /// Takes the lock on the file `name`, which is never removed; throws `.locked` at once where any
  /// process, this one included, holds it in a way that does not go together.
  ///
  /// - Parameter isShared: together with other shared holders, and without making a missing file
  ///   (`.notFound`); otherwise alone, making the file where it is missing.
  func lock(_ name: String, isShared: Bool) throws(FileSystemError) -> any FileLock
}

/// An open file. Reads and writes at positions; calls on one file may come from many threads.
package protocol File: AnyObject, Sendable {
  var name: String { get }

  func size() throws(FileSystemError) -> UInt64

  /// Reads up to `count` bytes at `offset` to the start of `buffer`; fewer only at the file's end.
  func read(
    into buffer: AlignedBuffer, count: Int, at offset: UInt64
  ) throws(FileSystemError) -> Int

  /// Writes every byte at `offset`, growing the file where needed.
  func write(_ bytes: ByteView, at offset: UInt64) throws(FileSystemError)

  /// Reserves room for the first `size` bytes without changing what is read; a full disk says so
  /// here. The file's size does not change.
  func reserve(_ size: UInt64) throws(FileSystemError)

  /// Bytes of a range that is worth warming, a power of two: of a large page, on most systems. Zero where
  /// there is nothing to gain.
  var warmBytes: UInt64 { get }

  /// Writes zeros over `range`, which was reserved, and makes it ready to be stored into: cheaper than
  /// many small writes. Nil where that cannot be; the zeros may have been written all the same.
  ///
  /// - Parameter range: begins at a multiple of ``warmBytes``, and is as long.
  func warmed(_ range: Range<UInt64>) throws(FileSystemError) -> (any WarmRange)?

  /// Cuts or extends (with zeros) the file to `size` bytes.
  func truncate(to size: UInt64) throws(FileSystemError)

  /// Advises that these bytes, which were written, be on their way to the device: a sync that comes
  /// later then waits less. Says nothing about when they arrive, or whether.
  func startWriting(_ range: Range<UInt64>)

  /// Advises that these bytes are read soon: a file far away may bring them together.
  func expect(_ range: Range<UInt64>)

  /// The same file for one who reads much of it once: what that one reads drives nothing out that others
  /// need. Goes by what was read before: one for each who passes.
  func passing() -> any File

  /// Where the last bytes end that were ever written; all behind them is zero. The file's size where
  /// the system does not know better. Nobody may write meanwhile.
  func dataEnd() throws(FileSystemError) -> UInt64

  /// Advises that what the cache holds of this file is not needed, so that the next read asks the
  /// device: how scrubbing checks the disk and not the memory.
  func dropCache() throws(FileSystemError)

  /// Makes all earlier writes of this file, and its size, durable. After an error the file must
  /// not be trusted nor synced again.
  func sync() throws(FileSystemError)

  /// Closes; later calls throw. Closing twice is harmless.
  func close() throws(FileSystemError)
}

extension File {
  package func startWriting(_ range: Range<UInt64>) {}

  package func expect(_ range: Range<UInt64>) {}

  package func passing() -> any File { self }

  package func dataEnd() throws(FileSystemError) -> UInt64 { try size() }

  package var warmBytes: UInt64 { 0 }

  package func warmed(_ range: Range<UInt64>) throws(FileSystemError) -> (any WarmRange)? { nil }
}

/// A part of a file that is stored into. Stores are what writes are: seen by every reader at once, there
/// when the process has ended, durable after a sync of the file that begins later. Any number of threads.
package protocol WarmRange: AnyObject, Sendable {
  var range: Range<UInt64> { get }

  /// Stores all of `bytes` at `offset` of the file, within the range.
  func store(_ bytes: ByteView, at offset: UInt64)
}

/// A log file: appended to by one thread at a time, synced by any.
package protocol LogFile: AnyObject, Sendable {
  var name: String { get }

  /// Bytes that are allocated. Appends past them grow the file.
  var capacity: UInt64 { get }

  /// Whether appends are cheaper where the file was written before: such a file is worth another life.
  var isReusable: Bool { get }

  /// The same open file, with all that is in it, under the name that its directory gave it since. Use
  /// the result instead of this one.
  func renamed(_ name: String) -> any LogFile

  /// Writes the header of a life of the file, which may have had another one before: to its start, by a
  /// call that says what goes wrong.
  func writeHeader(_ header: ByteView) throws(FileSystemError)

  /// Writes all of `bytes` at `offset`, where the last append ended.
  func append(_ bytes: ByteView, at offset: UInt64) throws(FileSystemError)

  /// Makes all earlier appends durable.
  func sync() throws(FileSystemError)

  /// Cuts the file to `size` bytes: the exact length of a log that is closed cleanly.
  func truncate(to size: UInt64) throws(FileSystemError)

  func close() throws(FileSystemError)
}

/// A lock that is held until it is released or dropped.
package protocol FileLock: AnyObject, Sendable {
  func release()
}

/// What tells a file or directory from every other one on the machine.
package struct FileIdentity: Hashable, Sendable {
  package var device: UInt64
  package var inode: UInt64

  package init(device: UInt64, inode: UInt64) {
    self.device = device
    self.inode = inode
  }
}

/// What a directory entry is.
package struct FileStatus: Equatable, Sendable {
  package var size: UInt64
  package var isRegularFile: Bool
  /// When it was last written, in ms since 1970 by the file system's own clock.
  package var modified: UInt64

  package init(size: UInt64, isRegularFile: Bool, modified: UInt64 = 0) {
    self.size = size
    self.isRegularFile = isRegularFile
    self.modified = modified
  }
}
