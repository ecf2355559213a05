import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Owns one open file descriptor: closed when asked, at the latest when dropped, and exactly once.
///
/// Calls and `close` may meet on different threads. A descriptor number that is closed can belong
/// to another file a moment later, so it is closed only when no call uses it:
///
/// ```
/// state   closed bit | calls in progress
/// ```
final class Descriptor: Sendable {
  private static let closedBit = 1 << 62

  private let number: Int32
  private let state = Atomic<Int>(0)

  /// Takes over an open descriptor.
  init(owning number: Int32) { self.number = number }

  deinit {
    // Nothing else can be using it now.
    if state.load(ordering: .acquiring) & Self.closedBit == 0 { _ = closeNow() }
  }

  /// Lends the descriptor to a call; throws `.closed` after ``close()``.
  func use<Result>(
    _ operation: FileSystemError.Operation, _ path: String,
    _ body: (Int32) throws(FileSystemError) -> Result
  ) throws(FileSystemError) -> Result {
    guard enter() else { throw FileSystemError(operation, .closed, path: path) }
    defer { leave() }
    return try body(number)
  }

  /// Refuses further calls and closes once those in progress are done.
  func close(_ path: String) throws(FileSystemError) {
    let before = state.bitwiseOr(Self.closedBit, ordering: .acquiringAndReleasing).oldValue
    guard before == 0, closeNow() != 0 else { return }
    let failure = errno
    // An interrupted close has closed the descriptor all the same.
    if failure != EINTR { throw FileSystemError(.close, number: failure, path: path) }
  }

  private func enter() -> Bool {
    var seen = state.load(ordering: .relaxed)
    while seen & Self.closedBit == 0 {
      let (done, now) = state.weakCompareExchange(
        expected: seen, desired: seen + 1, ordering: .acquiring)
      if done { return true }
      seen = now
    }
    return false
  }

  private func leave() {
    let left = state.subtract(1, ordering: .acquiringAndReleasing).newValue
    if left == Self.closedBit { _ = closeNow() }
  }

  #if canImport(Glibc)
    private func closeNow() -> Int32 { Glibc.close(number) }
  #elseif canImport(Musl)
    private func closeNow() -> Int32 { Musl.close(number) }
  #else
    private func closeNow() -> Int32 { Darwin.close(number) }
  #endif
}

extension Descriptor {
  /// Size, kind and identity of what is open.
  func status(
    _ operation: FileSystemError.Operation, _ path: String
  ) throws(FileSystemError) -> stat {
    try use(operation, path) { descriptor throws(FileSystemError) in
      var status = stat()
      _ = try systemCall(operation, path) { unsafe fstat(descriptor, &status) }
      return status
    }
  }
}

extension stat {
  var isRegularFile: Bool { st_mode & S_IFMT == S_IFREG }

  var identity: FileIdentity {
    FileIdentity(
      device: UInt64(truncatingIfNeeded: st_dev), inode: UInt64(truncatingIfNeeded: st_ino))
  }

  var size: UInt64 { UInt64(max(st_size, 0)) }

  /// When it was last written, in ms since 1970.
  var modified: UInt64 {
    #if canImport(Darwin)
      let time = st_mtimespec
    #else
      let time = st_mtim
    #endif
    return UInt64(max(time.tv_sec, 0)) &* 1000 &+ UInt64(max(time.tv_nsec, 0)) / 1_000_000
  }
}
