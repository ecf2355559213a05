import CRocksDB
import Foundation

/// RocksDB by its C interface, tuned as its wiki advises for data that fits into memory.
///
/// Each write goes to its log, which is synced only when durable puts are asked for. Where the
/// wiki's general advice is slower in memory, its defaults stay: blocks of 4 KiB, index and filters
/// outside the cache. Its compression by default is Snappy.
final class RocksDBPeer: Peer, @unchecked Sendable {
  static let name = "RocksDB"
  static let traits = PeerTraits(hasLog: true, cutsFiles: true, compresses: true)

  private let handles: RocksDBHandles
  private let options: OpaquePointer
  private let cache: OpaquePointer
  private let isDurable: Bool

  init(in directory: String, _ settings: PeerSettings) throws {
    let cache: OpaquePointer = rocksdb_cache_create_lru(settings.cacheBytes)
    let options = Self.options(settings, cache)
    var family: OpaquePointer?
    let database = try RocksDBHandles.checked { failure in
      "default".withCString { name in
        rocksdb_open_column_families(
          options, directory + "/store", 1, [name], [options], &family, &failure)
      }
    }
    guard let database, let family else { throw PeerFailure(description: "RocksDB: no store") }
    handles = RocksDBHandles(
      database: database, family: family, options: options, directory: directory)
    self.options = options
    self.cache = cache
    isDurable = settings.isDurable
  }

  private static func options(_ settings: PeerSettings, _ cache: OpaquePointer) -> OpaquePointer {
    let table = rocksdb_block_based_options_create()
    defer { rocksdb_block_based_options_destroy(table) }
    rocksdb_block_based_options_set_filter_policy(table, rocksdb_filterpolicy_create_bloom_full(10))
    rocksdb_block_based_options_set_block_cache(table, cache)
    rocksdb_block_based_options_set_format_version(table, 5)

    let options: OpaquePointer = rocksdb_options_create()
    rocksdb_options_set_create_if_missing(options, 1)
    if settings.compression == .none {
      rocksdb_options_set_compression(options, Int32(rocksdb_no_compression))
    }
    rocksdb_options_set_write_buffer_size(options, settings.writeBufferBytes)
    rocksdb_options_set_max_write_buffer_number(options, Int32(settings.writeBuffers))
    rocksdb_options_set_max_background_jobs(options, 2)
    rocksdb_options_set_level_compaction_dynamic_level_bytes(options, 1)
    rocksdb_options_set_bytes_per_sync(options, 1 << 20)
    if let bytes = settings.fileBytes {
      rocksdb_options_set_target_file_size_base(options, UInt64(bytes))
    }
    rocksdb_options_set_block_based_table_factory(options, table)
    return options
  }

  func session() throws -> RocksDBSession { RocksDBSession(handles, isDurable: isDurable) }

  func cut() throws {
    let flushing = rocksdb_flushoptions_create()
    defer { rocksdb_flushoptions_destroy(flushing) }
    try RocksDBHandles.checked { rocksdb_flush(handles.database, flushing, &$0) }
  }

  func settle() throws {
    try cut()
    rocksdb_compact_range(handles.database, nil, 0, nil, 0)
  }

  func close() throws {
    rocksdb_column_family_handle_destroy(handles.family)
    rocksdb_close(handles.database)
    rocksdb_options_destroy(options)
    rocksdb_cache_destroy(cache)
  }
}

/// What the sessions of one open store share.
struct RocksDBHandles {
  var database: OpaquePointer
  var family: OpaquePointer
  var options: OpaquePointer
  var directory: String

  /// Runs a call that reports failure by a text of its own allocation.
  @inline(__always)
  @discardableResult
  static func checked<Result>(
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
