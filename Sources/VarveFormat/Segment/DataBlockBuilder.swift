// Entries wait in a stage until the block is cut: only then are the shared prefix and the widths of
// the numbers known. The stage keeps keys and values in two heaps and one small record an entry.

/// Lays out one data block after the other. The mirror of ``DataBlock``.
///
/// The caller adds entries in order; that is checked by whoever writes the segment.
package struct DataBlockBuilder {
  private struct Staged {
    var keyEnd: Int
    var valueEnd: Int
    var sequence: SequenceNumber
    var kind: EntryKind
    var expiry: ExpiryTime
    var tag: UInt8
  }

  /// What the entries of one block have in common.
  private struct Shape {
    var shared: Int
    var sequenceWidth: Int
    var keyWidth: Int
    var valueWidth: Int
  }

  /// Log2 of the alignment of values.
  package let alignmentShift: UInt8
  private var keys = ByteWriter()
  private var values = ByteWriter()
  private var staged: [Staged] = []
  private var output = ByteWriter()
  private var sharedCount = 0
  private var smallestSequence = SequenceNumber.max
  private var largestSequence = SequenceNumber.zero
  private var longestKey = 0
  private var longestValue = 0
  private var expiringCount = 0

  package init(alignmentShift: UInt8 = 0) {
    precondition(alignmentShift <= Limits.alignmentShift)
    self.alignmentShift = alignmentShift
  }

  package var count: Int { staged.count }
  package var isEmpty: Bool { staged.isEmpty }
}

// MARK: - Filling

extension DataBlockBuilder {
  /// Whether a block with this entry added stays within `limit` bytes. An empty block takes any
  /// entry: one that is too large for a block gets one of its own.
  package func hasRoom(for entry: EntryView, limit: Int) -> Bool {
    staged.isEmpty || byteCount(adding: entry) <= min(limit, Limits.blockBytes)
  }

  package mutating func add(_ entry: EntryView, tag: UInt8) {
    if staged.isEmpty {
      sharedCount = entry.key.count
    } else {
      sharedCount = sharedCount(with: entry.key)
    }
    keys.append(entry.key)
    values.append(entry.value)
    staged.append(
      Staged(
        keyEnd: keys.count, valueEnd: values.count, sequence: entry.sequence, kind: entry.kind,
        expiry: entry.expiry, tag: tag))
    smallestSequence = min(smallestSequence, entry.sequence)
    largestSequence = max(largestSequence, entry.sequence)
    longestKey = max(longestKey, entry.key.count)
    longestValue = max(longestValue, entry.value.count)
    expiringCount += entry.expiry == 0 ? 0 : 1
  }

  /// An upper bound of the block's length with `entry` in it; exact but for the padding of values.
  private func byteCount(adding entry: EntryView) -> Int {
    let count = staged.count + 1
    let shared = sharedCount(with: entry.key)
    let sequences =
      max(largestSequence, entry.sequence).rawValue
      - min(smallestSequence, entry.sequence).rawValue
    let headers =
      1 + width(sequences) + width(max(longestKey, entry.key.count), atLeast: 1)
      + width(max(longestValue, entry.value.count), atLeast: 1)
    let padding = (1 << Int(alignmentShift)) - 1
    let expiring = expiringCount + (entry.expiry == 0 ? 0 : 1)
    let suffixes = keys.count + entry.key.count - count * shared
    return DataBlock.headerByteCount + shared + count * (5 + headers + padding) + 8 * expiring
      + suffixes + values.count + entry.value.count
  }

  private func sharedCount(with key: ByteView) -> Int {
    keys.bytes.withByteView { $0.prefix(sharedCount).sharedPrefixCount(with: key) }
  }
}

// MARK: - Cutting

extension DataBlockBuilder {
  /// Lays the block out, lends it to `body`, and starts the next one.
  package mutating func finish<Result, Failure: Error>(
    _ body: (ByteView) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    layOut()
    defer { reset() }
    return try output.bytes.withByteView(body)
  }

