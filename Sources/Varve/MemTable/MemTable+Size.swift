import VarveFormat

extension MemTable {
  /// How many entries are counted one by one before the rest is estimated.
  private static let countedEntries = 512

  /// Where entries are weighed in a larger range, and how many each time.
  private static let places = 16
  private static let weighedEntries = 32

  /// Bytes of the keys and values at or after `from` and before `to`, those in value files
  /// included. Exact for a few hundred entries; beyond that an estimate from the shape of the tree
  /// and the mean of some entries of the range: another keyspace's may weigh a thousand times as
  /// much.
  func approximateBytes(from: ByteView, to: ByteView) -> Int {
    guard from < to else { return 0 }
    var cursor = makeCursor()
    cursor.seek(from, .max)
    let head = weigh(Self.countedEntries, at: &cursor, before: to)
    guard head.count == Self.countedEntries else { return head.bytes }
    let (low, high) = (share(below: from), share(below: to))
    var sample = (count: 0, bytes: 0)
    for place in 0..<Self.places {
      let middle = (Double(place) + 0.5) / Double(Self.places)
      guard let key = key(at: low + (high - low) * middle), from <= key else { continue }
      cursor.seek(key, .max)
      let found = weigh(Self.weighedEntries, at: &cursor, before: to)
      sample = (sample.count + found.count, sample.bytes + found.bytes)
    }
    let mean = Double(sample.bytes) / Double(max(1, sample.count))
    return max(head.bytes, Int(Double(entryCount) * min(max(high - low, 0), 1) * mean))
  }

  /// Count and bytes of the next `limit` entries, fewer where `end` comes before.
  private func weigh(
    _ limit: Int, at cursor: inout MemTableCursor, before end: ByteView
  ) -> (count: Int, bytes: Int) {
    var (count, bytes) = (0, 0)
    while count < limit, let entry = cursor.entry, entry.key < end {
      count += 1
      bytes += entry.key.count + entry.valueByteCount
      cursor.next()
    }
    return (count, bytes)
  }

  /// The key below which a share of all keys lies, 0...1, as if all nodes of a level held equally
  /// many; nil in an empty table. Lent by the table.
  private func key(at share: Double) -> ByteView? {
    var rest = 0.0
    // Choosing and reading may run again after a change: the root begins from the whole.
    var height = 0
    let address = readLeaf({ node, shape in
      if shape.level >= height {
        rest = share
        height = shape.level
      }
      let place = min(max(rest, 0), 1) * Double(shape.count + 1)
      let index = min(Int(place), shape.count)
      rest = place - Double(index)
      return node.child(index)
    }) { leaf, shape in
      guard shape.count > 0 else { return 0 as UInt64? }
      let place = (height == 0 ? share : rest) * Double(shape.count)
      return leaf.record(min(max(Int(place), 0), shape.count - 1))
    }
    return Record(address: address)?.key
  }

  /// Which share of all keys is below `key`, 0...1, as if all nodes of a level held equally many.
  private func share(below key: ByteView) -> Double {
    var low = 0.0
    var width = 1.0
    // Choosing and reading may run again after a change: the root begins from the whole.
    var height = 0
    return readLeaf({ node, shape in
      if shape.level >= height {
        (low, width) = (0, 1)
        height = shape.level
      }
      guard let position = node.position(of: key, shape) else { return nil }
      let index = position.isMatch ? position.slot + 1 : position.slot
      width /= Double(shape.count + 1)
      low += width * Double(index)
      return node.child(index)
    }) { leaf, shape in
      guard let position = leaf.position(of: key, shape) else { return nil }
      return low + width * Double(position.slot) / Double(max(shape.count, 1))
    }
  }
}

extension EntryView {
  /// Bytes of the value as stored, wherever it lies.
  fileprivate var valueByteCount: Int {
    guard kind == .pointer else { return value.count }
    do { return Int(try ValuePointer(decoding: value).storedCount) } catch { return value.count }
  }
}
