import CSQLite

/// SQLite as one thread works with it: a connection with its statements.
final class SQLiteSession: PeerSession {
  private let connection: SQLiteConnection
  private let putting, deleting, getting, beginning, beginningToRead, committing: OpaquePointer
  private let fromFirst, fromLast, upwards, downwards: OpaquePointer

  init(_ connection: SQLiteConnection) throws {
    self.connection = connection
    putting = try connection.prepare(
      """
      INSERT INTO entries (key, value) VALUES (?1, ?2)
      ON CONFLICT (key) DO UPDATE SET value = excluded.value
      """)
    deleting = try connection.prepare("DELETE FROM entries WHERE key = ?1")
    getting = try connection.prepare("SELECT value FROM entries WHERE key = ?1")
    beginning = try connection.prepare("BEGIN IMMEDIATE")
    beginningToRead = try connection.prepare("BEGIN")
    committing = try connection.prepare("COMMIT")
    let walk = "SELECT key, value FROM entries"
    fromFirst = try connection.prepare("\(walk) ORDER BY key")
    fromLast = try connection.prepare("\(walk) ORDER BY key DESC")
    upwards = try connection.prepare("\(walk) WHERE key >= ?1 ORDER BY key")
    downwards = try connection.prepare("\(walk) WHERE key <= ?1 ORDER BY key DESC")
  }

  func close() {
    for statement in [
      putting, deleting, getting, beginning, beginningToRead, committing, fromFirst, fromLast,
      upwards, downwards,
    ] { sqlite3_finalize(statement) }
    connection.close()
  }

  func put(_ key: Bytes, _ value: Bytes) throws {
    bind(putting, 1, key)
    bind(putting, 2, value)
    try finish(putting)
  }

  func put(_ batch: ArraySlice<Operation>) throws {
    try finish(beginning)
    for put in batch { try self.put(put.key, put.value) }
    try finish(committing)
  }

  func delete(_ key: Bytes) throws {
    bind(deleting, 1, key)
    try finish(deleting)
  }

  func get(_ key: Bytes, into tally: inout Tally) throws {
    defer { sqlite3_reset(getting) }
    bind(getting, 1, key)
    if try step(getting) { tally.add(column(getting, 0)) }
  }

  func get(_ keys: ArraySlice<Operation>, into tally: inout Tally) throws {
    try finish(beginningToRead)
    for key in keys { try get(key.key, into: &tally) }
    try finish(committing)
  }

  func scan(_ scan: Scan, into tally: inout Tally) throws {
    let statement =
      switch (scan.start, scan.isBackward) {
      case (nil, false): fromFirst
      case (nil, true): fromLast
      case (_, false): upwards
      case (_, true): downwards
      }
    defer { sqlite3_reset(statement) }
    if let start = scan.start { bind(statement, 1, start) }
    var left = scan.limit
    while left > 0, try step(statement) {
      let key = column(statement, 0)
      guard scan.includes(key) else { break }
      tally.add(key)
      tally.add(column(statement, 1))
      left -= 1
    }
  }
}

// MARK: - Calls

extension SQLiteSession {
  @inline(__always)
  private func bind(_ statement: OpaquePointer, _ place: Int32, _ bytes: Bytes) {
    sqlite3_bind_blob(statement, place, bytes.baseAddress, Int32(bytes.count), nil)
  }

  /// Whether a row was found.
  @inline(__always)
  private func step(_ statement: OpaquePointer) throws -> Bool {
    let code = sqlite3_step(statement)
    try connection.check(code)
    return code == SQLITE_ROW
  }

  @inline(__always)
  private func finish(_ statement: OpaquePointer) throws {
    defer { sqlite3_reset(statement) }
    _ = try step(statement)
  }

  @inline(__always)
  private func column(_ statement: OpaquePointer, _ place: Int32) -> Bytes {
    let start = sqlite3_column_blob(statement, place)
    return Bytes(start: start, count: Int(sqlite3_column_bytes(statement, place)))
  }
}
