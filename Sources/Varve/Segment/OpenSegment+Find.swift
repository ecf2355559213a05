import VarveFormat
import VarvePlatform

/// A version of a key that a point read came upon.
struct FoundEntry {
  let sequence: SequenceNumber
  let kind: EntryKind
  let expiry: ExpiryTime
  /// Lent by the segment's mapping, or by `owner` where there is one.
  let value: ByteView
  let owner: CachedBlock?
}

extension OpenSegment {
  /// The newest version of `key` at or below `limit`: top, filter, leaf, then one block.
  ///
  /// One block is enough: the separator at or after (key, limit) belongs to the block that holds the
  /// first entry at or after it, or no entry of this key.
  @inline(__always)
  func find(
    _ key: ByteView, hash: UInt64, at limit: SequenceNumber
  ) throws(StoreError) -> FoundEntry? {
    let tag = UInt8(truncatingIfNeeded: hash >> 56)
    let place: Place
    do throws(FormatError) {
      filter?.prefetch(hash)
      guard let found = try self.place(of: key, limit, hash) else { return nil }
      if let mapped, found.handle.codec == .none {
        let bytes = try mappedBytes(of: found.handle, found.leafBase, mapped)
        return try DataBlock.find(key, tag: tag, at: limit, in: found.handle, bytes)
          .map { FoundEntry($0, owner: nil) }
      }
      place = found
    } catch {
      throw StoreError(error, in: name)
    }
    let lent = try block(place.handle, inLeafAt: place.leafBase)
    do throws(FormatError) {
      return try lent.block.find(key, tag: tag, at: limit)
        .map { FoundEntry($0, owner: lent.owner) }
    } catch {
      throw StoreError(error, in: name)
    }
  }

  /// Where in the index a block stands. Of its leaf only what a cursor asks for all the time: it is
  /// copied at each step to another block.
  struct Place {
    var leafIndex: Int
    var leafCount: Int
    var leafBase: UInt64
    var item: Int
    var handle: BlockHandle

    @inline(__always)
    init(_ leafIndex: Int, _ leaf: IndexNode, item: Int, handle: BlockHandle) {
      self.leafIndex = leafIndex
      leafCount = leaf.count
      leafBase = leaf.base
      self.item = item
      self.handle = handle
    }
  }

  /// The block that holds the first entry at or after (`key`, `sequence`), unless that is the next
  /// block's first; nil where there is neither.
  ///
  /// - Parameter hash: the key's XXH64, where the key itself is looked for: nil too where the filter
  ///   knows that it is not here. Its memory is waited for together with that of the leaf.
  @inline(__always)
  func place(
    of key: ByteView, _ sequence: SequenceNumber, _ hash: UInt64? = nil
  ) throws(FormatError) -> Place? {
    let leafIndex = try top.lowerBound(key, sequence)
    guard leafIndex < top.count else {
      try checkDoubtedTop()
      return nil
    }
    let leaf = try leaf(at: leafIndex)
    leaf.prefetch()
    if let hash, try !mayContain(hash) { return nil }
    let item = try leaf.lowerBound(key, sequence)
    guard item < leaf.count else {
      // The leaf's last separator stands in the top node as well.
      throw FormatError(.blockIndex, .order, at: leaf.base)
    }
    return Place(leafIndex, leaf, item: item, handle: try leaf.handle(at: item))
  }
}

extension FoundEntry {
  @inline(__always)
  init(_ entry: BlockEntry, owner: CachedBlock?) {
    self.init(
      sequence: entry.sequence, kind: entry.kind, expiry: entry.expiry, value: entry.value,
      owner: owner)
  }
}

extension OpenSegment {
  /// A key with about as many blocks before it as behind it: what ends the middle leaf, or the
  /// middle block where there is but one leaf.
  func middleKey() throws(StoreError) -> [UInt8] {
    do throws(FormatError) {
      let node = top.count > 1 ? top : try leaf(at: 0)
      return node.prefix.array + (try node.separator(at: (node.count - 1) / 2)).rest.array
    } catch {
      throw StoreError(error, in: name)
    }
  }
}
