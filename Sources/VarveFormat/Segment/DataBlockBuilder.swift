// Entries wait in a stage until the block is cut: only then are the shared prefix and the widths of
// the numbers known. The stage keeps keys and values in two heaps and one small record an entry.
//
//   follow(entry) -> how it stands to the last one -> hasRoom? -> add
//                                                        \ no: finish, then add

/// Lays out one data block after the other. The mirror of ``DataBlock``.
///
/// A class: it is called for every entry that is flushed or compacted, and nothing of it is ever
/// copied. Entries come in order; ``follow(_:)`` says whether they do.
package final class DataBlockBuilder {
  /// How an entry stands to the one added last, in this block or the one before.
  package enum Step: Equatable {
    /// Not behind it.
    case disorder
    /// An older version of the same key.
    case version
    /// A larger key that begins with `shared` bytes of the last one; also the first of all.
    case key(shared: Int)
  }

  private struct Staged: BitwiseCopyable {
    var keyEnd: Int
    var valueEnd: Int
    var sequence: SequenceNumber
    var kind: EntryKind
    var expiry: ExpiryTime
    var tag: UInt8
  }

  /// What the entries of one block have in common, and the extremes among them.
  private struct Shape {
    var sharedCount = 0
    var smallestSequence = UInt64.max
    var largestSequence: UInt64 = 0
    var longestKey = 0
    var longestValue = 0
    var expiringCount = 0

    var sequenceWidth: Int { width(largestSequence - smallestSequence) }
    var valueWidth: Int { max(1, width(UInt64(longestValue))) }

    func keyWidth(without shared: Int) -> Int { max(1, width(UInt64(longestKey - shared))) }

    /// How many bytes a number takes.
    private func width(_ number: UInt64) -> Int { (71 - number.leadingZeroBitCount) / 8 }

    mutating func take(_ entry: EntryView, sharing shared: Int) {
      sharedCount = min(sharedCount, shared)
      smallestSequence = min(smallestSequence, entry.sequence.rawValue)
      largestSequence = max(largestSequence, entry.sequence.rawValue)
      longestKey = max(longestKey, entry.key.count)
      longestValue = max(longestValue, entry.value.count)
      expiringCount += entry.expiry == 0 ? 0 : 1
    }
  }

  /// Log2 of the alignment of values.
  private let alignmentShift: UInt8
  private let keys = ByteHeap()
  private let values = ByteHeap(capacity: 16 << 10)
  private let output = ByteHeap(capacity: 16 << 10)
  private let staged = RecordHeap<Staged>()
  private var shape = Shape()
  /// The last key of the block before, while this one is empty.
  private let previousKey = ByteHeap()
  /// The sequence number that was added last.
  package private(set) var lastSequence = SequenceNumber.max
  private var hasLast = false

  package init(alignmentShift: UInt8 = 0) {
    precondition(alignmentShift <= Limits.alignmentShift)
    self.alignmentShift = alignmentShift
  }

  package var count: Int { staged.count }
  package var isEmpty: Bool { staged.isEmpty }
}

// MARK: - Filling

extension DataBlockBuilder {
  /// The key that was added last, until the next call.
  package var lastKey: ByteView {
    guard !staged.isEmpty else { return previousKey.all }
    let start = staged.count > 1 ? staged[staged.count - 2].keyEnd : 0
    return keys.view(start, keys.count - start)
  }

  /// How `entry` stands to the last one.
  package func follow(_ entry: EntryView) -> Step {
    guard hasLast else { return .key(shared: 0) }
    let last = lastKey
    let shared = last.sharedPrefixCount(with: entry.key)
    if shared == last.count {
      if shared < entry.key.count { return .key(shared: shared) }
      return entry.sequence < lastSequence ? .version : .disorder
    }
    guard let left = last.byte(at: shared), let right = entry.key.byte(at: shared), left < right
    else { return .disorder }
    return .key(shared: shared)
  }

  /// Whether a block with this entry added stays within `limit` bytes. An empty block takes any
  /// entry: one that is too large for a block gets one of its own.
  package func hasRoom(for entry: EntryView, _ step: Step, limit: Int) -> Bool {
    guard !staged.isEmpty else { return true }
    var shape = shape
    shape.take(entry, sharing: sharedCount(entry, step))
    let count = staged.count + 1
    let shared = shape.sharedCount
    let padding = (1 << Int(alignmentShift)) - 1
    let header =
      6 + shape.sequenceWidth + shape.keyWidth(without: shared) + shape.valueWidth + padding
    // Exact but for the padding of values, which is at most this.
    let total =
      DataBlock.headerByteCount + shared + count * header + 8 * shape.expiringCount
      + keys.count + entry.key.count - count * shared + values.count + entry.value.count
    return total <= min(limit, Limits.blockBytes)
  }

