import VarveFormat
import VarvePlatform

@testable import Varve

/// An entry that owns its bytes.
struct StoredEntry: Equatable, CustomStringConvertible {
  var key: [UInt8]
  var sequence: UInt64
  var kind = EntryKind.put
  var expiry: UInt64 = 0
  var value: [UInt8] = []

  init(
    _ key: [UInt8], _ sequence: UInt64, _ kind: EntryKind = .put, expiry: UInt64 = 0,
    value: [UInt8] = []
  ) {
    self.key = key
    self.sequence = sequence
    self.kind = kind
    self.expiry = expiry
    self.value = value
  }

  init(_ view: EntryView) {
    self.init(
      view.key.array, view.sequence.rawValue, view.kind, expiry: view.expiry,
      value: view.value.array)
  }

  var description: String {
    "\(key.prefix(24))+\(key.count) @\(sequence) \(kind) !\(expiry) \(value.count) bytes"
  }

  func withView<Result>(_ body: (EntryView) throws -> Result) rethrows -> Result {
    try key.withByteView { key in
      try value.withByteView { value in
        try body(
          EntryView(
            key: key, sequence: SequenceNumber(sequence), kind: kind, expiry: expiry, value: value))
      }
    }
  }

  /// In the order of entries.
  static func precedes(_ left: StoredEntry, _ right: StoredEntry) -> Bool {
    left.key == right.key
      ? left.sequence > right.sequence : left.key.lexicographicallyPrecedes(right.key)
  }
}

/// Segments made and opened for a test.
enum SegmentFixture {
  static let id = FileID(low: 0x0123_4567_89ab_cdef, high: 0xfedc_ba98_7654_3210)

  /// Writes entries, which are in order, to a file in memory.
  static func write(
    _ entries: [StoredEntry], id: FileID = id, options: SegmentOptions = SegmentOptions(),
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

  static func scan(_ segment: OpenSegment) throws -> [StoredEntry] {
    let cursor = SegmentCursor(segment)
    var found: [StoredEntry] = []
    try cursor.seekToFirst()
    while let entry = cursor.entry {
      found.append(StoredEntry(entry))
      try cursor.next()
    }
    return found
  }

  static func scanBackwards(_ segment: OpenSegment) throws -> [StoredEntry] {
    let cursor = SegmentCursor(segment)
    var found: [StoredEntry] = []
    try cursor.seekToLast()
    while let entry = cursor.entry {
      found.append(StoredEntry(entry))
      try cursor.previous()
    }
    return found
  }

  /// What the segment holds for `key` at `limit`.
  static func find(_ key: [UInt8], _ limit: UInt64, in segment: OpenSegment) throws -> StoredEntry?
  {
    try key.withByteView { view in
      try segment.find(view, hash: XXH64.hash(of: view), at: SequenceNumber(limit)).map { found in
        withExtendedLifetime(found.owner) {
          StoredEntry(
            key, found.sequence.rawValue, found.kind, expiry: found.expiry,
            value: found.value.array)
        }
      }
    }
  }
}
