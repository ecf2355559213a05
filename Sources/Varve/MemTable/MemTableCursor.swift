import VarveFormat

/// Walks all versions of a memtable's keys while others insert.
///
/// It copies the records of one leaf at a time and walks in the copy, so that neither splits nor
/// inserts disturb it. To the right it follows the leaf's link as copied: whatever was split off
/// since is in the copy, and everything behind is at the link. To the left it seeks before the
/// copy's first key. So it meets every entry that was there when it was positioned, each once;
/// entries inserted during the walk may show or not. Versions of one key are a list that never
/// changes from the copied record on.
final class MemTableCursor: EntryCursor {
  private let table: MemTable
  private var leaf = LeafCopy()
  /// The slot of the copy whose key `current` is a version of.
  private var slot = 0
  private var current: Record?

  init(_ table: MemTable) { self.table = table }

  var entry: EntryView? { current?.entry }

  func seekToFirst() { seek(.empty, .max) }

  func seekToLast() {
    table.copyLastLeaf(to: &leaf)
    standLast(at: leaf.count - 1)
  }

  func seek(_ key: ByteView, _ sequence: SequenceNumber) {
    let position = table.copyLeaf(holding: key, to: &leaf)
    prefetch(from: position.slot + 1)
    if position.isMatch {
      current = leaf[position.slot].version(at: sequence)
      slot = position.slot
      if current == nil { standFirst(at: position.slot + 1) }
    } else {
      standFirst(at: position.slot)
    }
  }

  func seek(before key: ByteView, _ sequence: SequenceNumber) {
    let position = table.copyLeaf(holding: key, to: &leaf)
    if position.isMatch, leaf[position.slot].sequence > sequence {
      slot = position.slot
      current = leaf[position.slot].oldest(above: sequence)
    } else if position.slot > 0 {
      standLast(at: position.slot - 1)
    } else {
      seekLast(before: key)
    }
  }

  func next() {
    guard let record = current else { return }
    if let older = record.older {
      current = older
    } else {
      standFirst(at: slot + 1)
    }
  }

  func previous() {
    guard let record = current else { return }
    if let newer = leaf[slot].version(after: record) {
      current = newer
    } else if slot > 0 {
      standLast(at: slot - 1)
    } else {
      seekLast(before: record.key)
    }
  }
}

extension MemTableCursor {
  /// How many records ahead of the walk are asked for: about as many as pass while one comes.
  private static let prefetchDistance = 16

  /// Asks for the records that a walk to the right meets first.
  private func prefetch(from slot: Int) {
    for ahead in slot..<slot + Self.prefetchDistance { leaf.prefetch(ahead) }
  }

  /// Stands on the newest version at a slot, or on the next leaf's first.
  private func standFirst(at slot: Int) {
    self.slot = slot
    while self.slot >= leaf.count {
      guard let next = leaf.next else {
        current = nil
        return
      }
      table.copy(next, to: &leaf)
      self.slot = 0
      prefetch(from: 0)
    }
    leaf.prefetch(self.slot + Self.prefetchDistance)
    current = leaf[self.slot]
  }

  /// Stands on the oldest version at a slot; nowhere for a slot below zero.
  private func standLast(at slot: Int) {
    self.slot = slot
    leaf.prefetch(slot - Self.prefetchDistance)
    current = slot < 0 ? nil : leaf[slot].oldest
  }

  /// Stands on the oldest version of the greatest key below `key`.
  private func seekLast(before key: ByteView) {
    standLast(at: table.copyLeaf(before: key, to: &leaf).slot - 1)
  }
}

/// The newest records of a leaf's keys, and the leaf to the right, at one moment.
struct LeafCopy {
  private(set) var count = 0
  fileprivate private(set) var next: Node?
  /// Addresses of records; those from `count` on are left from leaves before.
  private var addresses = [UInt64](repeating: 0, count: Node.slots)

  fileprivate subscript(slot: Int) -> Record {
    guard let record = Record(address: addresses[slot]) else {
      preconditionFailure("a slot without a record")
    }
    return record
  }

  /// Takes a leaf's slots.
  fileprivate mutating func take(_ leaf: Node, _ shape: Node.Shape) {
    count = shape.count
    next = Node(address: leaf.next)
    var addresses = addresses.mutableSpan
    for slot in 0..<shape.count {
      addresses[slot] = leaf.record(slot)
    }
  }

  /// Begins to bring the record at a slot near, if there is one.
  fileprivate func prefetch(_ slot: Int) {
    if slot >= 0, slot < count { self[slot].prefetch() }
  }
}

extension MemTable {
  /// Copies the leaf whose keys include `key` and says where the key stands in the copy.
  fileprivate func copyLeaf(holding key: ByteView, to copy: inout LeafCopy) -> Node.Position {
    readLeaf({ node, shape in node.child(holding: key, shape) }) { leaf, shape in
      copy.take(leaf, shape)
      return leaf.position(of: key, shape)
    }
  }

  /// Copies the leaf of the greatest key below `key`, if there is one, and says where `key` would
  /// stand. A leaf's first key stands above it as a separator, so the leaf right of the last
  /// separator below `key` holds such a key; only the table's first leaf may hold none.
  fileprivate func copyLeaf(before key: ByteView, to copy: inout LeafCopy) -> Node.Position {
    readLeaf({ node, shape in node.child(before: key, shape) }) { leaf, shape in
      copy.take(leaf, shape)
      return leaf.position(of: key, shape)
    }
  }

  fileprivate func copyLastLeaf(to copy: inout LeafCopy) {
    readLeaf({ node, shape in node.child(shape.count) }) { leaf, shape in
      copy.take(leaf, shape)
    }
  }

  fileprivate func copy(_ leaf: Node, to copy: inout LeafCopy) {
    read(leaf) { leaf, shape in copy.take(leaf, shape) }
  }
}
