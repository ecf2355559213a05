/// Appends numbers and runs of bytes to an array: the mirror of ``ByteReader``.
package struct ByteWriter {
  package private(set) var bytes: [UInt8] = []

  package init(reserving capacity: Int = 0) {
    bytes.reserveCapacity(capacity)
  }

  package var count: Int { bytes.count }

  package mutating func uint8(_ value: UInt8) { bytes.append(value) }

  package mutating func uint16(_ value: UInt16) { fixed(value.littleEndian) }

  package mutating func uint32(_ value: UInt32) { fixed(value.littleEndian) }

  package mutating func uint64(_ value: UInt64) { fixed(value.littleEndian) }

  /// An unsigned LEB128 number in its shortest form.
  package mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  package mutating func append(_ view: ByteView) {
    unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(start: view.start, count: view.count))
  }

  package mutating func append(_ array: [UInt8]) { bytes.append(contentsOf: array) }

  package mutating func zeros(_ count: Int) {
    guard count <= 8 else { return bytes.append(contentsOf: repeatElement(0, count: count)) }
    lowBytes(count, of: 0)
  }

  /// The lowest `count` bytes of a number, at most eight: short runs in one step.
  package mutating func lowBytes(_ count: Int, of number: UInt64) {
    let stored = number.littleEndian
    unsafe withUnsafeBytes(of: stored) { all in
      unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: all.prefix(count)))
    }
  }

  /// Fills with zeros up to the next multiple of `alignment`, a power of two.
  package mutating func align(to alignment: Int) {
    zeros((alignment &- bytes.count & (alignment &- 1)) & (alignment &- 1))
  }

  /// Empties the writer and keeps its memory.
  package mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

  /// Writes a 32-bit number over the four bytes at `offset`, which were written before.
  package mutating func patch(uint32 value: UInt32, at offset: Int) {
    for index in 0..<4 {
      bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt32(index)))
    }
  }

  private mutating func fixed<Number: FixedWidthInteger>(_ value: Number) {
    unsafe withUnsafeBytes(of: value) { unsafe bytes.append(contentsOf: $0) }
  }
}

/// How many bytes a number takes as a varint.
package func varintCount(_ value: UInt64) -> Int {
  (70 &- value.leadingZeroBitCount) / 7 | (value == 0 ? 1 : 0)
}
