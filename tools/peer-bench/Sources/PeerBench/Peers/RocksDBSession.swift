import CRocksDB
import Foundation

/// RocksDB as one thread works with it.
final class RocksDBSession: PeerSession {
  private let handles: RocksDBHandles
  private let database: OpaquePointer
  private let reading = rocksdb_readoptions_create()
  private let writing = rocksdb_writeoptions_create()
  private let batch = rocksdb_writebatch_create()

  init(_ handles: RocksDBHandles, isDurable: Bool) {
    self.handles = handles
    database = handles.database
    rocksdb_readoptions_set_verify_checksums(reading, 1)
    rocksdb_writeoptions_set_sync(writing, isDurable ? 1 : 0)
  }

  func put(_ key: Bytes, _ value: Bytes) throws {
    try RocksDBHandles.checked {
      rocksdb_put(
        database, writing, key.characters, key.count, value.characters, value.count, &$0)
    }
  }

  func put(_ puts: ArraySlice<Operation>) throws {
    rocksdb_writebatch_clear(batch)
    for put in puts {
      rocksdb_writebatch_put(
        batch, put.key.characters, put.key.count, put.value.characters, put.value.count)
    }
    try RocksDBHandles.checked { rocksdb_write(database, writing, batch, &$0) }
  }

  func delete(_ key: Bytes) throws {
    try RocksDBHandles.checked {
      rocksdb_delete(database, writing, key.characters, key.count, &$0)
    }
  }

  func get(_ key: Bytes, into tally: inout Tally) throws {
    let found = try RocksDBHandles.checked {
      rocksdb_get_pinned(database, reading, key.characters, key.count, &$0)
    }
    if let found { Self.add(found, to: &tally) }
  }

  func get(_ keys: ArraySlice<Operation>, into tally: inout Tally) throws {
    let count = keys.count
    try withUnsafeTemporaryAllocation(of: OpaquePointer?.self, capacity: count) { found in
      try withUnsafeTemporaryAllocation(
        of: UnsafeMutablePointer<CChar>?.self, capacity: count
      ) { failures in
        failures.initialize(repeating: nil)
        rocksdb_batched_multi_get_cf(
          database, reading, handles.family, count, keys.map { $0.key.characters },
          keys.map { $0.key.count }, found.baseAddress, failures.baseAddress, false)
        for place in 0..<count {
          try RocksDBHandles.checked { $0 = failures[place] }
          if let value = found[place] { Self.add(value, to: &tally) }
        }
      }
    }
  }

  private static func add(_ found: OpaquePointer, to tally: inout Tally) {
    defer { rocksdb_pinnableslice_destroy(found) }
    var count = 0
    let bytes = rocksdb_pinnableslice_value(found, &count)
    tally.add(Bytes(start: bytes, count: count))
  }

  func scan(_ scan: Scan, into tally: inout Tally) throws {
    let iterator: OpaquePointer = rocksdb_create_iterator(database, reading)
    defer { rocksdb_iter_destroy(iterator) }
    switch (scan.start, scan.isBackward) {
    case (nil, false): rocksdb_iter_seek_to_first(iterator)
    case (nil, true): rocksdb_iter_seek_to_last(iterator)
    case (let key?, false): rocksdb_iter_seek(iterator, key.characters, key.count)
    case (let key?, true): rocksdb_iter_seek_for_prev(iterator, key.characters, key.count)
    }
    var left = scan.limit
    while left > 0, rocksdb_iter_valid(iterator) != 0 {
      var count = 0
      let start = rocksdb_iter_key(iterator, &count)
      let key = Bytes(start: start, count: count)
      guard scan.includes(key) else { break }
      tally.add(key)
      let value = rocksdb_iter_value(iterator, &count)
      tally.add(Bytes(start: value, count: count))
      left -= 1
      guard left > 0 else { break }
      if scan.isBackward { rocksdb_iter_prev(iterator) } else { rocksdb_iter_next(iterator) }
    }
    try RocksDBHandles.checked { rocksdb_iter_get_error(iterator, &$0) }
  }

  /// Its own way: a sorted file is written beside the store and taken in by a move.
  func bulkImport(_ operations: [Operation]) throws {
    let environment = rocksdb_envoptions_create()
    defer { rocksdb_envoptions_destroy(environment) }
    let writer = rocksdb_sstfilewriter_create(environment, handles.options)
    defer { rocksdb_sstfilewriter_destroy(writer) }
    let path = handles.directory + "/import.sst"
    try RocksDBHandles.checked { rocksdb_sstfilewriter_open(writer, path, &$0) }
    for put in operations {
      try RocksDBHandles.checked {
        rocksdb_sstfilewriter_put(
          writer, put.key.characters, put.key.count, put.value.characters, put.value.count, &$0)
      }
    }
    try RocksDBHandles.checked { rocksdb_sstfilewriter_finish(writer, &$0) }
    let taking = rocksdb_ingestexternalfileoptions_create()
    defer { rocksdb_ingestexternalfileoptions_destroy(taking) }
    rocksdb_ingestexternalfileoptions_set_move_files(taking, 1)
    try RocksDBHandles.checked { failure in
      path.withCString { rocksdb_ingest_external_file(database, [$0], 1, taking, &failure) }
    }
  }

  func close() {
    rocksdb_writebatch_destroy(batch)
    rocksdb_writeoptions_destroy(writing)
    rocksdb_readoptions_destroy(reading)
  }
}
