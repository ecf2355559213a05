import Synchronization
import VarveFormat

// How a full leaf is split, and with it the full nodes above.
//
// ```
//        [ ... a | d ... ]                [ ... a | c | d ... ]
//             |            -- add -->          |   |
//        [ a b c+c' ]                     [ a b ] [ c c' ]
// ```
//
// First every node that will change is marked, the topmost first; then the nodes are changed; then
// all are released. A reader on its way down therefore meets a mark or a changed version instead
// of a leaf that has just lost the key it looks for.
//
// Slots are divided in the middle, except where keys come in ascending order: there the left node
// stays full and the right one begins with the new key.

/// The slots of a node that is being divided, with one more.
private struct Slots {
  var numbers: [UInt64] = []
  var records: [UInt64] = []
  var children: [UInt64] = []

  init(_ node: Node, _ shape: Node.Shape) {
    numbers.reserveCapacity(Node.slots + 1)
    records.reserveCapacity(Node.slots + 1)
    for slot in 0..<shape.count {
      numbers.append(node.number(slot))
      records.append(node.record(slot))
    }
    if !shape.isLeaf {
      children = (0...shape.count).map(node.child)
    }
  }
}

extension MemTableWriter {
  /// A node on the way to a leaf.
  private struct Step {
    var node: Node
    var shape: Node.Shape
    /// The slot or child that the key leads to.
    var index: Int
    /// The first key of the node's range and the first key beyond; nil at the table's ends.
    var low: Record?
    var high: Record?
  }

  /// Adds a record to its full leaf; returns its new place and the first key right of the leaf.
  func split(_ root: borrowing Atomic<UInt64>, adding record: Record, ascending: Bool)
    -> (leaf: Node, slot: Int, high: Record?)
  {
    let path = path(to: record.key, root)
    let top = path.lastIndex { !$0.shape.isFull } ?? 0
    for step in path[top...] { step.node.beginChange() }
    let leaf = path[path.count - 1]
    var upward = divide(leaf, adding: record.address, nil, ascending)
    let home = leaf.index < upward.leftCount
    let place =
      home
      ? (leaf.node, leaf.index, Self.record(upward.separator))
      : (upward.right, leaf.index - upward.leftCount, leaf.high)
    for step in path.dropLast().reversed() {
      if !step.shape.isFull {
        add(upward.separator, upward.right, to: step)
        break
      }
      upward = divide(step, adding: upward.separator, upward.right, ascending)
    }
    if path[top].shape.isFull { grow(root, path[0].node, upward) }
    for step in path[top...] { step.node.endChange() }
    return place
  }

  private func path(to key: ByteView, _ root: borrowing Atomic<UInt64>) -> [Step] {
    var path: [Step] = []
    var step = Step(
      node: Self.node(root.load(ordering: .relaxed)), shape: .init(), index: 0, low: nil, high: nil)
    while true {
      step.shape = step.node.shape
      step.index = Self.childIndex(of: key, in: step.node, step.shape)
      path.append(step)
      guard !step.shape.isLeaf else { return path }
      let index = step.index
      let node = step.node
      if index > 0 { step.low = Self.record(node.record(index - 1)) }
      if index < step.shape.count { step.high = Self.record(node.record(index)) }
      step.node = Self.node(node.child(index))
    }
  }

  /// Puts a new root above the old one and its right half.
  private func grow(_ root: borrowing Atomic<UInt64>, _ old: Node, _ upward: Division) {
    let node = Node(level: old.shape.level + 1, isEdge: true, in: nodes)
    node.setChild(0, old.address)
    node.setChild(1, upward.right.address)
    node.setRecord(0, upward.separator)
    node.setNumber(0, Self.record(upward.separator).key.sortPrefix)
    node.shape = .init(count: 1, level: old.shape.level + 1, isEdge: true, prefixCount: 0)
    root.store(node.address, ordering: .releasing)
  }

