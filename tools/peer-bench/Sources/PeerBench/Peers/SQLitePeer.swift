import CSQLite
import Foundation

/// SQLite as a map: one table, prepared statements, a write-ahead log.
///
/// Buffered puts run with `synchronous = OFF`: the log is written and not synced, and survives the
/// end of the process; durable ones with `FULL`. Its documentation advises tables without row
/// numbers for small rows only, so large values get an ordinary one. There are no checksums and
/// there is no compression.
final class SQLitePeer: Peer, @unchecked Sendable {
  static let name = "SQLite"
  static let traits = PeerTraits()

  private let path: String
  private let settings: PeerSettings
  private let connection: SQLiteConnection

  init(in directory: String, _ settings: PeerSettings) throws {
    path = directory + "/store.sqlite"
    self.settings = settings
    connection = try SQLiteConnection(path, settings)
    let isSmall = settings.valueBytes <= 200
    try connection.run(
      "CREATE TABLE IF NOT EXISTS entries (key BLOB PRIMARY KEY, value BLOB NOT NULL)"
        + (isSmall ? " WITHOUT ROWID" : ""))
  }

  func session() throws -> SQLiteSession {
    try SQLiteSession(SQLiteConnection(path, settings))
  }

  /// A B-tree has nothing to settle but what is still in the log.
  func settle() throws { try connection.run("PRAGMA wal_checkpoint(TRUNCATE)") }

  func close() throws { connection.close() }
}

/// One connection, set up alike for all.
final class SQLiteConnection {
  let handle: OpaquePointer

  init(_ path: String, _ settings: PeerSettings) throws {
    var opened: OpaquePointer?
    let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
    guard sqlite3_open_v2(path, &opened, flags, nil) == SQLITE_OK, let opened else {
      throw PeerFailure(description: "SQLite: \(path) does not open")
    }
    handle = opened
    sqlite3_busy_timeout(handle, 60_000)
    let logPages = max(1000, settings.writeBufferBytes / 4096)
    for pragma in [
      "journal_mode = WAL", "synchronous = \(settings.isDurable ? "FULL" : "OFF")",
      "wal_autocheckpoint = \(logPages)", "cache_size = -\(settings.cacheBytes / 1024)",
      // Page faults read far ahead, which is waste where there is too little memory.
      "mmap_size = \(settings.isBeyondMemory ? 0 : 64 << 30)", "temp_store = MEMORY",
    ] { try run("PRAGMA \(pragma)") }
  }

  func close() { sqlite3_close(handle) }

  func run(_ statement: String) throws {
    try check(sqlite3_exec(handle, statement, nil, nil, nil))
  }

  func prepare(_ statement: String) throws -> OpaquePointer {
    var prepared: OpaquePointer?
    let flags = UInt32(SQLITE_PREPARE_PERSISTENT)
    try check(sqlite3_prepare_v3(handle, statement, -1, flags, &prepared, nil))
    guard let prepared else { throw PeerFailure(description: "SQLite: no statement") }
    return prepared
  }

  @inline(__always)
  func check(_ code: Int32) throws {
    guard code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE else {
      throw PeerFailure(description: "SQLite: " + String(cString: sqlite3_errmsg(handle)))
    }
  }
}
