import VarveFormat

/// Walks the entries of a keyspace in key order, as of the moment it was made.
///
/// ```swift
/// var cursor = try packages.cursor(prefix: "lib", order: .descending)
/// while try cursor.next() {
///   print(String(copying: cursor.key), cursor.value.count)
/// }
/// ```
///
/// Writes and compactions meanwhile do not disturb it; it keeps files it may read from going.
/// Damage throws, at every further step too until the cursor is sought elsewhere: a walk never ends
/// early in silence. A value that cannot be read costs that one step. Keys and values are lent until the
/// cursor moves. One thread at a time.
///
/// Who looks at a few entries here and there keeps one cursor, and calls ``refresh()`` before each seek that
/// should see what was written since.
@safe
public struct Cursor: ~Copyable {
  private var source: VisibleCursor<MergingCursor<EntrySource>>
  private let keyspace: Keyspace
  /// The keyspace's, at hand: each step asks it.
  private let engine: Engine
  private let order: ScanOrder
  private var view: ReadView
  /// Whether the view's active memtable is a part of the source: an empty one is left out.
  private var hasActive: Bool
  /// Whether it was made to show the present, and not a snapshot.
  private let showsPresent: Bool
  private var isPlaced = false
  /// Why the cursor could not move; thrown at each move until it is sought, so that what follows does
  /// not look like the end.
  private var failure: StoreError?
  /// The key and value it stands on, until it moves, and what keeps the value's bytes.
  @usableFromInline var lentKey = unsafe UnsafeBufferPointer<UInt8>(start: nil, count: 0)
  @usableFromInline var lentValue = unsafe UnsafeBufferPointer<UInt8>(start: nil, count: 0)
  private var owner: CachedBlock?
  /// Keeps what is lent from its mapping, also where another reader takes its place.
  private var valueReader: ValueFileReader?
  private var valueWalk = ValueWalk()
  /// How many of the source's skipped entries the store's metrics know of.
  private var reportedSkips: UInt64 = 0
  /// Whether values are read as well; without it ``value`` is empty.
  private let readsValues: Bool

  @inline(__always)
  init(
    _ reading: Reading, of keyspace: Keyspace, within bounds: EngineBounds, order: ScanOrder,
    readsValues: Bool, showsPresent: Bool
  ) throws(StoreError) {
    self.keyspace = keyspace
    engine = keyspace.engine
    self.order = order
    self.readsValues = readsValues
    self.showsPresent = showsPresent
    view = reading.view
    // Asked before the source is made, which then has it for certain.
    hasActive = !view.active.table.isEmpty
    source = try reading.visible(within: bounds)
  }
}

// MARK: - Refreshing

extension Cursor {
  /// Shows the keyspace as it is now, as a new cursor over the same range would: it stands before the first
  /// entry of its order again. A cursor of a snapshot goes on showing that.
  ///
  /// Costs far less than a new cursor as long as the store holds the same files and memtables. Until it
  /// is refreshed the cursor keeps those that it shows from going.
  ///
  /// - Throws: `.closed`, `.notFound` once the keyspace was dropped, and what a new cursor throws for files
  ///   that cannot be opened. The cursor is then what it was: it stands where it stood, in the same moment.
  public mutating func refresh() throws(StoreError) {
    if showsPresent {
      try keyspace.checkLive()
      try showPresent()
    } else {
      try engine.checkOpen()
    }
    lendNothing()
    source.leave()
    (failure, isPlaced, valueWalk) = (nil, false, ValueWalk())
  }

  /// Reads at the present from here on, through the same source where that has all of it.
  private mutating func showPresent() throws(StoreError) {
    if let point = engine.readPoint(ifCurrent: view),
      hasActive || point.sequence == source.readPoint.sequence
    {
      try keyspace.checkKept()
      source.readPoint = point
      return
    }
    let reading = try keyspace.beginReading()
    let willHaveActive = !reading.view.active.table.isEmpty
    source = try reading.visible(within: source.bounds)
    (view, hasActive, reportedSkips) = (reading.view, willHaveActive, 0)
  }
}

// MARK: - Moving

extension Cursor {
  /// Moves to the next entry in the cursor's order, first to the first; false behind the last.
  public mutating func next() throws(StoreError) -> Bool {
    // Inside of a block, as most steps are, all that can be in the way is a closed store.
    if order == .ascending, engine.isOpenNow, source.runsOn() {
      lendNothing()
      try lend(source.run.entry)
      return true
    }
    return try step(order)
  }

  /// Moves to the entry before, against the cursor's order; false before the first.
  public mutating func previous() throws(StoreError) -> Bool {
    try step(order == .ascending ? .descending : .ascending)
  }

