import VarveFormat

extension MemTable {
  /// How many entries are counted one by one before the rest is estimated.
  private static let countedEntries = 512

  /// Bytes of the keys and values at or after `from` and before `to`, those in value files
  /// included. Exact for a few hundred entries; beyond that an estimate from the shape of the tree
  /// and the mean entry.
  ///
  /// - Parameter pointedBytes: bytes of values in value files that all entries point to.
  func approximateBytes(from: ByteView, to: ByteView, pointedBytes: UInt64 = 0) -> Int {
    guard from < to else { return 0 }
    var cursor = makeCursor()
    var counted = 0
    cursor.seek(from, .max)
    for _ in 0..<Self.countedEntries {
      guard let entry = cursor.entry, entry.key < to else { return counted }
      counted += entry.key.count + entry.valueByteCount
      cursor.next()
    }
    let share = share(below: to) - share(below: from)
    let bytes = Double(dataBytes) + Double(pointedBytes)
    return max(counted, Int(bytes * min(max(share, 0), 1)))
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

extension MemTableGeneration {
  /// ``MemTable/approximateBytes(from:to:pointedBytes:)`` with the values of this generation.
  func approximateBytes(from: ByteView, to: ByteView) -> Int {
    table.approximateBytes(from: from, to: to, pointedBytes: valueBytes)
  }
}
