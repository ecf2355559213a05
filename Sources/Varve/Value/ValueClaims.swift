import VarveFormat

/// How much of each value file the entries of one walk claim.
///
/// Each value belongs to one entry, and no two overlap: they claim no more than there is. Forged pointers could
/// name one large value again and again, and whoever follows each would not come to an end.
struct ValueClaims {
  private var bytes: [UInt64: UInt64] = [:]

  /// Claims a value of a file of so many bytes; false where all values together are more.
  mutating func claim(_ pointer: ValuePointer, of fileBytes: UInt64) -> Bool {
    let claimed = bytes[pointer.file, default: 0]
      .addingStated(UInt64(pointer.storedCount) + UInt64(ValueRecord.headerBytes))
    bytes[pointer.file] = claimed
    return claimed <= fileBytes
  }
}
