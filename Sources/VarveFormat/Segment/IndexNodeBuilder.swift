/// A key that stands at or after one entry and before the next: what an index keeps of two blocks'
/// border.
package struct Separator: Equatable, Sendable {
  package var key: [UInt8]
  /// Set where both sides hold versions of the same key: the last one on the left side.
  package var sequence: SequenceNumber?

  package init(key: [UInt8], sequence: SequenceNumber? = nil) {
    self.key = key
    self.sequence = sequence
  }

  /// The shortest key at or after `last` and before `next`, which follows it in order.
  package init(last: ByteView, sequence: SequenceNumber, next: ByteView) {
    let shared = last.sharedPrefixCount(with: next)
    if shared == last.count, shared == next.count {
      self.init(key: last.array, sequence: sequence)
    } else {
      // `next` has a byte beyond what they share, and up to there it is larger than `last` or
      // longer. One byte of it would be `next` itself or a start of it, so take it only where a
      // byte in between exists.
      self.init(key: Separator.shortened(last: last, next: next, shared: shared))
    }
  }

  private static func shortened(last: ByteView, next: ByteView, shared: Int) -> [UInt8] {
    guard let left = last.byte(at: shared), let right = next.byte(at: shared) else {
      return last.array
    }
    if left &+ 1 < right {
      return last.prefix(shared).array + [left + 1]
    }
    // right is left + 1: keep `left` and step at the first byte behind it that can be raised.
    var index = shared + 1
    while let byte = last.byte(at: index) {
      if byte < 0xff { return last.prefix(index).array + [byte + 1] }
      index += 1
    }
    return last.array
  }
}

/// Lays out one index node after the other. The mirror of ``IndexNode``.
package struct IndexNodeBuilder {
  private struct Item {
    var handle: BlockHandle
    var keyEnd: Int
    var sequence: SequenceNumber?
  }

  private let level: IndexNode.Level
  private var items: [Item] = []
  private var keys = ByteWriter()
  private var sharedCount = 0

  package init(_ level: IndexNode.Level) { self.level = level }

  package var count: Int { items.count }
  package var isEmpty: Bool { items.isEmpty }

  /// The number of the first data block below this node.
  package var firstNumber: UInt32 { items.first?.handle.number ?? 0 }

  /// At most how many bytes the node takes.
  package var byteCount: Int {
    IndexNode.headerByteCount + items.count * (16 + BlockHandle.byteCount) + keys.count
  }

  package mutating func add(_ handle: BlockHandle, _ separator: Separator) {
    separator.key.withByteView { key in
      sharedCount =
        items.isEmpty
        ? min(key.count, Int(UInt16.max))
        : keys.bytes.withByteView { $0.prefix(sharedCount).sharedPrefixCount(with: key) }
      keys.append(key)
    }
    items.append(Item(handle: handle, keyEnd: keys.count, sequence: separator.sequence))
  }

  /// The node's bytes; the builder is empty afterwards.
  package mutating func finish() -> [UInt8] {
    precondition(!items.isEmpty)
    var numbers = ByteWriter()
    var handles = ByteWriter()
    var heap = ByteWriter()
    var keyStart = 0
    for item in items {
      keys.bytes.withByteView { keys in
        let rest = keys.dropping(keyStart + sharedCount).prefix(
          item.keyEnd - keyStart - sharedCount)
        numbers.uint64(rest.sortPrefix)
        heap.append(rest)
      }
      if let sequence = item.sequence { heap.uint64(sequence.rawValue) }
      item.handle.encode(
        to: &handles, hasSequence: item.sequence != nil, separatorEnd: UInt32(heap.count))
      keyStart = item.keyEnd
    }
    defer { self = IndexNodeBuilder(level) }
    return header(heapCount: heap.count) + numbers.bytes + handles.bytes
      + keys.bytes.prefix(sharedCount) + heap.bytes
  }

  private func header(heapCount: Int) -> [UInt8] {
    var writer = ByteWriter(reserving: IndexNode.headerByteCount)
    writer.uint32(UInt32(items.count))
    writer.uint32(UInt32(heapCount))
    writer.uint16(UInt16(sharedCount))
    writer.uint8(level.rawValue)
    writer.uint8(0)
    writer.uint32(firstNumber)
    return writer.bytes
  }
}

extension BlockHandle {
  func encode(to writer: inout ByteWriter, hasSequence: Bool, separatorEnd: UInt32) {
    writer.uint64(offset)
    writer.uint32(storedCount)
    writer.uint32(fullCount)
    writer.uint32(checksum)
    writer.uint8(codec.rawValue)
    writer.uint8(hasSequence ? 1 : 0)
    writer.uint16(itemCount)
    writer.uint32(separatorEnd)
    writer.uint32(number)
  }
}
