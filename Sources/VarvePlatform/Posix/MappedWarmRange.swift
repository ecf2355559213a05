import CVarveShims
import VarveFormat

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A part of a file that holds zeros in memory, and is written by storing into a mapping of it.
///
/// ```
///   write    for each: a call of the system, a look-up, a page, a block
///   store    for each: a copy; for 2 MiB: one write of zeros, which become one large page
/// ```
///
/// A sync after a store writes the whole large page: worth it for a stream of writes that nobody syncs
/// one by one.
final class MappedWarmRange: WarmRange {
  let range: Range<UInt64>
  private let mapping: StoredMapping

  fileprivate init(_ range: Range<UInt64>, _ mapping: StoredMapping) {
    self.range = range
    self.mapping = mapping
  }

  func store(_ bytes: ByteView, at offset: UInt64) {
    precondition(holds(offset, bytes.count), "a store outside of its range")
    mapping.store(bytes, at: Int(offset &- range.lowerBound))
  }

  private func holds(_ offset: UInt64, _ count: Int) -> Bool {
    offset >= range.lowerBound && offset <= range.upperBound
      && UInt64(count) <= range.upperBound &- offset
  }
}

extension PosixFile {
  var warmBytes: UInt64 { 2 << 20 }

  func warmed(_ range: Range<UInt64>) throws(FileSystemError) -> (any WarmRange)? {
    guard let lower = Int(exactly: range.lowerBound), let upper = Int(exactly: range.upperBound),
      lower < upper
    else { return nil }
    return try use(.write) { descriptor throws(FileSystemError) -> (any WarmRange)? in
      guard let mapping = StoredMapping(of: descriptor, lower..<upper) else { return nil }
      let put = try transfer(.write, name, count: upper - lower) { done in
        Int(varve_write_zeros(descriptor, Int64(lower + done), upper - lower - done))
      }
      if put < upper - lower { throw FileSystemError(.write, number: EIO, path: name) }
      // An old kernel says so here.
      guard mapping.populate(from: 0, to: mapping.count) == 0 else { return nil }
      return MappedWarmRange(range, mapping)
    }
  }
}