  /// Adds a separator and the child right of it to a marked inner node with room.
  private func add(_ separator: UInt64, _ right: Node, to step: Step) {
    var shape = step.shape
    let key = Self.record(separator).key
    if shape.isEdge {
      setPrefix(fittingPrefix(of: step.node, shape, for: key), of: step.node, &shape)
    }
    step.node.open(step.index, shape)
    var child = shape.count
    while child > step.index {
      step.node.setChild(child + 1, step.node.child(child))
      child -= 1
    }
    step.node.setNumber(step.index, key.dropping(shape.prefixCount).sortPrefix)
    step.node.setRecord(step.index, separator)
    step.node.setChild(step.index + 1, right.address)
    shape.count += 1
    step.node.shape = shape
  }
}

// MARK: - Dividing a node

extension MemTableWriter {
  /// What dividing a node asks of the node above.
  private struct Division {
    /// The record of the first key of the right node.
    var separator: UInt64
    var right: Node
    /// How many of all slots stayed.
    var leftCount: Int
  }

  /// Divides a marked, full node with one more slot at its index; an inner node gets the child
  /// right of it, too.
  private func divide(
    _ step: Step, adding record: UInt64, _ child: Node?, _ ascending: Bool
  ) -> Division {
    let level = step.shape.level
    var slots = Slots(step.node, step.shape)
    slots.numbers.insert(
      Self.record(record).key.dropping(step.shape.prefixCount).sortPrefix, at: step.index)
    slots.records.insert(record, at: step.index)
    if let child { slots.children.insert(child.address, at: step.index + 1) }
    let leftCount = ascending && step.index == Node.slots ? Node.slots : (Node.slots + 1) / 2
    let separator = slots.records[leftCount]
    let right = Node(level: level, isEdge: step.high == nil, in: nodes)
    // A leaf keeps the separator's record; an inner node gives it up to the node above.
    let rightStart = level == 0 ? leftCount : leftCount + 1
    let middle = Self.record(separator)
    fill(right, level, slots, rightStart..<Node.slots + 1, middle, step.high, step.shape)
    right.next = step.node.next
    fill(step.node, level, slots, 0..<leftCount, step.low, middle, step.shape)
    if level == 0 { step.node.next = right.address }
    return Division(separator: separator, right: right, leftCount: leftCount)
  }

  /// Gives a node a range of the slots, and a prefix that all keys within its new bounds have: the old
  /// one where the longest is hardly longer.
  private func fill(
    _ node: Node, _ level: Int, _ slots: Slots, _ range: Range<Int>, _ low: Record?,
    _ high: Record?, _ old: Node.Shape
  ) {
    let isEdge = low == nil || high == nil
    let first = isEdge ? range.first.map { Self.record(slots.records[$0]) } : low
    let last = isEdge ? range.last.map { Self.record(slots.records[$0]) } : high
    var prefixCount = 0
    if let first, let last, range.count > 1 || !isEdge {
      prefixCount = first.key.sharedPrefixCount(with: last.key)
    }
    // With the old prefix the old numbers hold: to make new ones takes a look at every record, far away.
    // Half of their bytes may be the same in all slots before that is worth it.
    if (old.prefixCount...old.prefixCount + 4).contains(prefixCount) {
      prefixCount = old.prefixCount
    }
    for (slot, index) in range.enumerated() {
      let number =
        prefixCount == old.prefixCount
        ? slots.numbers[index]
        : Self.record(slots.records[index]).key.dropping(prefixCount).sortPrefix
      node.setNumber(slot, number)
      node.setRecord(slot, slots.records[index])
    }
    for slot in range.count..<Node.slots { node.setNumber(slot, .max) }
    if level > 0 {
      for (slot, index) in (range.lowerBound...range.upperBound).enumerated() {
        node.setChild(slot, slots.children[index])
      }
    }
    node.shape = .init(
      count: range.count, level: level, isEdge: isEdge, prefixCount: prefixCount)
  }
}
