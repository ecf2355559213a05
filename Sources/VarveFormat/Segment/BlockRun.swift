// Most of what a scan meets needs no second look: the only version of its key, old enough to be seen,
// neither a delete nor about to expire. A run steps over such entries inside one block and compares
// each key with its neighbour where both lie. Whatever else comes up ends the run where it stands, and
// whoever walks goes on with the full rules from there; so does an entry that is damaged or out of
// order.

/// A walk over plain entries of one block in one direction.
package struct BlockRun {
  /// Where the run stands.
  package private(set) var index: Int
  /// Whether it has moved since it began.
  package private(set) var hasMoved = false
  /// The entry it stands on, once it has moved; lent until it moves again.
  package private(set) var entry: EntryView
  private var block: DataBlock
  private var layout: EntryLayout
  private var direction: Direction
  private var limit: SequenceNumber
  /// Keys with a number below it lie within the bounds for certain; above it on the way back.
  private var bound: UInt64
  private var keys: KeyRoom
  /// Ascending: the entry at `index`, of which only the suffix counts. Descending: the one before, which
  /// is to be shown next.
  private var near: BlockEntry
  /// What `near`'s suffix begins with, as a number.
  private var number: UInt64

  /// Where a run goes.
  package enum Direction {
    /// On from an entry that was shown.
    case ascending
    /// Back from an entry that is yet to be shown and has a smaller key than the one shown last.
    case descending
    /// Nowhere: the run has ended.
    case none
  }

  /// No run: it goes nowhere.
  package init() {
    block = DataBlock()
    layout = block.layout
    (index, number, bound, limit, direction) = (0, 0, 0, .zero, .none)
    keys = KeyRoom()
    near = .none
    entry = EntryView(key: .empty, sequence: .zero, kind: .put)
  }

  /// Becomes a run from entry `index`; none where that is not one of a run. In place, as a run is large.
  ///
  /// - Parameters:
  ///   - limit: no entry newer than that is shown.
  ///   - bounds: whole keys; those shown stay below both, or above them on the way back.
  ///   - keys: where keys are put together, the block's prefix already in place.
  package mutating func begin(
    _ block: DataBlock, _ direction: Direction, from index: Int, at limit: SequenceNumber,
    within bounds: (ByteView?, ByteView), _ keys: KeyRoom
  ) {
    end()
    let layout = block.layout
    guard index >= 0, index < block.count,
      let near = block.plainEntry(at: index, layout, notAbove: limit)
    else { return }
    let (first, second) = (bounds.0.map(block.number), block.number(of: bounds.1))
    switch direction {
    case .ascending: (self.index, bound) = (index, min(first ?? .max, second))
    case .descending: (self.index, bound) = (index &+ 1, max(first ?? 0, second))
    case .none: return
    }
    self.block = block
    self.layout = layout
    self.limit = limit
    self.keys = keys
    self.near = near
    number = block.sortPrefix(of: near.suffix)
    self.direction = direction
  }
}

// MARK: - Stepping

extension BlockRun {
  /// Ends the run: it goes nowhere from here.
  package mutating func end() {
    direction = .none
    hasMoved = false
  }

  /// Moves to the next entry; false, and stays, where the run ends or goes the other way.
  package mutating func next() -> Bool {
    let next = index &+ 1
    guard direction == .ascending, next < block.count,
      let found = block.plainEntry(at: next, layout, notAbove: limit)
    else { return false }
    let foundNumber = block.sortPrefix(of: found.suffix)
    guard foundNumber < bound, Self.isBefore(near.suffix, number, found.suffix, foundNumber),
      show(found)
    else { return false }
    index = next
    near.suffix = found.suffix
    number = foundNumber
    return true
  }

  /// Moves to the entry before; false, and stays, where the run ends or goes the other way. Entry 0 is
  /// never reached: what is before it lies in another block and may be a version of the same key.
  package mutating func previous() -> Bool {
    guard direction == .descending, index >= 2,
      let found = block.plainEntry(at: index &- 2, layout, notAbove: limit)
    else { return false }
    let foundNumber = block.sortPrefix(of: found.suffix)
    guard number > bound, Self.isBefore(found.suffix, foundNumber, near.suffix, number), show(near)
    else { return false }
    index &-= 1
    near = found
    number = foundNumber
    return true
  }

  /// Lends an entry; false where there is no room for its key.
  @inline(__always)
  private mutating func show(_ found: BlockEntry) -> Bool {
    guard let key = keys.key(endingWith: found.suffix) else { return false }
    entry = EntryView(
      key: key, sequence: found.sequence, kind: found.kind, expiry: 0, value: found.value)
    hasMoved = true
    return true
  }

  @inline(__always)
  private static func isBefore(
    _ left: ByteView, _ leftNumber: UInt64, _ right: ByteView, _ rightNumber: UInt64
  ) -> Bool {
    if leftNumber != rightNumber { return leftNumber < rightNumber }
    return left.compare(right) < 0
  }
}

extension DataBlock {
  /// Where a whole key stands among the numbers that the suffixes of this block begin with: the lowest
  /// or highest number where it sorts before or after all of them.
  fileprivate func number(of key: ByteView) -> UInt64 {
    if key.starts(with: prefix) { return key.dropping(prefix.count).sortPrefix }
    return key.prefix(prefix.count).compare(prefix) < 0 ? 0 : .max
  }
}

extension BlockEntry {
  fileprivate static var none: BlockEntry {
    BlockEntry(suffix: .empty, sequence: .zero, kind: .put, expiry: 0, value: .empty)
  }
}
