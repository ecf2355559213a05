import VarveFormat
import VarvePlatform

@testable import Varve

/// Segments made and opened for a test.
enum SegmentFixture {
  static let id = FileID(low: 0x0123_4567_89ab_cdef, high: 0xfedc_ba98_7654_3210)

  /// Writes entries, which are in order, to a file in memory.
  static func write(
    _ entries: [OwnedEntry], id: FileID = id, options: SegmentOptions = SegmentOptions(),
    policy: SegmentBlockPolicy = SegmentBlockPolicy()
  ) throws -> (file: BytesFile, summary: SegmentSummary) {
    let file = BytesFile()
    let writer = try SegmentWriter(to: file, id: id, options: options, policy: policy)
    for entry in entries { try entry.withView { try writer.add($0) } }
    return (file, try writer.finish())
  }

  static func open(_ file: BytesFile, _ mode: ReadMode, id: FileID = id) throws -> OpenSegment {
    let access = BlockAccess(
      decompressor: Decompressor(), cache: BlockCache(budget: 4 << 20))
    return switch mode {
    case .mapped: try OpenSegment.open(file.map(), number: 1, id: id, access)
    case .pread:
      try OpenSegment.open(
        FilePieces(file: file, size: UInt64(file.bytes.count)), number: 1, id: id, access)
    }
  }

  static func scan(_ segment: OpenSegment) throws -> [OwnedEntry] {
    let cursor = SegmentCursor(segment)
    var found: [OwnedEntry] = []
    try cursor.seekToFirst()
    while let entry = cursor.entry {
      found.append(OwnedEntry(entry))
      try cursor.next()
    }
    return found
  }

  static func scanBackwards(_ segment: OpenSegment) throws -> [OwnedEntry] {
    let cursor = SegmentCursor(segment)
    var found: [OwnedEntry] = []
    try cursor.seekToLast()
    while let entry = cursor.entry {
      found.append(OwnedEntry(entry))
      try cursor.previous()
    }
    return found
  }

  /// What the segment holds for `key` at `limit`.
  static func find(_ key: [UInt8], _ limit: UInt64, in segment: OpenSegment) throws -> OwnedEntry? {
    try key.withByteView { view in
      try segment.find(view, hash: XXH64.hash(of: view), at: SequenceNumber(limit)).map { found in
        withExtendedLifetime(found.owner) {
          OwnedEntry(
            key, found.sequence.rawValue, found.kind, expiry: found.expiry,
            value: found.value.array)
        }
      }
    }
  }
}
