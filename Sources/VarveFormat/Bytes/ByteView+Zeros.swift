import CVarveShims

// Zeros: what an allocated file reads as where nothing was written.

extension ByteView {
  /// Whether every byte is zero. Costs one pass at the speed of memory.
  package var isAllZero: Bool {
    guard byte(at: 0) == 0 else { return isEmpty }
    // Each byte equals the one after it, and the first is zero.
    return dropping(1).compare(prefix(count &- 1)) == 0
  }

  /// How many bytes there are up to the last one that is not zero, that one included.
  package var countToLastNonZero: Int {
    var end = count
    while end >= 8, uint64(at: end &- 8) == 0 { end &-= 8 }
    while end > 0, byte(at: end &- 1) == 0 { end &-= 1 }
    return end
  }
}
