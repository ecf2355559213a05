/// Builds the two-level block index of a segment while its blocks are written.
///
/// A block's separator depends on the key behind it, so each handle waits for the next block's first
/// key (``separate(before:)``) or for the end. Finished leaves are kept: about 50 bytes a block.
package struct BlockIndexBuilder {
  private let leafBytes: Int
  private var leaf = IndexNodeBuilder(.leaf)
  private var leaves: [(bytes: [UInt8], itemCount: UInt16, firstNumber: UInt32, last: Separator)] =
    []
  /// Bytes of the finished leaves.
  package private(set) var byteCount: UInt64 = 0
  private var waiting: (handle: BlockHandle, lastKey: [UInt8], lastSequence: SequenceNumber)?

  package init(leafBytes: Int) {
    self.leafBytes = max(512, min(leafBytes, Limits.indexLeafBytes / 2))
  }

  /// Adds a written block that ends with (`key`, `sequence`).
  package mutating func add(
    _ handle: BlockHandle, last key: ByteView, _ sequence: SequenceNumber
  ) {
    precondition(waiting == nil)
    waiting = (handle, key.array, sequence)
  }

  /// Says that the next block begins with `key`: the waiting one gets its separator.
  package mutating func separate(before key: ByteView) {
    guard let block = waiting else { return }
    let separator = block.lastKey.withByteView {
      Separator(last: $0, sequence: block.lastSequence, next: key)
    }
    settle(block.handle, separator)
  }

  private mutating func settle(_ handle: BlockHandle, _ separator: Separator) {
    waiting = nil
    leaf.add(handle, separator)
    if leaf.byteCount >= leafBytes { cutLeaf(separator) }
  }

  private mutating func cutLeaf(_ last: Separator) {
    let itemCount = UInt16(leaf.count)
    let firstNumber = leaf.firstNumber
    leaves.append((leaf.finish(), itemCount, firstNumber, last))
    byteCount += UInt64(leaves[leaves.count - 1].bytes.count)
  }

  /// Hands every leaf to `write`, the first to stand at `offset` and each at the next multiple of 8,
  /// and returns the top node.
  package mutating func finish<Failure: Error>(
    at offset: UInt64, id: FileID, _ write: ([UInt8]) throws(Failure) -> Void
  ) throws(Failure) -> [UInt8] {
    if let block = waiting {
      let last = Separator(key: block.lastKey)
      settle(block.handle, last)
      if !leaf.isEmpty { cutLeaf(last) }
    }
    var top = IndexNodeBuilder(.top)
    var position = offset
    for leaf in leaves {
      try write(leaf.bytes)
      let count = UInt32(leaf.bytes.count)
      let handle = BlockHandle(
        offset: position, storedCount: count, fullCount: count,
        checksum: leaf.bytes.withByteView { CRC32C.checksum(of: $0, in: id, at: position) },
        codec: .none, itemCount: leaf.itemCount, number: leaf.firstNumber)
      top.add(handle, leaf.last)
      position += (UInt64(count) + 7) & ~7
    }
    return top.finish()
  }
}
