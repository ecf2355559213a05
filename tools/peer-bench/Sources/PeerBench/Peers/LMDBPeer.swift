import CLMDB

/// LMDB: a B+ tree in one mapped file, copied page by page on write.
///
/// It has no log. A put is a transaction of its own that writes every page from the leaf to the root
/// again; a batch writes each page it touches once. So what a batch saves is most of the work here,
/// and little elsewhere. Without durable puts `MDB_NOSYNC` leaves the pages with the system: they
/// survive the end of the process, as a log does, though a power cut may leave a broken tree. There
/// are no checksums to verify and there is no compression.
class LMDBPeer: Peer, @unchecked Sendable {
  class var name: String { "LMDB" }
  class var traits: PeerTraits { PeerTraits() }
  /// Whether pages are changed in the mapping itself, and not written.
  class var writesMap: Bool { false }

  private let environment: OpaquePointer
  private var database: MDB_dbi = 0

  required init(in directory: String, _ settings: PeerSettings) throws {
    var environment: OpaquePointer?
    try Self.check(mdb_env_create(&environment))
    guard let environment else { throw PeerFailure(description: "LMDB: no environment") }
    self.environment = environment
    // A mapping that is written to makes the file as large.
    let mapBytes = Self.writesMap ? max(1 << 30, 6 * settings.dataBytes) : 64 << 30
    try Self.check(mdb_env_set_mapsize(environment, mapBytes))
    // What the system reads ahead pushes out what is needed, where there is too little memory.
    let readingAhead = settings.isBeyondMemory ? MDB_NORDAHEAD : 0
    let flags =
      MDB_NOTLS | (settings.isDurable ? 0 : MDB_NOSYNC) | readingAhead
      | (Self.writesMap ? MDB_WRITEMAP : 0)
    try Self.check(mdb_env_open(environment, directory, UInt32(flags), 0o644))
    let opening = try Self.begin(environment)
    try Self.check(mdb_dbi_open(opening, nil, 0, &database))
    try Self.check(mdb_txn_commit(opening))
  }

  func session() throws -> LMDBSession { try LMDBSession(environment, database) }

  /// A B+ tree has nothing to settle but what the system still holds.
  func settle() throws { try Self.check(mdb_env_sync(environment, 1)) }

  func close() throws { mdb_env_close(environment) }

  fileprivate static func begin(
    _ environment: OpaquePointer, _ flags: UInt32 = 0
  ) throws -> OpaquePointer {
    var transaction: OpaquePointer?
    try check(mdb_txn_begin(environment, nil, flags, &transaction))
    guard let transaction else { throw PeerFailure(description: "LMDB: no transaction") }
    return transaction
  }

  @inline(__always)
  fileprivate static func check(_ code: Int32) throws {
    guard code == 0 else {
      throw PeerFailure(description: "LMDB: " + String(cString: mdb_strerror(code)))
    }
  }

  @inline(__always)
  fileprivate static func isFound(_ code: Int32) throws -> Bool {
    if code == MDB_NOTFOUND { return false }
    try check(code)
    return true
  }
}

/// LMDB that stores into its mapping (`MDB_WRITEMAP`), which saves a write for each page. Its documentation warns that
/// a wild pointer of the program may then break the tree. Pages survive the end of the process as written ones do.
final class LMDBMapPeer: LMDBPeer, @unchecked Sendable {
  override class var name: String { "LMDB-map" }
  override class var writesMap: Bool { true }
}

/// LMDB as one thread works with it: one read transaction and cursor, let go and taken up again for
/// each read.
final class LMDBSession: PeerSession {
  private let environment: OpaquePointer
  private let database: MDB_dbi
  private let reading: OpaquePointer
  private let cursor: OpaquePointer

  init(_ environment: OpaquePointer, _ database: MDB_dbi) throws {
    self.environment = environment
    self.database = database
    reading = try LMDBPeer.begin(environment, UInt32(MDB_RDONLY))
    var cursor: OpaquePointer?
    try LMDBPeer.check(mdb_cursor_open(reading, database, &cursor))
    guard let cursor else { throw PeerFailure(description: "LMDB: no cursor") }
    self.cursor = cursor
    mdb_txn_reset(reading)
  }

