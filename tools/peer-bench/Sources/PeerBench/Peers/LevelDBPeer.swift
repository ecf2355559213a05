import CLevelDB
import Foundation

/// LevelDB by its C interface, with what its documentation offers: a filter, a cache for all, a
/// larger write buffer. It has one background thread and one buffer waiting for it. Its compression
/// by default is Snappy.
final class LevelDBPeer: Peer, @unchecked Sendable {
  static let name = "LevelDB"
  static let traits = PeerTraits(hasLog: true, compresses: true)

  private let database: OpaquePointer
  private let options: OpaquePointer
  private let cache: OpaquePointer
  private let filter: OpaquePointer
  private let isDurable: Bool

  init(in directory: String, _ settings: PeerSettings) throws {
    cache = leveldb_cache_create_lru(settings.cacheBytes)
    filter = leveldb_filterpolicy_create_bloom(10)
    options = leveldb_options_create()
    isDurable = settings.isDurable
    leveldb_options_set_create_if_missing(options, 1)
    // Its interface has no way to begin a file but a full buffer, of at least 64 KiB.
    leveldb_options_set_write_buffer_size(
      options, settings.fileBytes ?? settings.writeBufferBytes)
    leveldb_options_set_cache(options, cache)
    leveldb_options_set_filter_policy(options, filter)
    leveldb_options_set_max_open_files(options, 10_000)
    // It makes none smaller than 1 MiB.
    if let bytes = settings.fileBytes { leveldb_options_set_max_file_size(options, bytes) }
    if settings.compression == .none {
      leveldb_options_set_compression(options, Int32(leveldb_no_compression))
    }
    let options = options
    let opened = try Self.checked { leveldb_open(options, directory + "/store", &$0) }
    guard let opened else { throw PeerFailure(description: "LevelDB: no store") }
    database = opened
  }

  func session() throws -> LevelDBSession { LevelDBSession(database, isDurable: isDurable) }

  func settle() throws { leveldb_compact_range(database, nil, 0, nil, 0) }

  func close() throws {
    leveldb_close(database)
    leveldb_options_destroy(options)
    leveldb_cache_destroy(cache)
    leveldb_filterpolicy_destroy(filter)
  }

  /// Runs a call that reports failure by a text of its own allocation.
  @inline(__always)
  @discardableResult
  fileprivate static func checked<Result>(
    _ call: (inout UnsafeMutablePointer<CChar>?) -> Result
  ) throws -> Result {
    var failure: UnsafeMutablePointer<CChar>?
    let result = call(&failure)
    if let failure {
      defer { leveldb_free(failure) }
      throw PeerFailure(description: "LevelDB: " + String(cString: failure))
    }
    return result
  }
}

final class LevelDBSession: PeerSession {
  private let database: OpaquePointer
  private let reading: OpaquePointer = leveldb_readoptions_create()
  private let writing: OpaquePointer = leveldb_writeoptions_create()
  private let batch: OpaquePointer = leveldb_writebatch_create()

  init(_ database: OpaquePointer, isDurable: Bool) {
    self.database = database
    leveldb_readoptions_set_verify_checksums(reading, 1)
    leveldb_writeoptions_set_sync(writing, isDurable ? 1 : 0)
  }

  func put(_ key: Bytes, _ value: Bytes) throws {
    try LevelDBPeer.checked {
      leveldb_put(
        database, writing, key.characters, key.count, value.characters, value.count, &$0)
    }
  }

  func put(_ puts: ArraySlice<Operation>) throws {
    leveldb_writebatch_clear(batch)
    for put in puts {
      leveldb_writebatch_put(
        batch, put.key.characters, put.key.count, put.value.characters, put.value.count)
    }
    try LevelDBPeer.checked { leveldb_write(database, writing, batch, &$0) }
  }

  func delete(_ key: Bytes) throws {
    try LevelDBPeer.checked {
      leveldb_delete(database, writing, key.characters, key.count, &$0)
    }
  }

  func get(_ key: Bytes, into tally: inout Tally) throws {
    var count = 0
    let found = try LevelDBPeer.checked {
      leveldb_get(database, reading, key.characters, key.count, &count, &$0)
    }
    guard let found else { return }
    defer { leveldb_free(found) }
    tally.add(Bytes(start: found, count: count))
  }

  func get(_ keys: ArraySlice<Operation>, into tally: inout Tally) throws {
    let snapshot = leveldb_create_snapshot(database)
    leveldb_readoptions_set_snapshot(reading, snapshot)
    defer {
      leveldb_readoptions_set_snapshot(reading, nil)
      leveldb_release_snapshot(database, snapshot)
    }
    for key in keys { try get(key.key, into: &tally) }
  }

  func scan(_ scan: Scan, into tally: inout Tally) throws {
    let iterator: OpaquePointer = leveldb_create_iterator(database, reading)
    defer { leveldb_iter_destroy(iterator) }
    place(iterator, scan)
    var left = scan.limit
    while left > 0, leveldb_iter_valid(iterator) != 0 {
      var count = 0
      let start = leveldb_iter_key(iterator, &count)
      let key = Bytes(start: start, count: count)
      guard scan.includes(key) else { break }
      tally.add(key)
      let value = leveldb_iter_value(iterator, &count)
      tally.add(Bytes(start: value, count: count))
      left -= 1
      guard left > 0 else { break }
      if scan.isBackward { leveldb_iter_prev(iterator) } else { leveldb_iter_next(iterator) }
    }
    try LevelDBPeer.checked { leveldb_iter_get_error(iterator, &$0) }
  }

  private func place(_ iterator: OpaquePointer, _ scan: Scan) {
    guard let start = scan.start else {
      return scan.isBackward
        ? leveldb_iter_seek_to_last(iterator) : leveldb_iter_seek_to_first(iterator)
    }
    leveldb_iter_seek(iterator, start.characters, start.count)
    guard scan.isBackward else { return }
    guard leveldb_iter_valid(iterator) != 0 else { return leveldb_iter_seek_to_last(iterator) }
    var count = 0
    let key = leveldb_iter_key(iterator, &count)
    if !Bytes(start: key, count: count).equals(start) { leveldb_iter_prev(iterator) }
  }

  func close() {
    leveldb_writebatch_destroy(batch)
    leveldb_writeoptions_destroy(writing)
    leveldb_readoptions_destroy(reading)
  }
}