  private mutating func layOut() {
    precondition(!staged.isEmpty && staged.count <= Int(UInt16.max))
    let shared = staged.count == 1 ? 0 : sharedCount
    let shape = Shape(
      shared: shared,
      sequenceWidth: width(largestSequence.rawValue - smallestSequence.rawValue),
      keyWidth: width(longestKey - shared, atLeast: 1),
      valueWidth: width(longestValue, atLeast: 1))
    output.uint16(UInt16(staged.count))
    output.uint16(UInt16(shared))
    output.uint8(alignmentShift)
    output.uint8(UInt8(shape.sequenceWidth))
    output.uint8(UInt8(shape.keyWidth))
    output.uint8(UInt8(shape.valueWidth))
    output.uint64(smallestSequence.rawValue)
    for entry in staged { output.uint8(entry.tag) }
    appendSlots(shape)
    output.append(keys, from: 0, count: shared)
    appendEntries(shape)
    assert(staged.count == 1 || output.count <= Limits.blockBytes)
  }

  /// Walks the layout once without writing, to put the slots before the entries.
  private mutating func appendSlots(_ shape: Shape) {
    let headerCount = 1 + shape.sequenceWidth + shape.keyWidth + shape.valueWidth
    let mask = (1 << Int(alignmentShift)) - 1
    var position = output.count + 4 * staged.count + shape.shared
    var keyStart = 0
    var valueStart = 0
    for entry in staged {
      output.uint32(head(keyStart + shape.shared, entry.keyEnd) << 16 | UInt32(UInt16(position)))
      position += headerCount + (entry.expiry == 0 ? 0 : 8)
      position += entry.keyEnd - keyStart - shape.shared
      let valueCount = entry.valueEnd - valueStart
      if valueCount > 0 { position = (position + mask) & ~mask }
      position += valueCount
      keyStart = entry.keyEnd
      valueStart = entry.valueEnd
    }
  }

  private func head(_ start: Int, _ end: Int) -> UInt32 {
    keys.bytes.withByteView { DataBlock.head(of: $0.dropping(start).prefix(end - start)) }
  }

  private mutating func appendEntries(_ shape: Shape) {
    let base = smallestSequence.rawValue
    let alignment = 1 << Int(alignmentShift)
    var keyStart = 0
    var valueStart = 0
    for entry in staged {
      let suffixCount = entry.keyEnd - keyStart - shape.shared
      let valueCount = entry.valueEnd - valueStart
      output.uint8(entry.kind.rawValue | (entry.expiry == 0 ? 0 : DataBlock.expiryFlag))
      output.number(entry.sequence.rawValue - base, width: shape.sequenceWidth)
      output.number(UInt64(suffixCount), width: shape.keyWidth)
      output.number(UInt64(valueCount), width: shape.valueWidth)
      if entry.expiry != 0 { output.uint64(entry.expiry) }
      output.append(keys, from: keyStart + shape.shared, count: suffixCount)
      if valueCount > 0 { output.align(to: alignment) }
      output.append(values, from: valueStart, count: valueCount)
      keyStart = entry.keyEnd
      valueStart = entry.valueEnd
    }
  }

  /// Keeps the memory of ordinary blocks and gives back that of a huge one.
  private mutating func reset() {
    if output.count > 1 << 20 { self = DataBlockBuilder(alignmentShift: alignmentShift) }
    keys.removeAll()
    values.removeAll()
    output.removeAll()
    staged.removeAll(keepingCapacity: true)
    smallestSequence = .max
    largestSequence = .zero
    longestKey = 0
    longestValue = 0
    expiringCount = 0
  }

  /// How many bytes a number takes.
  private func width(_ number: UInt64) -> Int { (71 - number.leadingZeroBitCount) / 8 }

  private func width(_ number: Int, atLeast least: Int) -> Int { max(least, width(UInt64(number))) }
}

extension ByteWriter {
  /// Appends a part of what another writer holds.
  mutating func append(_ other: ByteWriter, from start: Int, count: Int) {
    other.bytes.withByteView { append($0.dropping(start).prefix(count)) }
  }

  /// Writes the low `width` bytes (0...8) of a number, little-endian.
  mutating func number(_ value: UInt64, width: Int) {
    for index in 0..<width { uint8(UInt8(truncatingIfNeeded: value >> UInt64(8 * index))) }
  }
}
