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

// MARK: - Joining

extension CRC32C {
  /// Appends so many bytes of which only the checksum is known.
  ///
  /// A checksum is what a division of polynomials leaves, so bytes that follow multiply that of what was before
  /// by x^8 each. (As zlib's `crc32_combine` does it; the inversions at begin and end cancel each other.)
  package mutating func append(checksum: UInt32, count: UInt64) {
    value = Self.product(value, Self.power(bytes: count)) ^ checksum
  }

  /// x^(8 * count), by squaring.
  private static func power(bytes count: UInt64) -> UInt32 {
    var power = one
    var square = one >> 8
    var left = count
    while left > 0 {
      if left & 1 == 1 { power = product(power, square) }
      square = product(square, square)
      left >>= 1
    }
    return power
  }

  private static func product(_ left: UInt32, _ right: UInt32) -> UInt32 {
    var sum: UInt32 = 0
    var term = right
    for bit in 0..<32 {
      if left & (one >> bit) != 0 { sum ^= term }
      term = term & 1 == 0 ? term >> 1 : term >> 1 ^ polynomial
    }
    return sum
  }

  /// x^0: the highest bit has the lowest power.
  private static let one: UInt32 = 1 << 31
  /// x^32 less the polynomial.
  private static let polynomial: UInt32 = 0x82f6_3b78
}