  /// Moves to `key`, or to the next one in the cursor's order where it is not there; false where
  /// none follows.
  @inlinable
  public mutating func seek<Key: StoreKey>(to key: Key) throws(StoreError) -> Bool {
    try key.withKeyBytes { key throws(StoreError) in try seek(toBytes: key) }
  }

  /// ``seek(to:)`` for a key that is lent.
  public mutating func seek(toBytes key: Span<UInt8>) throws(StoreError) -> Bool {
    try engine.checkOpen()
    lendNothing()
    failure = nil
    isPlaced = true
    do throws(StoreError) {
      try EngineKey.with(keyspace: keyspace.number, key: key) { target throws(StoreError) in
        try source.seek(to: target)
        if order == .descending, source.entry?.key != target {
          try source.seek(before: target)
        }
      }
    } catch {
      throw fail(error)
    }
    return try lendEntry()
  }

  private mutating func step(_ direction: ScanOrder) throws(StoreError) -> Bool {
    try engine.checkOpen()
    lendNothing()
    do throws(StoreError) {
      switch (isPlaced, direction) {
      case (false, .ascending): try source.seekToFirst()
      case (false, .descending): try source.seekToLast()
      case (true, .ascending): try source.next()
      case (true, .descending): try source.previous()
      }
    } catch {
      throw fail(error)
    }
    isPlaced = true
    return try lendEntry()
  }

  private mutating func fail(_ error: StoreError) -> StoreError {
    failure = error
    isPlaced = true
    return error
  }

  /// Forgets what was lent by where the cursor stood: nobody may find it after a step that fails.
  @inline(__always)
  private mutating func lendNothing() {
    unsafe lentKey = UnsafeBufferPointer(start: nil, count: 0)
    unsafe lentValue = UnsafeBufferPointer(start: nil, count: 0)
    if owner != nil { owner = nil }
  }

  /// Lends the entry the cursor stands on; false where it stands nowhere.
  @inline(__always)
  private mutating func lendEntry() throws(StoreError) -> Bool {
    if source.skippedEntries != reportedSkips { reportSkips() }
    guard let entry = source.entry else {
      // A source that threw stands nowhere, like one at its end.
      if let failure { throw failure }
      return false
    }
    try lend(entry)
    return true
  }

  @inline(__always)
  private mutating func lend(_ entry: EntryView) throws(StoreError) {
    if readsValues {
      let value = entry.kind == .pointer ? try resolve(entry.value) : entry.value
      unsafe lentValue = value.unsafeBuffer
    }
    unsafe lentKey = entry.key.dropping(Limits.keyspacePrefixBytes).unsafeBuffer
  }

  /// The value behind a pointer, kept until the cursor moves.
  private mutating func resolve(_ stored: ByteView) throws(StoreError) -> ByteView {
    let pointer = try engine.values.decode(stored)
    if engine.derived.coldBytes > 0, order == .ascending, let range = valueWalk.first(pointer) {
      engine.values.store.expectFirst(range, of: pointer.file)
    }
    let store = engine.values.store
    let resolved = try store.value(
      for: pointer, inPassing: valueWalk.isNear(pointer), keeping: &valueReader)
    if let range = valueWalk.next(pointer) {
      store.expect(range, of: pointer.file)
    }
    owner = resolved.owner
    return resolved.bytes
  }
}

extension Cursor {
  private mutating func reportSkips() {
    engine.metrics.skippedEntries.add(source.skippedEntries &- reportedSkips)
    reportedSkips = source.skippedEntries
  }
}

// MARK: - Where it stands

extension Cursor {
  /// The key it stands on; empty where it stands nowhere.
  @inlinable
  public var key: Span<UInt8> {
    @_lifetime(borrow self)
    get {
      let span = unsafe Span(_unsafeElements: lentKey)
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// The value it stands on; empty where it stands nowhere or was made for keys only.
  @inlinable
  public var value: Span<UInt8> {
    @_lifetime(borrow self)
    get {
      let span = unsafe Span(_unsafeElements: lentValue)
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// When the entry stops being visible, in milliseconds since 1970; nil for never.
  public var expiry: UInt64? {
    guard let entry = source.entry, entry.expiry != 0 else { return nil }
    return entry.expiry
  }
}

extension String {
  /// The text whose UTF-8 is `bytes`; what is not valid is replaced.
  public init(copying bytes: Span<UInt8>) {
    self = unsafe bytes.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
  }
}

extension Array<UInt8> {
  /// A copy of `bytes`.
  public init(copying bytes: Span<UInt8>) {
    self = unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
  }
}
