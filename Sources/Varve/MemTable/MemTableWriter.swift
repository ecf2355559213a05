import Synchronization
import VarveFormat

/// The writing side of a memtable: arenas, and how the tree grows. One caller at a time.
///
/// ```
/// insert  the key's leaf has the key     link the old version behind the new, put it in the slot
///         it has room                    move the greater slots right, put it in between
///         it is full                     split it, and the full nodes above it (+Split)
/// ```
///
/// Replacing a record and appending behind the last slot are single stores to a reader and leave
/// the node's version alone. For keys in ascending order the writer remembers the last leaf and
/// its upper bound: such an insert compares two keys and needs no descent.
final class MemTableWriter: @unchecked Sendable {
  // @unchecked: only the one caller at a time reads and writes these.
  let nodes: Arena
  private let records: Arena
  /// The last insert's leaf.
  private var recent: Recent?

  init(pool: ChunkPool?) {
    nodes = Arena(alignment: 64, pool: pool)
    records = Arena(alignment: 8, pool: pool)
  }

  var allocatedBytes: Int { nodes.allocatedBytes &+ records.allocatedBytes }

  /// Where the last insert went.
  private struct Recent {
    var leaf: Node
    var slot: Int
    var record: Record
    /// The first key right of the leaf, nil at the table's end.
    var high: Record?
    /// Whether the slot is the leaf's last one.
    var isLast: Bool { slot &+ 1 == leaf.shape.count }
  }

  func makeRoot() -> Node { Node(level: 0, isEdge: true, in: nodes) }

  func insert(_ entry: EntryView, _ root: borrowing Atomic<UInt64>) {
    let place = place(of: entry.key, root)
    if place.isMatch {
      replace(place, with: entry)
    } else {
      let record = Record(entry, older: nil, in: records)
      let shape = place.leaf.shape
      if shape.isFull {
        let (leaf, slot, high) = split(root, adding: record, ascending: isAscending(place))
        recent = Recent(leaf: leaf, slot: slot, record: record, high: high)
      } else {
        add(record, at: place.slot, of: place.leaf, shape)
        recent = Recent(leaf: place.leaf, slot: place.slot, record: record, high: place.high)
      }
    }
  }

  /// A record that continues the run which the last insert ended makes a run of its own leaf.
  private func isAscending(_ place: Place) -> Bool {
    guard let recent else { return false }
    return recent.leaf == place.leaf && recent.slot == place.slot - 1
      && place.slot == Node.slots
  }

  private func replace(_ place: Place, with entry: EntryView) {
    guard let older = Record(address: place.leaf.record(place.slot)) else {
      preconditionFailure("a slot without a record")
    }
    precondition(entry.sequence > older.sequence, "versions of a key must ascend")
    let record = Record(entry, older: older, in: records)
    place.leaf.setRecord(place.slot, record.address)
  }
}

// MARK: - Finding the place

extension MemTableWriter {
  /// Where a key belongs.
  private struct Place {
    var leaf: Node
    var slot: Int
    /// Whether the slot holds the key.
    var isMatch: Bool
    /// The first key right of the leaf.
    var high: Record?
  }

  private func place(of key: ByteView, _ root: borrowing Atomic<UInt64>) -> Place {
    // Behind the last slot alone: elsewhere the key right of the leaf is seldom near, nor is it needed.
    if let recent, recent.isLast, key > recent.record.key,
      recent.high.map({ key < $0.key }) ?? true
    {
      return Place(leaf: recent.leaf, slot: recent.slot &+ 1, isMatch: false, high: recent.high)
    }
    var node = Self.node(root.load(ordering: .relaxed))
    var shape = node.shape
    var high: Record?
    while !shape.isLeaf {
      let index = Self.childIndex(of: key, in: node, shape)
      if index < shape.count { high = Record(address: node.record(index)) }
      node = Self.node(node.child(index))
      node.prefetch()
      shape = node.shape
    }
    return Self.place(of: key, in: node, shape, high: high)
  }

  private static func place(
    of key: ByteView, in leaf: Node, _ shape: Node.Shape, high: Record?
  ) -> Place {
    let position = settled(leaf.position(of: key, shape))
    return Place(leaf: leaf, slot: position.slot, isMatch: position.isMatch, high: high)
  }

  static func childIndex(of key: ByteView, in node: Node, _ shape: Node.Shape) -> Int {
    let position = settled(node.position(of: key, shape))
    return position.isMatch ? position.slot &+ 1 : position.slot
  }

  static func node(_ address: UInt64) -> Node { settled(Node(address: address)) }

  static func record(_ address: UInt64) -> Record { settled(Record(address: address)) }

  /// What a reader may find missing during a change is there for the one who makes the changes.
  private static func settled<Value>(_ value: Value?) -> Value {
    guard let value else { preconditionFailure("the memtable's tree is inconsistent") }
    return value
  }
}

// MARK: - Adding to a node with room

extension MemTableWriter {
  /// Puts a record into a leaf at `slot`.
  private func add(_ record: Record, at slot: Int, of leaf: Node, _ shape: Node.Shape) {
    var shape = shape
    if shape.isEdge {
      let prefixCount = fittingPrefix(of: leaf, shape, for: record.key)
      if prefixCount != shape.prefixCount {
        leaf.beginChange()
        setPrefix(prefixCount, of: leaf, &shape)
        leaf.endChange()
      }
    }
    let number = record.key.dropping(shape.prefixCount).sortPrefix
    if slot == shape.count {
      // A reader sees the slot only once the shape counts it.
      leaf.setNumber(slot, number)
      leaf.setRecord(slot, record.address)
      shape.count &+= 1
      leaf.shape = shape
    } else {
      leaf.beginChange()
      leaf.open(slot, shape)
      leaf.setNumber(slot, number)
      leaf.setRecord(slot, record.address)
      shape.count &+= 1
      leaf.shape = shape
      leaf.endChange()
    }
  }

  /// The prefix with which a node of the edge can take `key`. It is looked for afresh when `key`
  /// does not begin with the present one, and whenever the slots have doubled.
  func fittingPrefix(of node: Node, _ shape: Node.Shape, for key: ByteView) -> Int {
    guard shape.count > 0 else { return 0 }
    let first = Self.record(node.record(0)).key
    if !key.starts(with: first.prefix(shape.prefixCount)) {
      return first.sharedPrefixCount(with: key)
    }
    guard shape.count > 1, shape.count & (shape.count - 1) == 0 else { return shape.prefixCount }
    let last = Self.record(node.record(shape.count - 1)).key
    let shared = first.sharedPrefixCount(with: last)
    return first.prefix(shared).sharedPrefixCount(with: key)
  }

  /// Gives a marked node numbers that begin after another prefix.
  func setPrefix(_ prefixCount: Int, of node: Node, _ shape: inout Node.Shape) {
    shape.prefixCount = prefixCount
    for slot in 0..<shape.count {
      let key = Self.record(node.record(slot)).key
      node.setNumber(slot, key.dropping(prefixCount).sortPrefix)
    }
    node.shape = shape
  }
}

extension Node {
  /// Moves the slots from `slot` on one to the right.
  func open(_ slot: Int, _ shape: Shape) {
    var index = shape.count
    while index > slot {
      setNumber(index, number(index &- 1))
      setRecord(index, record(index &- 1))
      index &-= 1
    }
  }
}
