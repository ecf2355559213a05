import VarveFormat

/// Replayed entries on their way to a segment. They stay where they lie, in the logs; what is kept
/// of each is where that is, and sorted once.
///
/// ```
/// batch   [ ... kind, key count | key | expiry, value count | value ... ]    (an entry record: no gap)
///                                 ^                           ^
/// place   address, sequence, counts: 24 bytes                 |
///                                 └── key.count ──┴── gap ────┘
/// ```
///
/// An entry whose value moved to another file has its key and its new pointer in the run's own
/// memory. Addresses and counts come from the one decoding that checked them: what the bytes become
/// later cannot lead outside.
final class ReplayedRun {
  /// Entries that were taken over from other runs, before those in `places`.
  private var taken: [[EntryPlace]] = []
  private var takenCount = 0
  // One thread works with it, and it is touched for every entry.
  @exclusivity(unchecked) private(set) var places: [EntryPlace] = []
  private let moved = Arena(alignment: 8)
  private var copy = ByteWriter(reserving: 256)
  /// Bytes of keys and values.
  private(set) var dataBytes = 0

  /// Memory that an entry takes: here, in a half of the run, and while that is sorted.
  static let bytesAnEntry = 2 * MemoryLayout<EntryPlace>.stride + RunOrder.bytesAnEntry

  /// Bytes of memory that the run takes, or takes while it is sorted.
  var memoryBytes: Int { count * Self.bytesAnEntry + moved.allocatedBytes }

  var count: Int { unsafe takenCount + places.count }

  /// Makes room for so many entries. Room that is never used is never touched: it takes no memory.
  func reserve(_ count: Int) { unsafe places.reserveCapacity(count) }

  /// Adds an entry that stays where it lies.
  func append(_ entry: BatchEntry, _ sequence: SequenceNumber) {
    dataBytes += entry.key.count + entry.value.count
    let end = unsafe entry.key.start + entry.key.count
    // A delete has no value, and its empty view no place.
    let gap = entry.kind == .delete ? 0 : unsafe entry.value.start - end
    unsafe places.append(
      EntryPlace(
        entry.key.start, sequence, entry.kind, keyCount: entry.key.count, gap: gap,
        valueCount: entry.value.count, hasExpiry: entry.expiry != 0))
  }

  /// Adds an entry whose value lies elsewhere now.
  func append(
    _ entry: BatchEntry, movedTo pointer: ValuePointer, _ sequence: SequenceNumber
  ) {
    dataBytes += entry.key.count + ValuePointer.byteCount
    copy.removeAll()
    copy.append(entry.key)
    if entry.expiry != 0 { copy.varint(entry.expiry) }
    let gap = copy.count - entry.key.count
    pointer.encode(to: &copy)
    let start = unsafe moved.allocate(copy.count)
    copy.bytes.withByteView { bytes in
      unsafe start.copyMemory(from: bytes.start, byteCount: bytes.count)
    }
    unsafe places.append(
      EntryPlace(
        UnsafeRawPointer(start), sequence, .pointer, keyCount: entry.key.count, gap: gap,
        valueCount: ValuePointer.byteCount, hasExpiry: entry.expiry != 0))
  }

  /// Takes over the entries of another run, none of which has moved.
  func append(_ other: ReplayedRun) {
    precondition(other.moved.allocatedBytes == 0)
    dataBytes += other.dataBytes
    takenCount += other.count
    if unsafe !places.isEmpty {
      unsafe takenCount += places.count
      unsafe taken.append(places)
      unsafe places = []
    }
    taken += other.takeParts()
  }

  /// Hands all entries out, in several parts. Those that moved lie in memory that lives as long as the run.
  func takeParts() -> [[EntryPlace]] {
    defer { unsafe (taken, takenCount, places, dataBytes) = ([], 0, [], 0) }
    return unsafe taken + [places]
  }

  /// Takes back all entries but the first `count`, none of which was taken over.
  func removeAll(from count: Int) { unsafe places.removeLast(self.count - count) }
}

/// Where one entry lies.
@safe
struct EntryPlace: @unchecked Sendable {
  // @unchecked: the bytes are immutable while a place is used.
  private let start: UnsafeRawPointer
  let sequence: SequenceNumber
  /// Counts and kind: bits 0...17 key, 18...21 gap, 22...52 value, 53...60 kind, 61 expiry.
  private let shape: UInt64

  /// The caller vouches that key, gap and value lie behind `start` for as long as this is used.
  @unsafe
  init(
    _ start: UnsafeRawPointer, _ sequence: SequenceNumber, _ kind: EntryKind, keyCount: Int,
    gap: Int, valueCount: Int, hasExpiry: Bool
  ) {
    precondition(keyCount >> 18 == 0 && gap >> 4 == 0 && valueCount >> 31 == 0)
    unsafe self.start = start
    self.sequence = sequence
    shape =
      UInt64(keyCount) | UInt64(gap) << 18 | UInt64(valueCount) << 22 | UInt64(kind.rawValue) << 53
      | (hasExpiry ? 1 << 61 : 0)
  }

  var key: ByteView { unsafe ByteView(unsafeStart: start, count: Int(shape & 0x3_ffff)) }

  /// The entry; throws where its expiry is no longer what it was when it was checked.
  func entry() throws(FormatError) -> EntryView {
    let key = key
    let gap = Int(shape >> 18 & 0xf)
    let behind = unsafe start + key.count
    var expiry: ExpiryTime = 0
    if shape >> 61 & 1 != 0 {
      var reader = ByteReader(unsafe ByteView(unsafeStart: behind, count: gap), .batch)
      expiry = try reader.varint()
    }
    guard let kind = EntryKind(rawValue: UInt8(truncatingIfNeeded: shape >> 53)) else {
      preconditionFailure("a place holds what it was made with")
    }
    let value = unsafe ByteView(
      unsafeStart: behind + gap, count: Int(shape >> 22 & 0x7fff_ffff))
    return EntryView(key: key, sequence: sequence, kind: kind, expiry: expiry, value: value)
  }

  /// Asks memory for key and value, or the beginning of a long one.
  func prefetch() {
    let count = Int(shape & 0x3_ffff) + Int(shape >> 22 & 0x7fff_ffff)
    unsafe ByteView(unsafeStart: start, count: count).prefetch(256)
  }

  /// Asks memory for the key, or the beginning of a long one.
  func prefetchKey() { key.prefetch(64) }

  func isBefore(_ other: EntryPlace) -> Bool {
    let order = key.compare(other.key)
    return order == 0 ? sequence > other.sequence : order < 0
  }
}
