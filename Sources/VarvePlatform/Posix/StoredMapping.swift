import CVarveShims
import VarveFormat

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A shared mapping of a part of a file that is written by storing into it; unmapped when dropped.
///
/// Only on ext4. Elsewhere a file may share its blocks with a copy of it, and a store that must
/// unshare them on a full disk ends the process. Pages are made present by a call that returns its
/// errors (`MADV_POPULATE_WRITE`, Linux 5.14).
@safe
final class StoredMapping: Sendable {
  let count: Int
  private nonisolated(unsafe) let start: UnsafeMutableRawPointer

  /// Nil where stores are not as safe as writes, and where the system refuses: too many mappings, say.
  ///
  /// - Parameter range: bytes of the file; begins at a multiple of the page size.
  init?(of descriptor: Int32, _ range: Range<Int>) {
    guard varve_can_store_through_mapping(descriptor) != 0 else { return nil }
    let start = unsafe mmap(
      nil, range.count, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, off_t(range.lowerBound))
    guard let start = unsafe start, unsafe start != MAP_FAILED else { return nil }
    unsafe self.start = start
    count = range.count
    unsafe varve_advise_stored_mapping(start, count)
  }

  deinit {
    let result = unsafe munmap(start, count)
    precondition(result == 0, "munmap refused a mapping of ours")
  }

  /// `bytes` end within the mapping: the caller has compared them with `count`.
  @inline(__always)
  func store(_ bytes: ByteView, at offset: Int) {
    assert(offset >= 0 && bytes.count <= count - offset)
    unsafe (start + offset).copyMemory(from: bytes.start, byteCount: bytes.count)
  }

  /// Makes a part present and writable: 0, or -1 with the system's error number set.
  func populate(from first: Int, to last: Int) -> Int32 {
    unsafe varve_populate_for_writing(start + first, last - first)
  }
}
