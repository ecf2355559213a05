package import VarveFormat

/// A block of anonymous memory, aligned to 64 bytes, that is given back to the system when dropped.
///
/// Large buffers are their own mapping, so that dropping one lowers the process's memory at once.
@safe
package final class AlignedBuffer: @unchecked Sendable {
  // @unchecked: one owner fills it; it is shared only once it is full and no longer written.
  package let capacity: Int
  private let start: UnsafeMutableRawPointer

  package init(capacity: Int) {
    self.capacity = capacity
    unsafe start = .allocate(byteCount: max(capacity, 1), alignment: 64)
  }

  deinit { unsafe start.deallocate() }

  /// The first `count` bytes (all of them by default), for as long as this buffer lives unchanged.
  package func view(count: Int? = nil) -> ByteView {
    precondition((count ?? capacity) <= capacity)
    return unsafe ByteView(unsafeStart: UnsafeRawPointer(start), count: count ?? capacity)
  }

  /// Lends the memory for writing.
  package func withMutableBytes<Result, Failure: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try unsafe body(UnsafeMutableRawBufferPointer(start: start, count: capacity))
  }

  /// Copies `bytes` to `offset`.
  package func copy(_ bytes: ByteView, to offset: Int = 0) {
    precondition(offset >= 0 && bytes.count <= capacity - offset)
    let source = bytes.span
    unsafe source.withUnsafeBytes { source in
      guard let base = source.baseAddress else { return }
      unsafe (start + offset).copyMemory(from: base, byteCount: source.count)
    }
  }
}
