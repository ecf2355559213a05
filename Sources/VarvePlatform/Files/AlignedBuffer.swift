import CVarveShims
package import VarveFormat

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A block of anonymous memory, aligned to 64 bytes, that is given back to the system when dropped.
///
/// Buffers of 1 MiB and more are their own mapping, so that dropping one lowers the process's
/// memory at once; smaller ones come from the allocator. The bytes hold anything until written.
/// Running out of memory ends the process, as it does everywhere in Swift: check lengths first.
@safe
package final class AlignedBuffer: @unchecked Sendable {
  // @unchecked: one owner fills it; it is shared only once it is full and no longer written.
  private static let mappedBytes = 1 << 20

  package let capacity: Int
  private let start: UnsafeMutableRawPointer

  /// - Parameter inLargePages: whether a mapping is best held in large pages of memory: one that is
  ///   used up whole and read at random places. Then it takes all its memory with the first byte.
  package init(capacity: Int, inLargePages: Bool = false) {
    precondition(capacity >= 0)
    self.capacity = capacity
    if capacity >= Self.mappedBytes {
      unsafe start = Self.map(capacity)
      if inLargePages { unsafe varve_advise_large_pages(start, capacity) }
    } else {
      unsafe start = .allocate(byteCount: max(capacity, 1), alignment: 64)
    }
  }

  deinit {
    if capacity >= Self.mappedBytes {
      let result = unsafe munmap(start, capacity)
      precondition(result == 0, "munmap refused a mapping of ours")
    } else {
      unsafe start.deallocate()
    }
  }

  private static func map(_ count: Int) -> UnsafeMutableRawPointer {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS
    let start = unsafe mmap(nil, count, PROT_READ | PROT_WRITE, flags, -1, 0)
    guard let start = unsafe start, unsafe start != MAP_FAILED else {
      fatalError("out of memory: no room for \(count) bytes")
    }
    return unsafe start
  }

  /// The first `count` bytes (all of them by default), for as long as this buffer lives unchanged.
  package func view(count: Int? = nil) -> ByteView {
    let count = count ?? capacity
    precondition(count >= 0 && count <= capacity)
    return unsafe ByteView(unsafeStart: UnsafeRawPointer(start), count: count)
  }

  /// Lends the memory for writing.
  package func withMutableBytes<Result, Failure: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try unsafe body(UnsafeMutableRawBufferPointer(start: start, count: capacity))
  }

  /// Touches every page, so that whoever fills the buffer later does not wait for memory. What it holds
  /// may change.
  package func makePresent() {
    var offset = 0
    while offset < capacity {
      unsafe start.storeBytes(of: 0, toByteOffset: offset, as: UInt8.self)
      offset += 4096
    }
  }

  /// Copies `bytes` to `offset`.
  package func copy(_ bytes: ByteView, to offset: Int = 0) {
    precondition(offset >= 0 && offset <= capacity && bytes.count <= capacity - offset)
    unsafe (start + offset).copyMemory(from: bytes.start, byteCount: bytes.count)
  }
}
