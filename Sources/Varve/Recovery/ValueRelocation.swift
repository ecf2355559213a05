import VarveFormat
import VarvePlatform

/// Writes the values again that lie in files no manifest names: what is in them may be only in the
/// page cache.
///
/// ```
///   growing file of the last process      new file, named by the next manifest
///   ── 288 KiB window ──> value checked ──> copied, checksum of its new place ──> pointer
/// ```
///
/// Entries were logged about in the order of their values, so a window serves most values from one
/// read, and both files are walked from end to end. A value is checked in the memory it is copied
/// from: what the disk gives another time does not matter.
final class ValueRelocation {
  private let directory: any Directory
  private let makeOutput: () throws(StoreError) -> ValueFileOutput
  /// Bytes at which a new file is left for the next.
  private let fileBytes: UInt64
  private var source: LeftoverFile?
  private var claims = ValueClaims()
  private var output: ValueFileOutput?
  private var finished: [ValueFileRecord] = []
  /// The numbers of the new files.
  private(set) var begun: Set<UInt64> = []

  /// - Parameter makeOutput: begins a new value file.
  init(
    in directory: any Directory, fileBytes: UInt64,
    _ makeOutput: @escaping () throws(StoreError) -> ValueFileOutput
  ) {
    self.directory = directory
    self.fileBytes = fileBytes
    self.makeOutput = makeOutput
  }

  /// Where the value lies from now on; nil where it is not whole.
  ///
  /// - Throws: where a value cannot be written, or where it is unknown whether it is whole.
  func move(_ pointer: ValuePointer) throws(StoreError) -> ValuePointer? {
    guard let found = try value(of: pointer) else { return nil }
    return try currentOutput().append(
      stored: found.bytes, of: pointer, alignmentShift: found.alignmentShift)
  }

  private func value(of pointer: ValuePointer) throws(StoreError) -> LeftoverFile.Value? {
    do throws(StoreError) {
      if source?.number != pointer.file {
        source = nil
        source = try LeftoverFile(pointer.file, in: directory)
      }
      return try source?.value(of: pointer, claiming: &claims)
    } catch {
      // Whether that is a torn tail or damage is for the caller to tell.
      if error.code == .corrupted { return nil }
      throw error.unreadable(at: pointer)
    }
  }

  private func currentOutput() throws(StoreError) -> ValueFileOutput {
    if let output, output.size < fileBytes { return output }
    try sealOutput()
    let next = try makeOutput()
    begun.insert(next.number)
    output = next
    return next
  }

  private func sealOutput() throws(StoreError) {
    guard let sealed = try output?.seal() else { return }
    finished.append(sealed)
    output = nil
  }

  /// Makes the new files durable and describes them.
  func finish() throws(StoreError) -> [ValueFileRecord] {
    try sealOutput()
    return finished
  }
}

/// A value file that a crash left growing, read from front to back.
private final class LeftoverFile {
  struct Value {
    /// Lent until the next value is asked for.
    var bytes: ByteView
    var alignmentShift: UInt8
  }

  private static let windowBytes: UInt64 = 256 << 10
  /// Threads that wrote at the same time logged their values a little out of order.
  private static let lookBehindBytes: UInt64 = 32 << 10

  let number: UInt64
  private let pieces: FilePieces
  private let id: FileID
  private var window = AlignedBuffer(capacity: Int(windowBytes + lookBehindBytes))
  private var held: Range<UInt64> = 0..<0

  init(_ number: UInt64, in directory: any Directory) throws(StoreError) {
    self.number = number
    let name = FileName(.values, number).description
    do throws(FileSystemError) {
      let file = try directory.open(name)
      pieces = FilePieces(file: file, size: try file.size())
    } catch {
      throw StoreError(error)
    }
    let header = try pieces.read(min(pieces.size, UInt64(FileHeader.byteCount)), at: 0)
    do throws(FormatError) {
      id = try FileHeader(decoding: header.view(), as: .values).identity
    } catch {
      throw StoreError(error, in: name)
    }
  }

  // Nothing was written through it.
  deinit { try? pieces.file.close() }

  /// The value in its stored form, with header and checksum as the pointer says; nil where anything
  /// is not.
  func value(
    of pointer: ValuePointer, claiming claims: inout ValueClaims
  ) throws(StoreError) -> Value? {
    let headerBytes = UInt64(ValueRecord.headerBytes)
    guard pointer.offset >= ValuePlace.firstValue, pointer.offset <= pieces.size,
      UInt64(pointer.storedCount) <= pieces.size - pointer.offset,
      claims.claim(pointer, of: pieces.size)
    else { return nil }
    let record = try bytes(
      pointer.offset - headerBytes..<pointer.offset + UInt64(pointer.storedCount))
    guard let fields = header(record, at: pointer.offset - headerBytes), fields.matches(pointer)
    else { return nil }
    let stored = record.dropping(ValueRecord.headerBytes)
    guard CRC32C.checksum(of: stored, in: id, at: pointer.offset) == pointer.checksum else {
      return nil
    }
    return Value(bytes: stored, alignmentShift: fields.alignmentShift)
  }

  private func header(_ record: ByteView, at offset: UInt64) -> StoredValueHeader? {
    guard case .value(let fields) = try? ValueRecord(decoding: record, in: id, at: offset) else {
      return nil
    }
    return fields
  }

  /// A range that lies in the file, through the window.
  private func bytes(_ range: Range<UInt64>) throws(StoreError) -> ByteView {
    if range.lowerBound < held.lowerBound || range.upperBound > held.upperBound {
      try moveWindow(over: range)
    }
    return window.view().dropping(Int(range.lowerBound - held.lowerBound)).prefix(range.count)
  }

  private func moveWindow(over range: Range<UInt64>) throws(StoreError) {
    let start = range.lowerBound - min(range.lowerBound, Self.lookBehindBytes)
    let end = min(pieces.size, max(range.upperBound, range.lowerBound + Self.windowBytes))
    let count = Int(end - start)
    let usual = Int(Self.windowBytes + Self.lookBehindBytes)
    if window.capacity < count || window.capacity > 4 * max(count, usual) {
      window = AlignedBuffer(capacity: max(count, usual))
    }
    held = 0..<0
    try pieces.read(count, at: start, into: window)
    held = start..<end
  }
}
