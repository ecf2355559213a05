import VarveFormat
import VarvePlatform

@testable import Varve

extension FuzzTarget {
  /// A whole segment: opened in both ways, checked deeply, walked both ways, asked for keys.
  static let segment = FuzzTarget("segment", upTo: 32 << 10, sign: { $0.signSegment() }) { bytes in
    let file = MemoryFile(bytes, name: "segment-0000000000000001")
    defer { withExtendedLifetime(file) {} }
    let id = FileID(low: bytes.uint64(at: 32) ?? 0, high: bytes.uint64(at: 40) ?? 0)
    let pieces = FilePieces(file: file, size: UInt64(bytes.count))
    let access = BlockAccess(decompressor: Decompressor(), cache: BlockCache(budget: 1 << 20))
    let isSound = SegmentExam.isSound(pieces, id)
    let mapped = SegmentExam(of: bytes.count) { () throws(StoreError) in
      try OpenSegment.open(file.mapped, number: 1, id: id, access)
    }
    let read = SegmentExam(of: bytes.count) { () throws(StoreError) in
      try OpenSegment.open(pieces, number: 2, id: id, access)
    }
    promise(mapped.forward == read.forward, "a mapped segment shows something else")
    promise(mapped.backward == read.backward, "a mapped segment shows something else backward")
    guard isSound else { return }
    for exam in [mapped, read] { exam.checkSound() }
  }
}

/// Everything that one way of reading finds in a segment.
struct SegmentExam {
  /// A hostile index can lead to the same block again and again; nobody needs to follow it for ever.
  private static let mostEntries = 4_000

  private(set) var forward: [SeenEntry] = []
  private(set) var backward: [SeenEntry] = []
  private var size: Int
  private var segment: OpenSegment?
  private var isRefused = false

  init(of size: Int, _ open: () throws(StoreError) -> OpenSegment) {
    self.size = size
    segment = attempt(open)
    guard let segment else { return }
    forward = walk(segment, order: .ascending)
    backward = walk(segment, order: .descending)
    for entry in forward.prefix(200) { ask(segment, entry) }
    _ = attempt { () throws(StoreError) in try segment.middleKey() }
    _ = attempt { () throws(StoreError) in try segment.checkIndex() }
  }

  /// What `body` gives; nil where it refuses what is stored, which it does as it must.
  private mutating func attempt<Result>(_ body: () throws(StoreError) -> Result) -> Result? {
    do throws(StoreError) { return try body() } catch {
      isRefused = true
      promise([.corrupted, .incompatible].contains(error.code), "\(error)")
      promise(error.file != nil && error.offset ?? .max <= UInt64(size), "\(error)")
      return nil
    }
  }

  private mutating func walk(_ segment: OpenSegment, order: ScanOrder) -> [SeenEntry] {
    var found: [SeenEntry] = []
    let cursor = SegmentCursor(segment)
    _ = attempt { () throws(StoreError) in
      try order == .ascending ? cursor.seekToFirst() : cursor.seekToLast()
      while let entry = cursor.entry, found.count < Self.mostEntries {
        found.append(SeenEntry(entry))
        try order == .ascending ? cursor.next() : cursor.previous()
      }
    }
    return found
  }

  private mutating func ask(_ segment: OpenSegment, _ entry: SeenEntry) {
    entry.key.withByteView { key in
      _ = attempt { () throws(StoreError) in try Self.find(entry, in: segment) }
      _ = attempt { () throws(StoreError) in try segment.approximateBytes(from: key, to: nil) }
      _ = attempt { () throws(StoreError) in
        let cursor = SegmentCursor(segment)
        try cursor.seek(before: key, entry.sequence)
      }
    }
  }

  private static func find(
    _ entry: SeenEntry, in segment: OpenSegment
  ) throws(StoreError) -> SeenEntry? {
    try entry.key.withByteView { key throws(StoreError) in
      try segment.find(key, hash: XXH64.hash(of: key), at: entry.sequence).map {
        SeenEntry(
          EntryView(
            key: key, sequence: $0.sequence, kind: $0.kind, expiry: $0.expiry, value: $0.value))
      }
    }
  }
}

// MARK: - Sound ones

extension SegmentExam {
  /// Whether the deep check finds nothing wrong.
  static func isSound(_ pieces: FilePieces, _ id: FileID) -> Bool {
    var isSound = true
    let verifier = SegmentVerifier(pieces, id: id, decompressor: Decompressor()) { finding in
      isSound = false
      let isPointer = finding.structure == FormatError.Structure.valuePointer.rawValue
      promise(isPointer || finding.offset <= pieces.size, "\(finding)")
    }
    verifier.run()
    return isSound
  }

  /// What the deep check found nothing wrong with is read without an error, and everything agrees.
  func checkSound() {
    promise(!isRefused, "a sound segment is refused")
    guard let segment, forward.count < Self.mostEntries else { return }
    promise(UInt64(forward.count) == segment.properties.entryCount, "entries are missing")
    promise(backward == forward.reversed(), "a walk back finds something else")
    promise(zip(forward, forward.dropFirst()).allSatisfy(<), "entries out of order")
    for entry in forward.prefix(200) {
      let found = try? Self.find(entry, in: segment)
      promise(found == entry, "an entry is not found")
    }
  }
}

/// An entry that was seen, copied.
struct SeenEntry: Equatable {
  var key: [UInt8]
  var sequence: SequenceNumber
  var kind: EntryKind
  var expiry: ExpiryTime
  var value: [UInt8]

  init(_ entry: EntryView) {
    key = entry.key.array
    sequence = entry.sequence
    kind = entry.kind
    expiry = entry.expiry
    value = entry.value.array
  }

  /// In the order of entries: the newest version of a key first.
  static func < (left: SeenEntry, right: SeenEntry) -> Bool {
    let order = left.key.withByteView { key in right.key.withByteView { key.compare($0) } }
    return order == 0 ? left.sequence > right.sequence : order < 0
  }
}
