import VarveFormat
import VarvePlatform

extension Keyspace {
  /// A cursor over the keys of `range`, as of now or of `snapshot`.
  ///
  /// - Parameter readsValues: false for keys alone: no large value is read.
  public func cursor(
    _ range: KeyRange = .all, order: ScanOrder = .ascending, at snapshot: Snapshot? = nil,
    readsValues: Bool = true
  ) throws(StoreError) -> Cursor {
    let reading: Reading
    if let snapshot {
      reading = try snapshot.reading(self)
      try checkLive(in: reading)
    } else {
      reading = try beginReading()
    }
    return try Cursor(
      reading, of: self,
      within: range.isAll ? whole : EngineBounds(number, range), order: order,
      readsValues: readsValues, showsPresent: snapshot == nil)
  }

  /// A cursor over the keys that begin with `prefix`.
  public func cursor<Prefix: StoreKey>(
    prefix: Prefix, order: ScanOrder = .ascending, at snapshot: Snapshot? = nil,
    readsValues: Bool = true
  ) throws(StoreError) -> Cursor {
    try cursor(KeyRange(prefix: prefix), order: order, at: snapshot, readsValues: readsValues)
  }

  /// Calls `body` with each key and value of `range` in order, borrowed: the fast way to scan.
  public func forEach(
    in range: KeyRange = .all, order: ScanOrder = .ascending, at snapshot: Snapshot? = nil,
    _ body: (_ key: Span<UInt8>, _ value: Span<UInt8>) throws -> Void
  ) throws {
    var cursor = try cursor(range, order: order, at: snapshot)
    while try cursor.next() { try body(cursor.key, cursor.value) }
  }

  /// Calls `body` with each key in `keys` and its value, in order, borrowed.
  public func forEach<Key: StoreKey>(
    in keys: Range<Key>, order: ScanOrder = .ascending, at snapshot: Snapshot? = nil,
    _ body: (_ key: Span<UInt8>, _ value: Span<UInt8>) throws -> Void
  ) throws {
    try forEach(in: KeyRange(keys), order: order, at: snapshot, body)
  }

  /// About how many bytes the entries of `range` take on disk and in memory, large values included.
  /// Reads the ends of the range and a few places between.
  public func approximateSize(of range: KeyRange = .all) throws(StoreError) -> UInt64 {
    try checkLive()
    let bounds = EngineBounds(number, range)
    let view = engine.views.pinned()
    try checkKept()
    defer { withExtendedLifetime(bounds) {} }
    return try view.approximateBytes(from: bounds.lower.bytes, to: bounds.upper.bytes)
  }
}

extension StoreKey {
  /// A copy of the key's bytes.
  var keyBytes: [UInt8] { withKeyBytes { [UInt8](copying: $0) } }
}

/// A user's range as engine keys of one keyspace. An object, so that a cursor keeps it by one reference.
/// Its keys are views of memory of its own.
final class EngineBounds: Sendable {
  let lower: PrefixedKey
  /// Past the last keyspace number of all: a key above every engine key.
  let upper: PrefixedKey
  private let keys: AlignedBuffer

  convenience init(_ number: UInt32, _ range: KeyRange) {
    let start = EngineKey.start(of: number)
    let end = EngineKey.end(of: number) ?? [UInt8](repeating: 0xff, count: 5)
    self.init(from: start + (range.lower ?? []), to: range.upper.map { start + $0 } ?? end)
  }

  init(from lower: [UInt8], to upper: [UInt8]) {
    let keys = AlignedBuffer(capacity: max(1, lower.count + upper.count))
    lower.withByteView { keys.copy($0, to: 0) }
    upper.withByteView { keys.copy($0, to: lower.count) }
    self.keys = keys
    let bytes = keys.view()
    self.lower = PrefixedKey(bytes.prefix(lower.count))
    self.upper = PrefixedKey(bytes.dropping(lower.count).prefix(upper.count))
  }

  /// Whether `key` sorts before the beginning of the range.
  @inline(__always)
  func startsAbove(_ key: ByteView) -> Bool { PrefixedKey(key).compare(lower) < 0 }

  /// Whether `key` sorts before the end of the range.
  @inline(__always)
  func endsAbove(_ key: ByteView) -> Bool { PrefixedKey(key).compare(upper) < 0 }
}

extension Reading {
  /// All that is visible within bounds, merged from every layer. Inlined, as a cursor is large to copy.
  @inline(__always)
  func visible(
    within bounds: EngineBounds
  ) throws(StoreError) -> VisibleCursor<MergingCursor<EntrySource>> {
    VisibleCursor(try view.merged(within: bounds), at: point, within: bounds)
  }
}

extension ReadView {
  /// A cursor for each layer that may hold keys from `lower` up to `upper`, newest layer first.
  func merged(
    within bounds: EngineBounds
  ) throws(StoreError) -> MergingCursor<EntrySource> {
    var sources = MergingCursor<EntrySource>()
    let (lower, upper) = (bounds.lower, bounds.upper)
    if !active.table.isEmpty { sources.add(EntrySource(active.table)) }
    for generation in frozen where !generation.table.isEmpty {
      sources.add(EntrySource(generation.table))
    }
    for segment in version.levelZero where segment.overlaps(lower.bytes, upper.bytes) {
      sources.add(.segment(try segment.reader.cursor()))
    }
    for index in version.levels.indices {
      let places = version.table.places(inLevel: index + 1, from: lower, to: upper)
      if !places.isEmpty { sources.add(EntrySource(version.levels[index], within: places)) }
    }
    return sources
  }

  /// About how many bytes lie between two engine keys.
  func approximateBytes(from lower: ByteView, to upper: ByteView) throws(StoreError) -> UInt64 {
    var total: UInt64 = 0
    for generation in [active] + frozen {
      total = total.addingStated(
        UInt64(generation.table.approximateBytes(from: lower, to: upper)))
    }
    for segment in version.segments where segment.overlaps(lower, upper) {
      total = total.addingStated(try segment.approximateBytes(from: lower, to: upper))
    }
    return total
  }
}

extension SegmentHandle {
  /// Bytes of the blocks between two keys, and of the values in value files that they point to.
  fileprivate func approximateBytes(
    from lower: ByteView, to upper: ByteView
  ) throws(StoreError) -> UInt64 {
    guard lower < upper else { return 0 }
    let blocks = try reader.approximateBytes(from: lower, to: upper)
    guard !record.valueReferences.isEmpty else { return blocks }
    return blocks.addingStated(try reader.approximateValueBytes(from: lower, to: upper))
  }
}
