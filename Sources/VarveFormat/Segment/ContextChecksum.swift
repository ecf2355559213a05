extension CRC32C {
  /// The checksum of bytes that must stand at `offset` of the file `id` and nowhere else.
  ///
  /// The context goes in first, as three 64-bit numbers: bytes that were swapped, left over from an
  /// older file or read from the wrong place fail like damaged ones. Spec: segment.md, "Checksums".
  package static func checksum(of bytes: ByteView, in id: FileID, at offset: UInt64) -> UInt32 {
    var sum = CRC32C(in: id, at: offset)
    sum.append(bytes)
    return sum.value
  }

  /// A running checksum that has taken in its context.
  package init(in id: FileID, at offset: UInt64) {
    self.init()
    append(id.low)
    append(id.high)
    append(offset)
  }
}
