/// Reads numbers and runs of bytes one after the other, checking every step.
///
/// The only way decoders take numbers from stored bytes: each read throws instead of trapping, and
/// names the structure and the offset in the file.
package struct ByteReader {
  package let bytes: ByteView
  package let structure: FormatError.Structure
  /// The file offset of the first byte, for errors.
  package let base: UInt64
  /// How many bytes were read.
  package private(set) var position = 0

  package init(_ bytes: ByteView, _ structure: FormatError.Structure, at base: UInt64 = 0) {
    self.bytes = bytes
    self.structure = structure
    self.base = base
  }

  package var remaining: Int { bytes.count &- position }

  /// The file offset of the next byte.
  package var offset: UInt64 { base &+ UInt64(truncatingIfNeeded: position) }

  /// An error of this structure at the next byte.
  package func error(_ fault: FormatError.Fault) -> FormatError {
    FormatError(structure, fault, at: offset)
  }
}

// MARK: - Fixed width

extension ByteReader {
  package mutating func uint8() throws(FormatError) -> UInt8 {
    guard let value = bytes.byte(at: position) else { throw error(.truncated) }
    position &+= 1
    return value
  }

  package mutating func uint16() throws(FormatError) -> UInt16 {
    guard let value = bytes.uint16(at: position) else { throw error(.truncated) }
    position &+= 2
    return value
  }

  package mutating func uint32() throws(FormatError) -> UInt32 {
    guard let value = bytes.uint32(at: position) else { throw error(.truncated) }
    position &+= 4
    return value
  }

  package mutating func uint64() throws(FormatError) -> UInt64 {
    guard let value = bytes.uint64(at: position) else { throw error(.truncated) }
    position &+= 8
    return value
  }

  /// The next `count` bytes, still borrowed.
  package mutating func view(_ count: Int) throws(FormatError) -> ByteView {
    guard let part = bytes.part(at: position, count: count) else { throw error(.truncated) }
    position &+= count
    return part
  }

  /// Passes over `count` bytes that must be zero.
  package mutating func zeros(_ count: Int, _ what: String) throws(FormatError) {
    let start = self
    let part = try view(count)
    for index in 0..<count where part.byte(at: index) != 0 {
      throw start.error(.value(what))
    }
  }

  /// Throws unless every byte was read.
  package func end() throws(FormatError) {
    guard remaining == 0 else { throw error(.excess) }
  }
}

// MARK: - Varints

extension ByteReader {
  /// An unsigned LEB128 number in its shortest form, at most ten bytes.
  package mutating func varint() throws(FormatError) -> UInt64 {
    let start = self
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      let byte = try uint8()
      if shift == 63, byte > 1 { throw start.error(.limit("varint")) }
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 {
        // The shortest form is the only form: a last byte of zero adds nothing.
        if byte == 0, shift > 0 { throw start.error(.value("varint padding")) }
        return value
      }
      shift &+= 7
    }
  }

  /// A varint that counts bytes or items and may not exceed `limit`.
  package mutating func count(upTo limit: Int, _ what: String) throws(FormatError) -> Int {
    let start = self
    let value = try varint()
    guard let count = Int(exactly: value), count <= limit else { throw start.error(.limit(what)) }
    return count
  }
}
