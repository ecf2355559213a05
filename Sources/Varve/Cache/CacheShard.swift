import VarvePlatform

/// The blocks of one shard of a `BlockCache`. Not shared.
typealias CacheShard = CacheQueues<BlockKey, CachedBlock>

extension CacheQueues where Key == BlockKey, Value == CachedBlock {
  /// What bookkeeping takes for each block: node, table entry, ghost, buffer object.
  static var overheadBytes: Int { 256 }

  var bytes: Int { cost }

  mutating func block(for key: BlockKey) -> CachedBlock? { value(for: key) }

  /// Takes in a block that was not here, and returns those that had to go.
  mutating func insert(_ block: CachedBlock, for key: BlockKey) -> [CachedBlock] {
    insert(block, cost: block.buffer.capacity + Self.overheadBytes, for: key)
  }

  /// Removes every block of these files.
  mutating func removeAll(of files: Set<UInt64>) -> [CachedBlock] {
    removeAll { files.contains($0.file) }
  }
}
