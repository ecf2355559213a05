import Testing
import VarveFormat
import VarvePlatform
import VarveTestSupport

@testable import Varve

// Stores whose entries lie where a test wants them. The store must do no work of its own
// (`background: .none`), or it would put them in order.

extension SegmentStore {
  /// Freezes the memtable; nobody flushes it before ``flush()``.
  func freezeMemTable() throws {
    try engine.alone { [engine] () throws(StoreError) in try engine.freezeMemTable() }
  }

  /// Flushes, and moves all of level 0 into `level`, which must be empty.
  func flush(toLevel level: UInt8) throws {
    try flush()
    var edit = VersionEdit()
    let segments = engine.versions.current.manifest.segments
    try #require(!segments.contains { $0.level == level })
    for segment in segments where segment.level == 0 { edit.movedSegments[segment.number] = level }
    try engine.versions.commit(edit) { [engine] version in
      engine.views.update { $0.installing(version) }
    }
  }

  /// Does six writes with something before each of the last five, so that the first ends in the
  /// last level and the last in the memtable:
  ///
  /// ```
  /// write   1        2        3        4        5        6
  /// lies in level 6  level 5  level 0  level 0  frozen   active
  /// ```
  func write(inLayers writes: (_ layer: Int) throws -> Void) throws {
    try writes(0)
    try flush(toLevel: 6)
    try writes(1)
    try flush(toLevel: 5)
    try writes(2)
    try flush()
    try writes(3)
    try flush()
    try writes(4)
    try freezeMemTable()
    try writes(5)
  }
}

/// How many files of each kind a store has, and the bytes of all.
struct DirectoryCount: Equatable {
  var logs = 0
  var segments = 0
  var valueFiles = 0
  var manifests = 0
  var bytes: UInt64 = 0
  /// Bytes of segments and value files.
  var dataBytes: UInt64 = 0

  init(_ store: SegmentStore) throws {
    for name in try store.engine.directory.names() {
      if name.hasPrefix("log-") { logs += 1 }
      if name.hasPrefix("segment-") { segments += 1 }
      if name.hasPrefix("values-") { valueFiles += 1 }
      if name.hasPrefix("manifest-") { manifests += 1 }
      let size = try store.engine.directory.status(of: name)?.size ?? 0
      bytes += size
      if name.hasPrefix("segment-") || name.hasPrefix("values-") { dataBytes += size }
    }
  }

  /// Files of data that was flushed.
  var dataFiles: Int { segments + valueFiles }
}
