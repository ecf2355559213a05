import CVarveShims

/// A running CRC-32C (Castagnoli): the checksum of every structure we store.
///
/// Source: RFC 3720 appendix B.4. It detects every damage that spans at most 32 bits.
package struct CRC32C {
  /// The checksum of all bytes so far.
  package private(set) var value: UInt32

  /// Starts afresh, or goes on from a checksum already computed.
  package init(continuing value: UInt32 = 0) { self.value = value }

  package mutating func append(_ view: ByteView) {
    value = unsafe varve_crc32c(value, view.start, view.count)
  }

  /// Appends the eight little-endian bytes of a number.
  package mutating func append(_ number: UInt64) {
    var stored = number.littleEndian
    value = unsafe varve_crc32c(value, &stored, 8)
  }

  package static func checksum(of view: ByteView) -> UInt32 {
    var sum = CRC32C()
    sum.append(view)
    return sum.value
  }
}
