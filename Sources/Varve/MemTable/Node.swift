import CVarveShims
import Synchronization
import VarveFormat

/// A node of the memtable's tree: 64-bit words, each read and written atomically.
///
/// ```
/// word   0          version   even: at rest; odd: being changed
///        1          shape     slots in use, level, prefix length
///        2          next      leaf: the leaf to the right, zero for none
///        3...7      nothing, so that the numbers begin a cache line
///        8...135    numbers   the eight key bytes after the prefix, big-endian; all ones unused
///      136...263    records   address of the record that holds the slot's key
///      264...392    children  inner nodes: child i is left of slot i, child i+1 right of it
/// ```
///
/// A slot of a leaf is a user key: its record is the key's newest version. A slot of an inner node
/// separates two children by the first key of the right one; it points to that key's record. Keys
/// are told apart by their numbers, and only where those are equal by the records.
///
/// The prefix is something that all keys of the node begin with, left out of the numbers. A node of
/// the tree's middle has it from the separators around it: a key that leads there has it, too. On
/// the tree's left and right edge there is only one such separator, so the prefix is one that the
/// keys present share, and a search compares it first (`isEdge`).
///
/// **Order of memory.** Readers take no lock. The writer makes the version odd, changes words by
/// store-release, makes the version even. A reader loads the version, words by load-acquire, then
/// the version again: a word from a change under way makes the odd version visible, too, and the
/// reader starts over. Words always hold something the writer put there, and records and nodes are
/// never freed before the table, so that following a stale one is harmless.
@safe
struct Node: Equatable {
  /// Measured with 560,000 random keys: 32 slots 590 ns an insert, 64 520, 128 390, 256 400.
  static let slots = 128
  private static let leafBytes = children * 8
  private static let innerBytes = (children + slots + 1) * 8

  private static let numbers = 8
  private static let records = numbers + slots
  private static let children = records + slots
  private static let lineSlots = 8

  /// `leafBytes` or `innerBytes` of a table's arena, by level.
  private let start: UnsafeMutableRawPointer

  /// The node at an address that `address` gave; nil for zero, which is no node.
  @inline(__always)
  init?(address: UInt64) {
    guard let start = unsafe UnsafeMutableRawPointer(bitPattern: UInt(address)) else { return nil }
    unsafe self.start = start
  }

  var address: UInt64 { unsafe UInt64(UInt(bitPattern: start)) }

  static func == (left: Node, right: Node) -> Bool { left.address == right.address }

  /// A new node without slots.
  init(level: Int, isEdge: Bool, in arena: Arena) {
    let bytes = level == 0 ? Self.leafBytes : Self.innerBytes
    unsafe start = arena.allocate(bytes)
    unsafe start.initializeMemory(as: UInt64.self, repeating: 0, count: bytes / 8)
    shape = Shape(count: 0, level: level, isEdge: isEdge, prefixCount: 0)
    for slot in 0..<Self.slots { store(Self.numbers + slot, .max) }
  }

  // A word of this node: `index` is below its count of words at all callers, and the memory is
  // only ever used as atomic words.
  @inline(__always)
  private func load(_ index: Int) -> UInt64 {
    unsafe (start + index &* 8).assumingMemoryBound(to: Atomic<UInt64>.self).pointee
      .load(ordering: .acquiring)
  }

  @inline(__always)
  private func store(_ index: Int, _ value: UInt64) {
    unsafe (start + index &* 8).assumingMemoryBound(to: Atomic<UInt64>.self).pointee
      .store(value, ordering: .releasing)
  }
}

// MARK: - Words

extension Node {
  /// The second word: what a search must know first.
  struct Shape {
    var count = 0
    /// Zero for leaves.
    var level = 0
    /// Whether the node is the first or last of its level.
    var isEdge = false
    /// Bytes that all keys of the node begin with.
    var prefixCount = 0

    var isLeaf: Bool { level == 0 }
    var isFull: Bool { count == Node.slots }
  }

