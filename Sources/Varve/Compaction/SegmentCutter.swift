import VarveFormat

/// Decides where the output of a compaction begins a new segment. Pure: it only counts.
///
/// * where the segment has reached its size;
/// * where it overlaps so much of the level below the output that merging it further would cost
///   more than its share;
/// * where a keyspace ends that filled more than 1 MiB of the segment, so that large keyspaces get
///   segments of their own and ten thousand small ones cost no more than one.
///
/// Never between versions of one key: a level's segments stay disjoint by key.
struct SegmentCutter: ~Copyable {
  /// Bytes of one keyspace from which its end is a reason to cut.
  static var keyspacePieceBytes: UInt64 { 1 << 20 }

  private let segmentBytes: UInt64
  private let largestOverlapBytes: UInt64
  private let grandparents: [SegmentRecord]
  /// The first grandparent that has not been passed.
  private var grandparent = 0
  /// Bytes of grandparents passed since the segment began.
  private var overlapBytes: UInt64 = 0
  private var lastKey = ScratchBytes()
  private var hasKey = false
  /// Bytes of the segment before the keyspace at hand began.
  private var pieceStart: UInt64 = 0

  init(grandparents: [SegmentRecord], _ options: CompactionOptions) {
    self.grandparents = grandparents
    segmentBytes = options.segmentBytes
    largestOverlapBytes = options.largestOverlapBytes
  }

  /// Whether the entry with this key begins a new segment. Asked once for each entry, in order.
  ///
  /// - Parameters:
  ///   - bytes: what the segment at hand holds so far.
  ///   - isFull: whether it must end before the next key, however few bytes it holds.
  mutating func cuts(before key: ByteView, bytes: UInt64, isFull: Bool = false) -> Bool {
    guard hasKey else {
      begin(key)
      passGrandparents(before: key)
      overlapBytes = 0
      return false
    }
    if lastKey.holds(key) { return false }
    passGrandparents(before: key)
    let isNewKeyspace = key.prefix(4) != lastKey.view.prefix(4)
    let isPieceLarge = bytes >= pieceStart &+ Self.keyspacePieceBytes
    lastKey.copy(key)
    if bytes >= segmentBytes || isFull || overlapBytes > largestOverlapBytes
      || isNewKeyspace && isPieceLarge
    {
      overlapBytes = 0
      pieceStart = 0
      return bytes > 0
    }
    if isNewKeyspace { pieceStart = bytes }
    return false
  }

  private mutating func begin(_ key: ByteView) {
    lastKey.copy(key)
    hasKey = true
  }

  private mutating func passGrandparents(before key: ByteView) {
    while grandparent < grandparents.count,
      grandparents[grandparent].largestKey.withByteView({ $0 < key })
    {
      overlapBytes &+= grandparents[grandparent].size
      grandparent &+= 1
    }
  }
}
