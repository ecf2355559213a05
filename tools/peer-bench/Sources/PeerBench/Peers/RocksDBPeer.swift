import CRocksDB
import Foundation

/// RocksDB by its C interface, tuned as its wiki advises for data that fits into memory.
///
/// Each write goes to its log, which is synced only when durable puts are asked for. Where the
/// wiki's general advice is slower in memory, its defaults stay: blocks of 4 KiB, index and filters
/// outside the cache.
final class RocksDBPeer: Peer {
  static let name = "RocksDB"

  private let database: OpaquePointer
  private let options: OpaquePointer
  private let cache: OpaquePointer
  private let reading = rocksdb_readoptions_create()
  private let writing = rocksdb_writeoptions_create()
  private let batch = rocksdb_writebatch_create()

  init(in directory: String, _ settings: PeerSettings) throws {
    cache = rocksdb_cache_create_lru(settings.cacheBytes)
    options = Self.options(settings, cache)
    rocksdb_readoptions_set_verify_checksums(reading, 1)
    rocksdb_writeoptions_set_sync(writing, settings.isDurable ? 1 : 0)
    let options = options
    database = try Self.checked { rocksdb_open(options, directory + "/store", &$0) }
  }

  private static func options(_ settings: PeerSettings, _ cache: OpaquePointer) -> OpaquePointer {
    let table = rocksdb_block_based_options_create()
    defer { rocksdb_block_based_options_destroy(table) }
    rocksdb_block_based_options_set_filter_policy(table, rocksdb_filterpolicy_create_bloom_full(10))
    rocksdb_block_based_options_set_block_cache(table, cache)
    rocksdb_block_based_options_set_format_version(table, 5)

    let options: OpaquePointer = rocksdb_options_create()
    rocksdb_options_set_create_if_missing(options, 1)
    rocksdb_options_set_compression(options, Int32(rocksdb_no_compression))
    rocksdb_options_set_write_buffer_size(options, settings.writeBufferBytes)
    rocksdb_options_set_max_write_buffer_number(options, Int32(settings.writeBuffers))
    rocksdb_options_set_max_background_jobs(options, 2)
    rocksdb_options_set_level_compaction_dynamic_level_bytes(options, 1)
    rocksdb_options_set_bytes_per_sync(options, 1 << 20)
    rocksdb_options_set_block_based_table_factory(options, table)
    return options
  }

  func put(_ record: Record) throws {
    try Self.checked { failure in
      rocksdb_put(
        database, writing, record.key.characters, record.key.count,
        record.value.characters, record.value.count, &failure)
    }
  }

  func put(_ records: ArraySlice<Record>) throws {
    rocksdb_writebatch_clear(batch)
    for record in records {
      rocksdb_writebatch_put(
        batch, record.key.characters, record.key.count,
        record.value.characters, record.value.count)
    }
    try Self.checked { rocksdb_write(database, writing, batch, &$0) }
  }

  func get(_ key: Bytes, into tally: inout Tally) throws {
    let found = try Self.checked {
      rocksdb_get_pinned(database, reading, key.characters, key.count, &$0)
    }
    guard let found else { return }
    defer { rocksdb_pinnableslice_destroy(found) }
    var count = 0
    let bytes = rocksdb_pinnableslice_value(found, &count)
    tally.add(Bytes(start: bytes, count: count))
  }

  func scan(from key: Bytes?, limit: Int, backward: Bool, into tally: inout Tally) throws {
    let iterator = rocksdb_create_iterator(database, reading)
    defer { rocksdb_iter_destroy(iterator) }
    switch (key, backward) {
    case (nil, false): rocksdb_iter_seek_to_first(iterator)
    case (nil, true): rocksdb_iter_seek_to_last(iterator)
    case (let key?, false): rocksdb_iter_seek(iterator, key.characters, key.count)
    case (let key?, true): rocksdb_iter_seek_for_prev(iterator, key.characters, key.count)
    }
    var left = limit
    while left > 0, rocksdb_iter_valid(iterator) != 0 {
      var count = 0
      let key = rocksdb_iter_key(iterator, &count)
      tally.add(Bytes(start: key, count: count))
      let value = rocksdb_iter_value(iterator, &count)
      tally.add(Bytes(start: value, count: count))
      left -= 1
      guard left > 0 else { break }
      if backward { rocksdb_iter_prev(iterator) } else { rocksdb_iter_next(iterator) }
    }
    try Self.checked { rocksdb_iter_get_error(iterator, &$0) }
  }

  func settle() throws {
    let flushing = rocksdb_flushoptions_create()
    defer { rocksdb_flushoptions_destroy(flushing) }
    try Self.checked { rocksdb_flush(database, flushing, &$0) }
    rocksdb_compact_range(database, nil, 0, nil, 0)
  }

  func close() throws {
    rocksdb_close(database)
    rocksdb_writebatch_destroy(batch)
    rocksdb_writeoptions_destroy(writing)
    rocksdb_readoptions_destroy(reading)
    rocksdb_options_destroy(options)
    rocksdb_cache_destroy(cache)
  }

  /// Runs a call that reports failure by a text of its own allocation.
  @inline(__always)
  @discardableResult
  private static func checked<Result>(
    _ call: (inout UnsafeMutablePointer<CChar>?) -> Result
  ) throws -> Result {
    var failure: UnsafeMutablePointer<CChar>?
    let result = call(&failure)
    if let failure {
      defer { rocksdb_free(failure) }
      throw PeerFailure(description: "RocksDB: " + String(cString: failure))
    }
    return result
  }
}

extension Bytes {
  fileprivate var characters: UnsafePointer<CChar>? {
    baseAddress?.assumingMemoryBound(to: CChar.self)
  }
}
