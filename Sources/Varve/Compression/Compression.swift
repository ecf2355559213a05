/// How the blocks and large values of a keyspace are compressed.
///
/// Whatever is asked for, a block that would not shrink by a tenth is stored as it is, and may then
/// be read in place. Compression never changes what is read back.
public enum Compression: Hashable, Sendable {
  /// Everything is stored as it is: right for embeddings, images and other data of high entropy.
  case none
  /// LZ4: fast both ways.
  case lz4
  /// Zstandard at a level from 1 (fast) to 19 (small). Reading costs the same at every level.
  case zstd(level: Int)
  /// Decided block by block, from what samples of the data show: Zstandard where it saves a good
  /// deal more than LZ4, nothing where neither saves a tenth.
  case automatic
}

extension Compression {
  /// The levels of Zstandard that may be asked for. Higher ones need more memory than they save.
  public static let zstdLevels = 1...19

  /// Throws `.invalid` where a level is outside ``zstdLevels``.
  func validate() throws(StoreError) {
    guard case .zstd(let level) = self, !Self.zstdLevels.contains(level) else { return }
    throw StoreError(
      .invalid,
      "zstd level \(level) is outside \(Self.zstdLevels.lowerBound)...\(Self.zstdLevels.upperBound)"
    )
  }
}
