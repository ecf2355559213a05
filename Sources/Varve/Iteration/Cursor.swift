import VarveFormat

/// Which way a cursor goes.
public enum ScanOrder: Sendable {
  /// From the smallest key up.
  case ascending
  /// From the largest key down.
  case descending
}

/// Which keys a cursor shows: bounds of the user's keys, in bytes.
public struct KeyRange: Sendable, Equatable {
  /// The first key that is shown; nil for the first of all.
  public var lower: [UInt8]?
  /// The first key that is not shown any more; nil for no end.
  public var upper: [UInt8]?

  /// Every key.
  public static let all = KeyRange()

  var isAll: Bool { lower == nil && upper == nil }

  /// The keys from `lower` up to, not including, `upper`.
  public init(from lower: [UInt8]? = nil, to upper: [UInt8]? = nil) {
    self.lower = lower
    self.upper = upper
  }

  /// The keys from the lower bound up to, not including, the upper one: `KeyRange("a"..<"c")`.
  public init<Key: StoreKey>(_ keys: Range<Key>) {
    lower = keys.lowerBound.keyBytes
    upper = keys.upperBound.keyBytes
  }

  /// The keys that begin with `prefix`.
  public init(prefix: [UInt8]) {
    lower = prefix
    upper = EngineKey.end(ofPrefix: prefix)
  }

  /// The keys that begin with `prefix`.
  public init<Prefix: StoreKey>(prefix: Prefix) { self.init(prefix: prefix.keyBytes) }
}

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
@safe
public struct Cursor: ~Copyable {
  private var source: VisibleCursor<MergingCursor<EntrySource>>
  private let engine: Engine
  private let order: ScanOrder
  private let keyspace: UInt32
  private let view: ReadView
  private var isPlaced = false
  /// Why the cursor could not move; thrown at each move until it is sought, so that what follows does
  /// not look like the end.
  private var failure: StoreError?
  /// The key and value it stands on, until it moves, and what keeps the value's bytes.
  @usableFromInline var lentKey = unsafe UnsafeBufferPointer<UInt8>(start: nil, count: 0)
  @usableFromInline var lentValue = unsafe UnsafeBufferPointer<UInt8>(start: nil, count: 0)
  private var owner: CachedBlock?
  private var valueWalk = ValueWalk()
  /// How many of the source's skipped entries the store's metrics know of.
  private var reportedSkips: UInt64 = 0
  /// Whether values are read as well; without it ``value`` is empty.
  private let readsValues: Bool

  @inline(__always)
  init(
    _ source: consuming VisibleCursor<MergingCursor<EntrySource>>, engine: Engine,
    keyspace: UInt32, order: ScanOrder, readsValues: Bool, view: ReadView
  ) {
    self.source = source
    self.engine = engine
    self.keyspace = keyspace
    self.order = order
    self.readsValues = readsValues
    self.view = view
  }
}

// MARK: - Moving

extension Cursor {
  /// Moves to the next entry in the cursor's order, first to the first; false behind the last.
  public mutating func next() throws(StoreError) -> Bool {
    try step(order)
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
      try EngineKey.with(keyspace: keyspace, key: key) { target throws(StoreError) in
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
    if readsValues {
      var value = entry.value
      if entry.kind == .pointer {
        let pointer = try engine.values.decode(entry.value)
        let resolved = try engine.values.resolve(pointer)
        if let range = valueWalk.next(pointer) {
          engine.values.store.expect(range, of: pointer.file)
        }
        owner = resolved.owner
        value = resolved.bytes
      }
      unsafe lentValue = value.unsafeBuffer
    }
    unsafe lentKey = entry.key.dropping(Limits.keyspacePrefixBytes).unsafeBuffer
    return true
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
