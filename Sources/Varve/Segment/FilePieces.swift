import VarveFormat
import VarvePlatform

/// Reads whole pieces of a file whose size is known.
struct FilePieces: Sendable {
  let file: any File
  let size: UInt64

  /// What the file system says the size is.
  func fileSize() throws(StoreError) -> UInt64 {
    do { return try file.size() } catch { throw StoreError(error) }
  }

  /// Exactly `count` bytes at `offset`, in a buffer of their own. The caller checked that the piece
  /// lies in the file; a file that turns out shorter is damage.
  func read(_ count: UInt64, at offset: UInt64) throws(StoreError) -> AlignedBuffer {
    let buffer = AlignedBuffer(capacity: Int(count))
    try read(Int(count), at: offset, into: buffer)
    return buffer
  }

  /// The same into a buffer that is used again.
  func read(_ count: Int, at offset: UInt64, into buffer: AlignedBuffer) throws(StoreError) {
    precondition(UInt64(count) <= size && offset <= size - UInt64(count))
    let found: Int
    do { found = try file.read(into: buffer, count: count, at: offset) } catch {
      throw StoreError(error)
    }
    guard found == count else {
      // Less than there is: a failure, of which nobody may think that a crash cut the file.
      guard try fileSize() < size else {
        throw StoreError(FileSystemError(.read, .short, path: file.name))
      }
      throw StoreError(
        .corrupted, "the file is shorter than its \(size) bytes", file: file.name,
        offset: offset + UInt64(found))
    }
  }
}