  @inline(__always)
  var shape: Shape {
    get {
      let word = load(1)
      return Shape(
        count: Int(word & 0xffff), level: Int(word >> 16 & 0xff), isEdge: word >> 24 & 1 != 0,
        prefixCount: Int(word >> 32))
    }
    nonmutating set {
      store(
        1,
        UInt64(newValue.count) | UInt64(newValue.level) << 16
          | (newValue.isEdge ? 1 << 24 : 0) | UInt64(newValue.prefixCount) << 32)
    }
  }

  /// The version for a reader that begins, nil while the writer is at work.
  @inline(__always)
  var restingVersion: UInt64? {
    let version = load(0)
    return version & 1 == 0 ? version : nil
  }

  @inline(__always)
  func isUnchanged(since version: UInt64) -> Bool { load(0) == version }

  func beginChange() { store(0, load(0) &+ 1) }

  func endChange() { store(0, load(0) &+ 1) }

  @inline(__always)
  var next: UInt64 {
    get { load(2) }
    nonmutating set { store(2, newValue) }
  }

  @inline(__always)
  func number(_ slot: Int) -> UInt64 { load(Self.numbers &+ slot) }

  @inline(__always)
  func record(_ slot: Int) -> UInt64 { load(Self.records &+ slot) }

  @inline(__always)
  func child(_ index: Int) -> UInt64 { load(Self.children &+ index) }

  func setNumber(_ slot: Int, _ number: UInt64) { store(Self.numbers &+ slot, number) }

  func setRecord(_ slot: Int, _ record: UInt64) { store(Self.records &+ slot, record) }

  func setChild(_ index: Int, _ child: UInt64) { store(Self.children &+ index, child) }
}

// MARK: - Search

extension Node {
  /// Begins to bring near what a search reads first.
  @inline(__always)
  func prefetch() {
    for line in 0...Self.slots / Self.lineSlots { unsafe varve_prefetch(start + line &* 64) }
  }
}

extension Node {
  /// Where a key stands among the slots.
  struct Position {
    /// How many slots hold smaller keys.
    var slot: Int
    /// Whether that slot holds the key itself.
    var isMatch: Bool
  }

  /// Where `key` stands, or nil when the writer was seen at work.
  @inline(__always)
  func position(of key: ByteView, _ shape: Shape) -> Position? {
    if shape.isEdge, shape.prefixCount > 0 {
      guard let first = Record(address: record(0)) else { return nil }
      let prefix = first.key.prefix(shape.prefixCount)
      let order = key.prefix(shape.prefixCount).compare(prefix)
      if order != 0 { return Position(slot: order < 0 ? 0 : shape.count, isMatch: false) }
    }
    let rest = key.dropping(shape.prefixCount)
    let number = rest.sortPrefix
    let slot = slots(below: number)
    guard slot < shape.count, self.number(slot) == number else {
      return Position(slot: min(slot, shape.count), isMatch: false)
    }
    return position(of: rest, number, from: slot, shape)
  }

  /// Decides between the slots from `slot` on that share `number`, by their records.
  private func position(of rest: ByteView, _ number: UInt64, from slot: Int, _ shape: Shape)
    -> Position?
  {
    var low = slot
    var high = min(slots(notAbove: number), shape.count)
    while low < high {
      let middle = (low + high) / 2
      guard let record = Record(address: record(middle)) else { return nil }
      let order = rest.compare(record.key.dropping(shape.prefixCount))
      if order == 0 { return Position(slot: middle, isMatch: true) }
      if order < 0 { high = middle } else { low = middle + 1 }
    }
    return Position(slot: low, isMatch: false)
  }

  /// How many numbers are below `number`. One probe for each cache line, then one line: no branch
  /// to mispredict, and the lines come from memory at the same time.
  @inline(__always)
  private func slots(below number: UInt64) -> Int {
    var line = 0
    for probe in 1..<Self.slots / Self.lineSlots {
      line &+= self.number(probe &* Self.lineSlots &- 1) < number ? Self.lineSlots : 0
    }
    var count = line
    for slot in 0..<Self.lineSlots { count &+= self.number(line &+ slot) < number ? 1 : 0 }
    return count
  }

  /// How many numbers are at most `number`; unused slots may count where it is all ones.
  private func slots(notAbove number: UInt64) -> Int {
    number == .max ? Self.slots : slots(below: number &+ 1)
  }
}
