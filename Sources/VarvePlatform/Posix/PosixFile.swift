import CVarveShims
import VarveFormat

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// An open regular file, read and written at positions.
final class PosixFile: File {
  let name: String
  private let descriptor: Descriptor
  private let isWritable: Bool

  init(_ name: String, _ descriptor: Descriptor, isWritable: Bool) {
    self.name = name
    self.descriptor = descriptor
    self.isWritable = isWritable
  }

  /// The same open file under another name.
  func renamed(_ name: String) -> PosixFile {
    PosixFile(name, descriptor, isWritable: isWritable)
  }

  /// Lends the descriptor to a call; throws `.closed` after ``close()``.
  @inline(__always)
  func use<Result>(
    _ operation: FileSystemError.Operation,
    _ body: (Int32) throws(FileSystemError) -> Result
  ) throws(FileSystemError) -> Result {
    try descriptor.use(operation, name, body)
  }

  func size() throws(FileSystemError) -> UInt64 {
    try descriptor.status(.status, name).size
  }

  func read(
    into buffer: AlignedBuffer, count: Int, at offset: UInt64
  ) throws(FileSystemError) -> Int {
    precondition(count >= 0 && count <= buffer.capacity)
    let start = try systemOffset(.read, name, offset, count: count)
    return try unsafe buffer.withMutableBytes { bytes throws(FileSystemError) in
      try descriptor.use(.read, name) { file throws(FileSystemError) in
        try unsafe fill(UnsafeMutableRawBufferPointer(rebasing: bytes[..<count]), file, start)
      }
    }
  }

  /// Reads until `bytes` is full or the file ends: the system may return less than was asked, and
  /// only nothing at all is the end.
  private func fill(
    _ bytes: UnsafeMutableRawBufferPointer, _ file: Int32, _ start: off_t
  ) throws(FileSystemError) -> Int {
    try transfer(.read, name, count: bytes.count) { done in
      let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[done...])
      return unsafe pread(file, rest.baseAddress, rest.count, start + off_t(done))
    }
  }

  func write(_ bytes: ByteView, at offset: UInt64) throws(FileSystemError) {
    let start = try systemOffset(.write, name, offset, count: bytes.count)
    try checkWritable(.write)
    try descriptor.use(.write, name) { file throws(FileSystemError) in
      let done = try transfer(.write, name, count: bytes.count) { done in
        unsafe pwrite(file, bytes.start + done, bytes.count - done, start + off_t(done))
      }
      // Nothing written and no error: no rule allows it, and trying for ever helps nobody.
      if done < bytes.count { throw FileSystemError(.write, number: EIO, path: name) }
    }
  }

  func reserve(_ size: UInt64) throws(FileSystemError) {
    try allocate(size, keepingSize: true)
  }

  func truncate(to size: UInt64) throws(FileSystemError) {
    let length = try systemOffset(.truncate, name, size)
    try checkWritable(.truncate)
    try call(.truncate) { ftruncate($0, length) }
  }

  func startWriting(_ range: Range<UInt64>) {
    // Advice: what cannot be written makes the next sync fail.
    _ = try? descriptor.use(.write, name) { file throws(FileSystemError) in
      varve_start_writing(file, Int64(range.lowerBound), Int64(range.count))
    }
  }

  func dataEnd() throws(FileSystemError) -> UInt64 {
    let size = try size()
    return try descriptor.use(.status, name) { file throws(FileSystemError) in
      min(size, UInt64(max(0, varve_data_end(file, Int64(clamping: size)))))
    }
  }

  func dropCache() throws(FileSystemError) {
    try call(.read) { varve_drop_cache($0) }
  }

  func sync() throws(FileSystemError) {
    try call(.sync) { varve_sync_data($0) }
  }

  func close() throws(FileSystemError) {
    try descriptor.close(name)
  }

  /// Allocates the first `size` bytes. Where the file system cannot, the file is only made long
  /// enough, and a full disk shows itself later.
  func allocate(_ size: UInt64, keepingSize: Bool) throws(FileSystemError) {
    let length = try systemOffset(.reserve, name, size)
    try checkWritable(.reserve)
    guard size > 0 else { return }
    do {
      try call(.reserve) { varve_allocate($0, Int64(length), keepingSize ? 1 : 0) }
    } catch  where [EOPNOTSUPP, ENOTSUP, ENOSYS].contains(error.number) {
      if !keepingSize { try truncate(to: size) }
    }
  }

  /// The system would answer with numbers that mean other things elsewhere.
  private func checkWritable(
    _ operation: FileSystemError.Operation
  ) throws(FileSystemError) {
    guard isWritable else { throw FileSystemError(operation, .permission, path: name) }
  }

  private func call(
    _ operation: FileSystemError.Operation, _ body: (Int32) -> Int32
  ) throws(FileSystemError) {
    _ = try descriptor.use(operation, name) { file throws(FileSystemError) in
      try systemCall(operation, name) { body(file) }
    }
  }
}
