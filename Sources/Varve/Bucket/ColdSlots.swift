import VarveFormat
import VarvePlatform

/// Parts of a cold file in memory, 64 KiB each: what is fetched is fetched in whole slots, and those that
/// lie side by side and are missing in one request.
///
/// ```
///   asked for          |--|                    expected  |----------|
///   slots       [  have  ][ missing ][ missing ][ missing ]
///   one request           |-------------------------------|
/// ```
///
/// A request takes as long for 64 KiB as for one block, and what lies near a value is often asked for next.
struct ColdSlots {
  static let slotBytes: UInt64 = 64 << 10
  /// Bytes that one request brings at most, about.
  private static let mostBytes: UInt64 = 8 << 20

  private let files: ColdFiles
  private let place: ColdPlace

  init(_ files: ColdFiles, _ place: ColdPlace) {
    self.files = files
    self.place = place
  }

  /// Bytes of the file.
  ///
  /// - Parameter expected: what is read soon: fetched as well where something is to be fetched before it.
  func read(
    _ range: Range<UInt64>, expecting expected: Range<UInt64>
  ) throws(FileSystemError) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(range.count)
    var start = range.lowerBound
    while start < range.upperBound {
      let end = start + min(Self.mostBytes, range.upperBound - start)
      bytes += try piece(start..<end, expecting: expected)
      start = end
    }
    return bytes
  }

  private func piece(
    _ range: Range<UInt64>, expecting expected: Range<UInt64>
  ) throws(FileSystemError) -> [UInt8] {
    let numbers = Self.slots(of: range)
    var found = numbers.map { files.slots.cachedBlock(for: key($0)) }
    if let first = found.firstIndex(where: { $0 == nil }),
      let last = found.lastIndex(where: { $0 == nil })
    {
      let missing = numbers.lowerBound + UInt64(first)..<numbers.lowerBound + UInt64(last) + 1
      let fetched = try fetch(extended(missing, range, by: expected))
      for (index, number) in numbers.enumerated() where found[index] == nil {
        found[index] = fetched[number]
      }
    }
    return Self.joined(zip(numbers, found), range)
  }

  private static func slots(of range: Range<UInt64>) -> Range<UInt64> {
    range.lowerBound / slotBytes..<(range.upperBound + slotBytes - 1) / slotBytes
  }

  private func key(_ slot: UInt64) -> BlockKey {
    BlockKey(file: place.file.number, offset: slot * Self.slotBytes)
  }

  private func bytes(of slots: Range<UInt64>) -> Range<UInt64> {
    slots.lowerBound * Self.slotBytes..<min(slots.upperBound * Self.slotBytes, place.size)
  }

  /// The missing slots, and those behind them that are expected and missing too.
  private func extended(
    _ missing: Range<UInt64>, _ range: Range<UInt64>, by expected: Range<UInt64>
  ) -> Range<UInt64> {
    let goesOn =
      expected.lowerBound <= range.upperBound + Self.slotBytes
      && expected.upperBound > range.upperBound
    guard goesOn else { return missing }
    let limit = min(expected.upperBound, place.tailStart, range.upperBound + Self.mostBytes)
    var end = missing.upperBound
    while end * Self.slotBytes < limit, files.slots.cachedBlock(for: key(end)) == nil { end += 1 }
    return missing.lowerBound..<end
  }

  /// Fetches slots by one request, and keeps them.
  private func fetch(_ slots: Range<UInt64>) throws(FileSystemError) -> [UInt64: CachedBlock] {
    let range = bytes(of: slots)
    let bytes = try files.fetch(range, of: place)
    var fetched: [UInt64: CachedBlock] = [:]
    for slot in slots {
      let part = self.bytes(of: slot..<slot + 1)
      let buffer = AlignedBuffer(capacity: part.count)
      let start = Int(part.lowerBound - range.lowerBound)
      Array(bytes[start..<start + part.count]).withByteView { buffer.copy($0) }
      fetched[slot] = files.keep(CachedBlock(buffer, count: part.count), for: key(slot))
    }
    return fetched
  }

  private static func joined(
    _ slots: Zip2Sequence<Range<UInt64>, [CachedBlock?]>, _ range: Range<UInt64>
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(range.count)
    for (number, slot) in slots {
      guard let slot else { continue }
      let start = number * slotBytes
      let part = max(range.lowerBound, start)..<min(range.upperBound, start + UInt64(slot.count))
      bytes += slot.bytes.dropping(Int(part.lowerBound - start)).prefix(part.count).array
    }
    return bytes
  }
}

extension ColdFiles {
  /// Keeps a slot for those who come next; returns the one that is kept.
  fileprivate func keep(_ block: CachedBlock, for key: BlockKey) -> CachedBlock {
    (try? slots.block(for: key) { () throws(StoreError) in block }) ?? block
  }
}
