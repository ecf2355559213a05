#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Makes a call of the system, again while signals interrupt it, and turns its error number into
/// an error of ours.
func systemCall<Number: SignedInteger>(
  _ operation: FileSystemError.Operation, _ path: String, _ call: () -> Number
) throws(FileSystemError) -> Number {
  while true {
    let result = call()
    if result >= 0 { return result }
    let number = errno
    if number != EINTR { throw FileSystemError(operation, number: number, path: path) }
  }
}

/// Moves `count` bytes by calls that may move fewer each time, and returns how many were moved: fewer only
/// where a call moves none at all.
///
/// - Parameter call: moves what it can of the bytes behind the first `done`, and returns how many.
func transfer(
  _ operation: FileSystemError.Operation, _ path: String, count: Int, _ call: (_ done: Int) -> Int
) throws(FileSystemError) -> Int {
  var done = 0
  while done < count {
    let moved = try systemCall(operation, path) { call(done) }
    if moved == 0 { break }
    done += moved
  }
  return done
}

extension FileSystemError {
  /// The error of a call that failed with the system's error `number`.
  init(_ operation: Operation, number: Int32, path: String) {
    self.init(operation, Self.reason(of: number, in: operation), path: path, number: number)
  }

  /// The one place where error numbers get a meaning.
  private static func reason(of number: Int32, in operation: Operation) -> Reason {
    switch number {
    case ENOENT: .notFound
    case EEXIST: .exists
    case EWOULDBLOCK where operation == .lock: .locked
    case ENOSPC, EDQUOT: .full
    case EISDIR, ENOTDIR, ELOOP, ENXIO: .wrongKind
    // Linux and others say "not permitted" to unlink of a directory; the entry's kind is at fault,
    // but telling it apart would need a second look that may already be out of date.
    case EACCES, EPERM, EROFS: .permission
    case EMFILE, ENFILE: .tooManyOpen
    case ENOMEM where operation == .map: .tooManyOpen
    case EIO: .device
    default: .other
    }
  }
}

/// A file offset as the system takes it; throws where it cannot hold `offset` plus `count`.
func systemOffset(
  _ operation: FileSystemError.Operation, _ path: String, _ offset: UInt64, count: Int = 0
) throws(FileSystemError) -> off_t {
  guard let start = off_t(exactly: offset), off_t(count) <= off_t.max - start else {
    throw FileSystemError(operation, number: EFBIG, path: path)
  }
  return start
}
