import VarveFormat

/// Bytes that are about to be signed. They are anything at all: a number that would lie outside is zero,
/// and what would be written there is dropped.
struct Signed {
  private(set) var bytes: [UInt8]
  /// Whether lengths, counts and names are put right as well, so that what lies behind them is read.
  let isRepaired: Bool

  init(_ bytes: [UInt8], isRepaired: Bool) {
    self.bytes = bytes
    self.isRepaired = isRepaired
  }

  var count: Int { bytes.count }

  func byte(at offset: Int) -> UInt8 { bytes.indices.contains(offset) ? bytes[offset] : 0 }

  func uint16(at offset: Int) -> UInt16 { bytes.withByteView { $0.uint16(at: offset) } ?? 0 }

  func uint32(at offset: Int) -> UInt32 { bytes.withByteView { $0.uint32(at: offset) } ?? 0 }

  func uint64(at offset: Int) -> UInt64 { bytes.withByteView { $0.uint64(at: offset) } ?? 0 }

  /// An offset or length that lies within the bytes, or their count.
  func place(at offset: Int) -> Int { Int(min(uint64(at: offset), UInt64(count))) }

  /// The identity in the file header.
  var id: FileID { FileID(low: uint64(at: 32), high: uint64(at: 40)) }

  /// The checksum of `range`, as far as there is any, behind a context.
  func checksum(of range: Range<Int>, after context: [UInt64] = []) -> UInt32 {
    var sum = CRC32C()
    for number in context { sum.append(number) }
    let range = range.clamped(to: 0..<count)
    bytes.withByteView { sum.append($0.dropping(range.lowerBound).prefix(range.count)) }
    return sum.value
  }

  /// The context of a piece at `offset` of a segment or value file.
  func context(_ id: FileID, _ offset: Int) -> [UInt64] { [id.low, id.high, UInt64(offset)] }
}

// MARK: - Writing

extension Signed {
  mutating func put<Number: FixedWidthInteger & UnsignedInteger>(_ number: Number, at offset: Int) {
    let width = Number.bitWidth / 8
    guard offset >= 0, offset <= count - width else { return }
    for index in 0..<width {
      bytes[offset + index] = UInt8(truncatingIfNeeded: number >> Number(8 * index))
    }
  }

  mutating func replace(with bytes: [UInt8]) { self.bytes = bytes }

  mutating func put(_ text: StaticString, at offset: Int) {
    for (index, byte) in text.description.utf8.enumerated() { put(byte, at: offset + index) }
  }

  /// Signs the file header, of a file of `kind`.
  mutating func signHeader(_ kind: FileName.Kind) {
    if isRepaired { put(kind.magic, at: 0) }
    put(checksum(of: 0..<60), at: 60)
  }
}