  /// Adds an entry that stands to the last one as `step` says.
  package func add(_ entry: EntryView, _ step: Step, tag: UInt8) {
    precondition(step != .disorder)
    if staged.isEmpty { shape.sharedCount = entry.key.count }
    shape.take(entry, sharing: staged.isEmpty ? entry.key.count : sharedCount(entry, step))
    keys.append(entry.key)
    values.append(entry.value)
    staged.append(
      Staged(
        keyEnd: keys.count, valueEnd: values.count, sequence: entry.sequence, kind: entry.kind,
        expiry: entry.expiry, tag: tag))
    lastSequence = entry.sequence
    hasLast = true
  }

  /// What the entry's key shares with the last one: keys in order share with all of the block what
  /// neighbours share.
  private func sharedCount(_ entry: EntryView, _ step: Step) -> Int {
    if case .key(let shared) = step { shared } else { entry.key.count }
  }
}

// MARK: - Cutting

extension DataBlockBuilder {
  /// Lays the block out, lends it to `body`, and starts the next one.
  package func finish<Result, Failure: Error>(
    _ body: (ByteView) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    layOut()
    defer { reset() }
    return try body(output.all)
  }

  /// Goes on where another builder stopped: ``follow(_:)`` compares with that one's last entry.
  package func resume(after other: DataBlockBuilder) {
    previousKey.removeAll()
    previousKey.append(other.lastKey)
    lastSequence = other.lastSequence
    hasLast = other.hasLast
  }

  private func layOut() {
    precondition(!staged.isEmpty && staged.count <= Int(UInt16.max))
    let shared = staged.count == 1 ? 0 : shape.sharedCount
    let sequenceWidth = shape.sequenceWidth
    let keyWidth = shape.keyWidth(without: shared)
    output.append(UInt64(staged.count), width: 2)
    output.append(UInt64(shared), width: 2)
    output.append(UInt64(alignmentShift), width: 1)
    output.append(UInt64(sequenceWidth), width: 1)
    output.append(UInt64(keyWidth), width: 1)
    output.append(UInt64(shape.valueWidth), width: 1)
    output.append(shape.smallestSequence, width: 8)
    for index in 0..<staged.count { output.append(UInt64(staged[index].tag), width: 1) }
    appendSlots(shared, headerCount: 1 + sequenceWidth + keyWidth + shape.valueWidth)
    output.append(keys.view(0, shared))
    appendEntries(shared, sequenceWidth, keyWidth)
    assert(staged.count == 1 || output.count <= Limits.blockBytes)
  }

  /// Walks the layout once without writing, to put the slots before the entries.
  private func appendSlots(_ shared: Int, headerCount: Int) {
    let mask = (1 << Int(alignmentShift)) - 1
    var position = output.count + 4 * staged.count + shared
    var keyStart = 0
    var valueStart = 0
    for index in 0..<staged.count {
      let entry = staged[index]
      let suffixStart = keyStart + shared
      let suffix = keys.view(suffixStart, entry.keyEnd - suffixStart)
      output.append(UInt64(DataBlock.head(of: suffix) << 16 | UInt32(UInt16(position))), width: 4)
      position += headerCount + (entry.expiry == 0 ? 0 : 8) + suffix.count
      let valueCount = entry.valueEnd - valueStart
      if valueCount > 0 { position = (position + mask) & ~mask }
      position += valueCount
      keyStart = entry.keyEnd
      valueStart = entry.valueEnd
    }
    output.reserve(max(0, position - output.count))
  }

  private func appendEntries(_ shared: Int, _ sequenceWidth: Int, _ keyWidth: Int) {
    let alignment = 1 << Int(alignmentShift)
    let valueWidth = shape.valueWidth
    var keyStart = 0
    var valueStart = 0
    for index in 0..<staged.count {
      let entry = staged[index]
      let suffixStart = keyStart + shared
      let suffixCount = entry.keyEnd - suffixStart
      let valueCount = entry.valueEnd - valueStart
      let flags = entry.kind.rawValue | (entry.expiry == 0 ? 0 : DataBlock.expiryFlag)
      output.append(UInt64(flags), width: 1)
      output.append(entry.sequence.rawValue - shape.smallestSequence, width: sequenceWidth)
      output.append(UInt64(suffixCount), width: keyWidth)
      output.append(UInt64(valueCount), width: valueWidth)
      if entry.expiry != 0 { output.append(entry.expiry, width: 8) }
      output.append(keys.view(suffixStart, suffixCount))
      if valueCount > 0 { output.align(to: alignment) }
      output.append(values.view(valueStart, valueCount))
      keyStart = entry.keyEnd
      valueStart = entry.valueEnd
    }
  }

  private func reset() {
    previousKey.removeAll()
    previousKey.append(lastKey)
    staged.removeAll()
    keys.removeAll()
    values.removeAll()
    output.removeAll()
    shape = Shape()
  }
}
