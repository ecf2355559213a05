import Synchronization
import VarveFormat

/// The ordered recent writes of all keyspaces, in memory.
///
/// ```
///   root --> [ inner node ]                 nodes: arrays of atomic words (Node)
///             /     |     \
///        [leaf] -> [leaf] -> [leaf]         one slot per user key
///            |
///         newest version -> older -> ...    records: immutable bytes in an arena (Record)
/// ```
///
/// A B+tree whose leaves point to records. There is one writer at a time; the caller sees to that.
/// Readers take no lock and write nothing shared: they read nodes optimistically and start over
/// where they met a change. Nothing is freed before the table, so whatever a reader or cursor was
/// lent lives as long as it holds the table. The writer is `MemTableWriter`.
///
/// Cost, 16-byte keys in random order in a table of 64 MiB: an insert and a find each a few hundred
/// nanoseconds, mostly waiting for memory; keys in ascending order about a quarter of that.
final class MemTable: Sendable {
  /// The address of the topmost node; the only word above the nodes.
  private let root: Atomic<UInt64>
  private let writer: MemTableWriter
  private let counts = MemTableCounts()

  /// - Parameter pool: where memory comes from and returns to, if not from and to the system.
  init(pool: ChunkPool? = nil) {
    writer = MemTableWriter(pool: pool)
    root = Atomic(writer.makeRoot().address)
    counts.update(writer)
  }

  /// Adds one version of a key, copying key and value. Versions of one key must come in ascending
  /// order of sequence. One call at a time.
  func insert(_ entry: EntryView) {
    writer.insert(entry, root)
    counts.add(entry)
    counts.update(writer)
  }

  /// The newest version of `key` at or below `sequence`, of whatever kind.
  func find(_ key: ByteView, at sequence: SequenceNumber) -> EntryView? {
    newest(key)?.version(at: sequence)?.entry
  }

  /// A cursor over all versions; it holds the table.
  func makeCursor() -> MemTableCursor { MemTableCursor(self) }
}

// MARK: - What it holds

extension MemTable {
  /// How many entries were inserted: all versions of all keys.
  var entryCount: Int { counts.entries.load(ordering: .relaxed) }

  /// How many of the entries delete their key.
  var deleteCount: Int { counts.deletes.load(ordering: .relaxed) }

  var isEmpty: Bool { entryCount == 0 }

  /// Bytes of memory mapped for the table, given back when it goes, to the system or the pool.
  var allocatedBytes: Int { counts.allocated.load(ordering: .relaxed) }

  /// Bytes of all keys and values: nearly what a segment of the entries would hold uncompressed.
  var dataBytes: Int { counts.data.load(ordering: .relaxed) }

  /// The lowest sequence number of all entries, nil in an empty table.
  var smallestSequence: SequenceNumber? {
    isEmpty ? nil : SequenceNumber(counts.smallest.load(ordering: .relaxed))
  }

  /// The highest sequence number of all entries, nil in an empty table.
  var largestSequence: SequenceNumber? {
    isEmpty ? nil : SequenceNumber(counts.largest.load(ordering: .relaxed))
  }
}

// MARK: - Optimistic reading

extension MemTable {
  /// Runs `read` on the leaf that `choose` leads to, until it ran without a change meanwhile.
  ///
  /// Both return nil when they meet something that cannot be, which means a change under way.
  /// On the way down each node's version is checked again after its child's was taken: the child
  /// was then the right one at a time when its version was this, for the writer marks all nodes
  /// that a split will change before it changes the first.
  @inline(__always)
  func readLeaf<Result>(
    _ choose: (Node, Node.Shape) -> UInt64?, _ read: (Node, Node.Shape) -> Result?
  ) -> Result {
    var patience = Patience()
    while true {
      if let (leaf, version) = leaf(choose), let result = read(leaf, leaf.shape),
        leaf.isUnchanged(since: version)
      {
        return result
      }
      patience.wait()
    }
  }

  @inline(__always)
  private func leaf(_ choose: (Node, Node.Shape) -> UInt64?) -> (Node, version: UInt64)? {
    let top = root.load(ordering: .acquiring)
    guard var node = Node(address: top), var version = node.restingVersion,
      root.load(ordering: .acquiring) == top
    else { return nil }
    var shape = node.shape
    while !shape.isLeaf {
      guard let address = choose(node, shape), let child = Node(address: address),
        let childVersion = child.restingVersion, node.isUnchanged(since: version)
      else { return nil }
      node = child
      version = childVersion
      shape = child.shape
    }
    return (node, version)
  }

  /// Runs `read` on one leaf, until it ran without a change meanwhile.
  func read<Result>(_ leaf: Node, _ read: (Node, Node.Shape) -> Result?) -> Result {
    var patience = Patience()
    while true {
      if let version = leaf.restingVersion, let result = read(leaf, leaf.shape),
        leaf.isUnchanged(since: version)
      {
        return result
      }
      patience.wait()
    }
  }

  /// The newest version of `key`.
  private func newest(_ key: ByteView) -> Record? {
    let address = readLeaf({ node, shape in node.child(holding: key, shape) }) { leaf, shape in
      guard let position = leaf.position(of: key, shape) else { return nil as UInt64? }
      return position.isMatch ? leaf.record(position.slot) : 0
    }
    return Record(address: address)
  }
}

extension Node {
  /// The child whose keys include `key`, nil when the writer was seen at work.
  @inline(__always)
  func child(holding key: ByteView, _ shape: Shape) -> UInt64? {
    guard let position = position(of: key, shape) else { return nil }
    return child(position.isMatch ? position.slot &+ 1 : position.slot)
  }

  /// The child that holds the greatest key below `key`, if there is any.
  func child(before key: ByteView, _ shape: Shape) -> UInt64? {
    guard let position = position(of: key, shape) else { return nil }
    return child(position.slot)
  }
}
