import VarveFormat

// How much lies between two keys, without reading all of it:
//
//   blocks            from the index, and the place in the block at either end
//   values in files   from the pointers in the blocks at the ends and in some of those between
//
// Keyspaces share segments, and one may hold vectors where the next holds names: the values of a
// segment are not spread evenly over its blocks, so a share of all of them would say nothing.

extension OpenSegment {
  /// Blocks between the ends of a range that are read for their pointers.
  private static let sampledBlocks = 16

  /// Bytes of the blocks that hold the keys from `start` (nil: the first) up to before `end` (nil:
  /// the end).
  func approximateBytes(from start: ByteView?, to end: ByteView?) throws(StoreError) -> UInt64 {
    let first = try offset(of: start, orElse: dataBlocks.offset)
    let last = try offset(of: end, orElse: dataBlocks.end)
    return last > first ? last - first : 0
  }

  /// About where `key` stands, by its block and its place in it: a block of pointers stands for
  /// megabytes of values, so whole blocks would be too coarse.
  private func offset(of key: ByteView?, orElse bound: UInt64) throws(StoreError) -> UInt64 {
    guard let key else { return bound }
    guard let place = try checkedPlace(of: key, .max) else { return dataBlocks.end }
    let lent = try block(place.handle, inLeafAt: place.leafBase)
    defer { withExtendedLifetime(lent.owner) {} }
    do throws(FormatError) {
      let index = try lent.block.lowerBound(key, .max)
      let share = Double(index) / Double(max(1, lent.block.count))
      return place.handle.offset + UInt64(Double(place.handle.storedCount) * share)
    } catch {
      throw StoreError(error, in: name)
    }
  }
}

extension OpenSegment {
  private func checkedPlace(
    of key: ByteView, _ sequence: SequenceNumber
  ) throws(StoreError) -> Place? {
    do { return try place(of: key, sequence) } catch { throw StoreError(error, in: name) }
  }
}

// MARK: - Values in value files

extension OpenSegment {
  /// Bytes of the values in value files that keys from `start` up to before `end` point to. Exact
  /// where few blocks lie between.
  func approximateValueBytes(from start: ByteView, to end: ByteView) throws(StoreError) -> UInt64 {
    guard let first = try checkedPlace(of: start, .max) else { return 0 }
    let last = try checkedPlace(of: end, .max)
    let firstNumber = Int(first.handle.number)
    let lastNumber = last.map { Int($0.handle.number) } ?? blockCount
    var total = try valueBytes(in: first, from: start, to: end)
    guard lastNumber > firstNumber else { return total }
    if let last { total += try valueBytes(in: last, from: nil, to: end) }
    let between = lastNumber - firstNumber - 1
    let count = min(between, Self.sampledBlocks)
    var sampled: UInt64 = 0
    for index in 0..<count {
      // In the middle of each of `count` equal parts; every block where there are no more.
      let number = firstNumber + 1 + (2 * index + 1) * between / (2 * count)
      sampled += try valueBytes(in: try place(ofBlock: number), from: nil, to: nil)
    }
    let estimate = (Double(sampled) * Double(between) / Double(max(1, count))).rounded()
    return total.addingStated(UInt64(exactly: estimate) ?? .max)
  }

  /// Where the index speaks of block `number`.
  private func place(ofBlock number: Int) throws(StoreError) -> Place {
    do throws(FormatError) {
      var low = 0
      var high = top.count
      while high - low > 1 {
        let middle = (low + high) / 2
        if Int(try top.handle(at: middle).number) <= number { low = middle } else { high = middle }
      }
      let leaf = try leaf(at: low)
      let item = number - Int(leaf.firstNumber)
      return Place(low, leaf, item: item, handle: try leaf.handle(at: item))
    } catch {
      throw StoreError(error, in: name)
    }
  }

  private func valueBytes(
    in place: Place, from start: ByteView?, to end: ByteView?
  ) throws(StoreError) -> UInt64 {
    let lent = try block(place.handle, inLeafAt: place.leafBase)
    defer { withExtendedLifetime(lent.owner) {} }
    do throws(FormatError) {
      let first = try start.map { key throws(FormatError) in try lent.block.lowerBound(key, .max) }
      let last = try end.map { key throws(FormatError) in try lent.block.lowerBound(key, .max) }
      var total: UInt64 = 0
      var index = first ?? 0
      while index < last ?? lent.block.count {
        let entry = try lent.block.entry(at: index)
        if entry.kind == .pointer {
          total += UInt64(try ValuePointer(decoding: entry.value).storedCount)
        }
        index += 1
      }
      return total
    } catch {
      throw StoreError(error, in: name)
    }
  }
}
