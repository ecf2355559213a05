import VarveFormat

/// How much of the value files no segment points to, and which of them to empty.
///
/// A file's live bytes are what all segments together point to in it. Pointers in memtables and logs
/// are not seen here, so files that may have such pointers are left out by the caller.
///
/// Moving what is live out of a file costs as much as is live in it, so the emptiest go first, and
/// as few of them as will do: where every key is as likely to be overwritten as any other, and half
/// of all bytes are garbage, the emptiest file is nearly four fifths garbage.
struct ValueGarbage: Sendable {
  /// Files that something still points to, the emptiest first.
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
    _ segments: [SegmentRecord], _ valueFiles: [ValueFileRecord], excluding open: Set<UInt64>
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
    garbageBytes = all.statedSum(\.garbageBytes)
    // What nobody points to at all leaves with the next manifest, without a compaction.
    files = all.filter { live[$0.number] != nil }
      .sorted { ($0.liveShare, $0.number) < ($1.liveShare, $1.number) }
  }

  /// Bytes of values that segments point to.
  var liveBytes: UInt64 { totalBytes - garbageBytes }

  /// The share of garbage in all files, 0...1.
  var share: Double { Double(garbageBytes) / Double(max(1, totalBytes)) }

  /// Files of which less than `percent` is live.
  func files(below percent: UInt64) -> [File] {
    files.filter { $0.liveShare * 100 < Double(percent) }
  }

  /// The emptiest files, as many as must go to leave no more than `percent` of garbage.
  func files(leaving percent: UInt64) -> [File] {
    var (garbage, total) = (Double(garbageBytes), Double(totalBytes))
    return Array(
      files.prefix { file in
        guard garbage * 100 > total * Double(percent), file.garbageBytes > 0 else { return false }
        garbage -= Double(file.garbageBytes)
        total -= Double(file.garbageBytes)
        return true
      })
  }
}

extension ValueGarbage.File {
  fileprivate var garbageBytes: UInt64 { valueBytes - min(valueBytes, liveBytes) }
  fileprivate var liveShare: Double { Double(liveBytes) / Double(max(1, valueBytes)) }
}

extension SegmentRecord {
  /// Stored bytes of the values this segment points to in `files`.
  func referencedBytes(in files: Set<UInt64>) -> UInt64 {
    valueReferences.statedSum { files.contains($0.file) ? $0.bytes : 0 }
  }

  /// Stored bytes of all values this segment points to.
  var referencedBytes: UInt64 { valueReferences.statedSum(\.bytes) }
}