  func close() {
    mdb_cursor_close(cursor)
    mdb_txn_abort(reading)
  }
}

// MARK: - Writing

extension LMDBSession {
  func put(_ key: Bytes, _ value: Bytes) throws {
    try write { try put(key, value, in: $0) }
  }

  func put(_ batch: ArraySlice<Operation>) throws {
    try write { writing in
      for put in batch { try self.put(put.key, put.value, in: writing) }
    }
  }

  func delete(_ key: Bytes) throws {
    try write { writing in
      var key = MDB_val(key)
      _ = try LMDBPeer.isFound(mdb_del(writing, database, &key, nil))
    }
  }

  /// Its own way: keys that ascend are appended, and pages fill up.
  func bulkImport(_ operations: [Operation]) throws {
    for start in stride(from: 0, to: operations.count, by: 10_000) {
      try write { writing in
        for put in operations[start..<min(start + 10_000, operations.count)] {
          try self.put(put.key, put.value, in: writing, UInt32(MDB_APPEND))
        }
      }
    }
  }

  private func write(_ body: (OpaquePointer) throws -> Void) throws {
    let writing = try LMDBPeer.begin(environment)
    do { try body(writing) } catch {
      mdb_txn_abort(writing)
      throw error
    }
    try LMDBPeer.check(mdb_txn_commit(writing))
  }

  private func put(
    _ key: Bytes, _ value: Bytes, in writing: OpaquePointer, _ flags: UInt32 = 0
  ) throws {
    var (key, value) = (MDB_val(key), MDB_val(value))
    try LMDBPeer.check(mdb_put(writing, database, &key, &value, flags))
  }
}

// MARK: - Reading

extension LMDBSession {
  func get(_ key: Bytes, into tally: inout Tally) throws {
    try LMDBPeer.check(mdb_txn_renew(reading))
    defer { mdb_txn_reset(reading) }
    try find(key, into: &tally)
  }

  func get(_ keys: ArraySlice<Operation>, into tally: inout Tally) throws {
    try LMDBPeer.check(mdb_txn_renew(reading))
    defer { mdb_txn_reset(reading) }
    for key in keys { try find(key.key, into: &tally) }
  }

  private func find(_ key: Bytes, into tally: inout Tally) throws {
    var (key, value) = (MDB_val(key), MDB_val())
    if try LMDBPeer.isFound(mdb_get(reading, database, &key, &value)) { tally.add(value.bytes) }
  }

  func scan(_ scan: Scan, into tally: inout Tally) throws {
    try LMDBPeer.check(mdb_txn_renew(reading))
    defer { mdb_txn_reset(reading) }
    try LMDBPeer.check(mdb_cursor_renew(reading, cursor))
    var (key, value) = (MDB_val(), MDB_val())
    var isThere = try place(scan, &key, &value)
    var left = scan.limit
    let step = scan.isBackward ? MDB_PREV : MDB_NEXT
    while isThere, left > 0, scan.includes(key.bytes) {
      tally.add(key.bytes)
      tally.add(value.bytes)
      left -= 1
      if left > 0 { isThere = try LMDBPeer.isFound(mdb_cursor_get(cursor, &key, &value, step)) }
    }
  }

  private func place(_ scan: Scan, _ key: inout MDB_val, _ value: inout MDB_val) throws -> Bool {
    guard let start = scan.start else {
      let end = scan.isBackward ? MDB_LAST : MDB_FIRST
      return try LMDBPeer.isFound(mdb_cursor_get(cursor, &key, &value, end))
    }
    key = MDB_val(start)
    let isAtOrAfter = try LMDBPeer.isFound(mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE))
    guard scan.isBackward else { return isAtOrAfter }
    if isAtOrAfter, key.bytes.equals(start) { return true }
    let step = isAtOrAfter ? MDB_PREV : MDB_LAST
    return try LMDBPeer.isFound(mdb_cursor_get(cursor, &key, &value, step))
  }
}

extension MDB_val {
  fileprivate init(_ bytes: Bytes) {
    self.init(
      mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
  }

  fileprivate var bytes: Bytes { Bytes(start: mv_data, count: mv_size) }
}
