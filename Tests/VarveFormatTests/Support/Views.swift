import VarveFormat

/// Lends several arrays at once.
func withViews<Result>(
  _ arrays: [[UInt8]], _ views: [ByteView] = [], _ body: ([ByteView]) throws -> Result
) rethrows -> Result {
  guard views.count < arrays.count else { return try body(views) }
  return try arrays[views.count].withByteView { view in
    try withViews(arrays, views + [view], body)
  }
}

extension [UInt8] {
  /// Writes a little-endian number over the bytes at `offset`.
  mutating func set<Number: FixedWidthInteger>(_ number: Number, at offset: Int) {
    for index in 0..<Number.bitWidth / 8 {
      self[offset + index] = UInt8(truncatingIfNeeded: number >> Number(8 * index))
    }
  }

  func flippingBit(_ bit: Int) -> [UInt8] {
    var copy = self
    copy[bit / 8] ^= 1 << UInt8(bit % 8)
    return copy
  }
}
