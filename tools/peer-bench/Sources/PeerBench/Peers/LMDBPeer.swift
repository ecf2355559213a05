import CLMDB

/// LMDB: a B+ tree in one mapped file, copied page by page on write.
///
/// It has no log. A put is a transaction of its own that writes every page from the leaf to the root
/// again; a batch writes each page it touches once. So what a batch saves is most of the work here,
/// and little elsewhere. Without durable puts `MDB_NOSYNC` leaves the pages with the system: they
/// survive the end of the process, as a log does, though a power cut may leave a broken tree. There
/// are no checksums to verify.
final class LMDBPeer: Peer {
  static let name = "LMDB"

  private let environment: OpaquePointer
  private var database: MDB_dbi = 0
  /// One read transaction and cursor, let go and taken up again for each read.
  private let reading: OpaquePointer
  private let cursor: OpaquePointer

  init(in directory: String, _ settings: PeerSettings) throws {
    var environment: OpaquePointer?
    try Self.check(mdb_env_create(&environment))
    guard let environment else { throw PeerFailure(description: "LMDB: no environment") }
    self.environment = environment
    try Self.check(mdb_env_set_mapsize(environment, 32 << 30))
    let flags = settings.isDurable ? 0 : UInt32(MDB_NOSYNC)
    try Self.check(mdb_env_open(environment, directory, flags, 0o644))

    let opening = try Self.begin(environment)
    try Self.check(mdb_dbi_open(opening, nil, 0, &database))
    try Self.check(mdb_txn_commit(opening))
    reading = try Self.begin(environment, UInt32(MDB_RDONLY))
    var cursor: OpaquePointer?
    try Self.check(mdb_cursor_open(reading, database, &cursor))
    guard let cursor else { throw PeerFailure(description: "LMDB: no cursor") }
    self.cursor = cursor
    mdb_txn_reset(reading)
  }

  func put(_ record: Record) throws {
    let writing = try Self.begin(environment)
    try put(record, in: writing)
    try Self.check(mdb_txn_commit(writing))
  }

  func put(_ batch: ArraySlice<Record>) throws {
    let writing = try Self.begin(environment)
    for record in batch { try put(record, in: writing) }
    try Self.check(mdb_txn_commit(writing))
  }

  private func put(_ record: Record, in writing: OpaquePointer) throws {
    var (key, value) = (MDB_val(record.key), MDB_val(record.value))
    try Self.check(mdb_put(writing, database, &key, &value, 0))
  }

  func get(_ key: Bytes, into tally: inout Tally) throws {
    try Self.check(mdb_txn_renew(reading))
    defer { mdb_txn_reset(reading) }
    var (key, value) = (MDB_val(key), MDB_val())
    if try Self.isFound(mdb_get(reading, database, &key, &value)) { tally.add(value.bytes) }
  }

  func scan(from start: Bytes?, limit: Int, backward: Bool, into tally: inout Tally) throws {
    try Self.check(mdb_txn_renew(reading))
    defer { mdb_txn_reset(reading) }
    try Self.check(mdb_cursor_renew(reading, cursor))
    var (key, value) = (MDB_val(), MDB_val())
    var isThere = try place(start, backward, &key, &value)
    var left = limit
    let step = backward ? MDB_PREV : MDB_NEXT
    while isThere, left > 0 {
      tally.add(key.bytes)
      tally.add(value.bytes)
      left -= 1
      if left > 0 { isThere = try Self.isFound(mdb_cursor_get(cursor, &key, &value, step)) }
    }
  }

  private func place(
    _ start: Bytes?, _ backward: Bool, _ key: inout MDB_val, _ value: inout MDB_val
  ) throws -> Bool {
    guard let start else {
      return try Self.isFound(mdb_cursor_get(cursor, &key, &value, backward ? MDB_LAST : MDB_FIRST))
    }
    key = MDB_val(start)
    let isAtOrAfter = try Self.isFound(mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE))
    guard backward else { return isAtOrAfter }
    if isAtOrAfter, key.bytes.elementsEqual(start) { return true }
    return try Self.isFound(
      mdb_cursor_get(cursor, &key, &value, isAtOrAfter ? MDB_PREV : MDB_LAST))
  }

  /// A B+ tree has nothing to settle but what the system still holds.
  func settle() throws { try Self.check(mdb_env_sync(environment, 1)) }

  func close() throws {
    mdb_cursor_close(cursor)
    mdb_txn_abort(reading)
    mdb_env_close(environment)
  }
}

// MARK: - Calls

extension LMDBPeer {
  private static func begin(
    _ environment: OpaquePointer, _ flags: UInt32 = 0
  ) throws -> OpaquePointer {
    var transaction: OpaquePointer?
    try check(mdb_txn_begin(environment, nil, flags, &transaction))
    guard let transaction else { throw PeerFailure(description: "LMDB: no transaction") }
    return transaction
  }

  @inline(__always)
  private static func check(_ code: Int32) throws {
    guard code == 0 else {
      throw PeerFailure(description: "LMDB: " + String(cString: mdb_strerror(code)))
    }
  }

  @inline(__always)
  private static func isFound(_ code: Int32) throws -> Bool {
    if code == MDB_NOTFOUND { return false }
    try check(code)
    return true
  }
}

extension MDB_val {
  fileprivate init(_ bytes: Bytes) {
    self.init(
      mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
  }

  fileprivate var bytes: Bytes { Bytes(start: mv_data, count: mv_size) }
}
