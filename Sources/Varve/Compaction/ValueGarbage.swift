import VarveFormat

/// Which value files hold too much that no segment points to.
///
/// A file's live bytes are what all segments together point to in it. Pointers in memtables and logs
/// are not seen here, so files that may have such pointers are left out by the caller.
struct ValueGarbage: Sendable {
  /// Files below the wanted live share that something still points to, the emptiest first.
  let files: [File]
  /// Bytes of values in all files that were looked at, and how many of them are garbage.
  let totalBytes: UInt64
  let garbageBytes: UInt64

  struct File: Equatable, Sendable {
    let number: UInt64
    let liveBytes: UInt64
    let valueBytes: UInt64
  }

  init(
    _ segments: [SegmentRecord], _ valueFiles: [ValueFileRecord], excluding open: Set<UInt64>,
    livePercent: UInt64
  ) {
    var live: [UInt64: UInt64] = [:]
    for segment in segments {
      for reference in segment.valueReferences {
        live[reference.file] = (live[reference.file] ?? 0).addingStated(reference.bytes)
      }
    }
    let settled = valueFiles.filter { !open.contains($0.number) }
    let all = settled.map {
      File(number: $0.number, liveBytes: live[$0.number] ?? 0, valueBytes: $0.valueBytes)
    }
    totalBytes = all.statedSum(\.valueBytes)
    garbageBytes = all.statedSum { $0.valueBytes - min($0.valueBytes, $0.liveBytes) }
    // What nobody points to at all leaves with the next manifest, without a compaction.
    files = all.filter { live[$0.number] != nil && $0.isPoor(livePercent) }
      .sorted { ($0.liveShare, $0.number) < ($1.liveShare, $1.number) }
  }
}

extension ValueGarbage.File {
  fileprivate var liveShare: Double { Double(liveBytes) / Double(max(1, valueBytes)) }

  fileprivate func isPoor(_ livePercent: UInt64) -> Bool {
    liveShare * 100 < Double(livePercent)
  }
}

extension SegmentRecord {
  /// Stored bytes of the values this segment points to in `files`.
  func referencedBytes(in files: Set<UInt64>) -> UInt64 {
    valueReferences.statedSum { files.contains($0.file) ? $0.bytes : 0 }
  }

  /// Stored bytes of all values this segment points to.
  var referencedBytes: UInt64 { valueReferences.statedSum(\.bytes) }
}
