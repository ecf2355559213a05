import VarveFormat
import VarvePlatform

/// One thing met on the way through a value file.
enum ValueFileItem: Equatable {
  /// A value: where it begins, what its header says, and what is wrong with its bytes.
  case value(offset: UInt64, StoredValueHeader, damage: FormatError?)
  /// Bytes of a write that failed.
  case gap(offset: UInt64, count: UInt64)
  /// The end record of a sealed file.
  case end(offset: UInt64, ValueFileCounts)
  /// A place from which there is no way on: how a growing file ends, or damage in a sealed one.
  case unreadable(FormatError)

  func finding(in file: String) -> Finding? {
    switch self {
    case .value(_, _, let damage): damage.map { Finding($0, in: file) }
    case .gap, .end: nil
    case .unreadable(let error): Finding(error, in: file)
    }
  }
}

/// Reads all records of a value file in order, checking places, headers, zeros and values.
///
/// It stops at the first header that cannot be read and says so; it never searches for the next.
/// Raw values are read in pieces, compressed ones whole, since they have to be decoded.
struct ValueFileScanner {
  private static let pieceBytes: UInt64 = 1 << 20

  let id: FileID
  private let pieces: FilePieces
  private var walk: ValueFileWalk
  /// Nil: values are not checked.
  private let decompressor: Decompressor?
  private let window = AlignedBuffer(capacity: 8 << 10)
  private var isOver = false

  init(_ pieces: FilePieces, checkingWith decompressor: Decompressor?) throws(StoreError) {
    self.pieces = pieces
    self.decompressor = decompressor
    let header = try pieces.read(min(pieces.size, UInt64(FileHeader.byteCount)), at: 0)
    do throws(FormatError) {
      id = try FileHeader(decoding: header.view(), as: .values).identity
    } catch {
      throw StoreError(error, in: pieces.file.name)
    }
    walk = ValueFileWalk(id: id, size: pieces.size)
  }

  var size: UInt64 { pieces.size }
  /// Where the last record ended.
  var position: UInt64 { walk.position }
  var counts: ValueFileCounts { walk.counts }
  /// True once the end record was met.
  var isWhole: Bool { walk.isSealed }

  /// The next item; nil after the end record, after something unreadable, and where the file ends
  /// without an end record.
  mutating func next() throws(StoreError) -> ValueFileItem? {
    guard !isOver, !walk.isSealed else { return nil }
    let count = walk.windowCount
    try pieces.read(count, at: walk.position, into: window)
    let step: ValueFileWalk.Step
    do throws(FormatError) { step = try walk.next(window.view(count: count)) } catch {
      isOver = true
      return .unreadable(error)
    }
    switch step.record {
    case .value(let header):
      return .value(offset: step.value, header, damage: try damage(of: header, at: step.value))
    case .gap(let count): return .gap(offset: step.value, count: count)
    case .end(let counts): return .end(offset: step.header, counts)
    }
  }
}

// MARK: - Checking a value

extension ValueFileScanner {
  private func damage(
    of header: StoredValueHeader, at offset: UInt64
  ) throws(StoreError) -> FormatError? {
    guard let decompressor else { return nil }
    guard header.codec != .none else { return try rawDamage(of: header, at: offset) }
    let stored = try pieces.read(UInt64(header.storedCount), at: offset)
    let sum = CRC32C.checksum(of: stored.view(), in: id, at: offset)
    if let damage = mismatch(header, sum, at: offset) { return damage }
    do throws(FormatError) {
      _ = try decompressor.decompress(
        stored.view(), header.codec, fullCount: Int(header.fullCount), limit: Limits.valueBytes,
        at: offset)
      return nil
    } catch {
      return error
    }
  }

  private func rawDamage(
    of header: StoredValueHeader, at offset: UInt64
  ) throws(StoreError) -> FormatError? {
    let total = UInt64(header.storedCount)
    let buffer = AlignedBuffer(capacity: Int(min(total, Self.pieceBytes)))
    var sum = CRC32C(in: id, at: offset)
    var done: UInt64 = 0
    while done < total {
      let count = Int(min(total - done, Self.pieceBytes))
      try pieces.read(count, at: offset + done, into: buffer)
      sum.append(buffer.view(count: count))
      done += UInt64(count)
    }
    return mismatch(header, sum.value, at: offset)
  }

  private func mismatch(
    _ header: StoredValueHeader, _ computed: UInt32, at offset: UInt64
  ) -> FormatError? {
    guard computed != header.checksum else { return nil }
    return FormatError(
      .valueRecord, .checksum(stored: header.checksum, computed: computed), at: offset)
  }
}
