// What a reader holds of an open value file.
//
//   mapping   sealed files in mapped mode: raw values are lent from it, checked at the first touch
//   file      pread mode, growing files, and those a crash left: every read is checked
//
// A bit stands for 512 bytes of the file, and is set once the value that begins there was found
// good. Values of 512 stored bytes and more never share a bit, since at least that much lies between
// their beginnings; smaller ones are checked at every read, for 20 ns. So a value is covered by its
// own checksum and one bit, where bits for 64-KiB pieces could not say which values of a piece were
// checked; and the bits of a 256-MiB file take 64 KiB.

import VarveFormat
import VarvePlatform

/// A value, or its stored form, lent by a reader.
struct LentValue {
  let bytes: ByteView
  /// What keeps the bytes alive; nil where they lie in the mapping of the reader.
  let owner: CachedBlock?
}

/// A value file whose header, and end record where it is sealed, were found good.
final class OpenValueFile: Sendable {
  enum Source: Sendable {
    case mapping(MappedFile)
    case file(any File)
  }

  /// How far pointers may reach.
  enum Extent: Sendable {
    case fixed(UInt64)
    case growing(ValueFileWriter)

    var end: UInt64 {
      switch self {
      case .fixed(let end): end
      case .growing(let writer): writer.size
      }
    }
  }

  private static let touchShift: UInt64 = 9
  /// Values lent from memory of their own go to the cache up to this size.
  private static let cachedBytes = 256 << 10

  let name: String
  let number: UInt64
  let id: FileID
  private let source: Source
  /// The file for those who move its values.
  private let passage: (any File)?
  /// The file where it lies in the bucket: passing by is another way than reading there.
  private let cold: ColdFile?
  /// The whole file where it is mapped: at hand without a reference to the mapping.
  private let mapped: ByteView?
  private let extent: Extent
  private let touched: TouchedBits
  private let access: BlockAccess

  init(
    _ name: String, number: UInt64, id: FileID, _ source: Source, _ extent: Extent,
    _ access: BlockAccess
  ) {
    self.name = name
    self.number = number
    self.id = id
    self.source = source
    self.extent = extent
    self.access = access
    mapped = if case .mapping(let mapping) = source { mapping.bytes } else { nil }
    passage = if case .file(let file) = source { file.passing() } else { nil }
    cold = if case .file(let file) = source { (file as? ReadFile)?.cold } else { nil }
    touched = TouchedBits(count: mapped.map { $0.count >> Int(Self.touchShift) + 1 } ?? 0)
  }

  var memoryBytes: Int { touched.memoryBytes }
}

// MARK: - Values

extension OpenValueFile {
  /// Says that bytes of the file are read soon.
  func expect(_ range: Range<UInt64>) {
    switch source {
    case .mapping(let mapping): mapping.expect(.soon(range))
    case .file(let file): file.expect(range)
    }
  }

  /// The same where a walk begins: what is mapped is read as it is touched.
  func expectFirst(_ range: Range<UInt64>) {
    if case .file(let file) = source { file.expect(range) }
  }

  /// The value, uncompressed.
  func value(for pointer: ValuePointer) throws(StoreError) -> LentValue {
    if let mapped, pointer.codec == .none {
      return LentValue(bytes: try storedBytes(of: pointer, in: mapped), owner: nil)
    }
    guard pointer.file == number, pointer.fullCount <= Self.cachedBytes else {
      return try ownedValue(for: pointer)
    }
    let key = BlockKey(file: number, place: pointer.offset)
    let block = try access.cache.block(for: key) { () throws(StoreError) in
      try ownedBlock(for: pointer)
    }
    // Another pointer may have brought the block here: this one has to agree with it, and is
    // refused with the right error where it does not.
    guard block.count == Int(pointer.fullCount) else { return try ownedValue(for: pointer) }
    return LentValue(bytes: block.bytes, owner: block)
  }

  /// The value for one who passes by: of a cold file, whose slots stay in memory, it is not kept as well, and
  /// lent from its slot where all of it lies there.
  func valueInPassing(for pointer: ValuePointer) throws(StoreError) -> LentValue {
    guard let cold else { return try value(for: pointer) }
    let inSlot = try lent(pointer, from: cold)
    let stored = if let inSlot { inSlot } else { try read(pointer, from: cold) }
    guard pointer.codec != .none else { return stored }
    let block = try uncompressed(stored, pointer)
    return LentValue(bytes: block.bytes, owner: block)
  }

  /// The value as it is stored, in memory of its own: for moving it to another file. It is checked there,
  /// whoever found it good before: a mapping may change with its page at any moment, also behind a check,
  /// and a fresh checksum would hide that.
  ///
  /// - Parameter claims: of the walk that the pointer was met on.
  func storedCopy(
    of pointer: ValuePointer, claiming claims: inout ValueClaims
  ) throws(StoreError) -> LentValue {
    do throws(FormatError) { try check(pointer) } catch { throw StoreError(error, in: name) }
    guard claims.claim(pointer, of: extent.end) else {
      throw StoreError(
        .corrupted, "pointers name more values than there are", file: name,
        structure: FormatError.Structure.valuePointer.rawValue, offset: pointer.offset)
    }
    switch source {
    case .mapping(let mapping): return try copied(pointer, from: mapping.bytes)
    case .file(let file): return try read(pointer, from: passage ?? file)
    }
  }

  private func stored(for pointer: ValuePointer) throws(StoreError) -> LentValue {
    switch source {
    case .mapping(let mapping):
      return LentValue(bytes: try storedBytes(of: pointer, in: mapping.bytes), owner: nil)
    case .file(let file): return try read(pointer, from: file)
    }
  }

  private func ownedValue(for pointer: ValuePointer) throws(StoreError) -> LentValue {
    let block = try ownedBlock(for: pointer)
    return LentValue(bytes: block.bytes, owner: block)
  }

  /// The uncompressed value in memory of its own.
  private func ownedBlock(for pointer: ValuePointer) throws(StoreError) -> CachedBlock {
    try uncompressed(try stored(for: pointer), pointer)
  }

  private func uncompressed(
    _ stored: LentValue, _ pointer: ValuePointer
  ) throws(StoreError) -> CachedBlock {
    defer { withExtendedLifetime(stored.owner) {} }
    do throws(FormatError) {
      let buffer = try access.decompressor.decompress(
        stored.bytes, pointer.codec, fullCount: Int(pointer.fullCount), limit: Limits.valueBytes,
        at: pointer.offset)
      return CachedBlock(buffer, count: buffer.capacity)
    } catch {
      throw StoreError(error, in: name)
    }
  }
}

// MARK: - Stored bytes, checked

extension OpenValueFile {
  @inline(__always)
  private func storedBytes(
    of pointer: ValuePointer, in file: ByteView
  ) throws(StoreError) -> ByteView {
    do throws(FormatError) {
      try check(pointer)
      let offset = Int(pointer.offset)
      // Both parts lie in the file: the pointer was checked against its size.
      guard
        let header = file.part(
          at: offset - ValueRecord.headerBytes, count: ValueRecord.headerBytes),
        let stored = file.part(at: offset, count: Int(pointer.storedCount))
      else { throw FormatError(.valuePointer, .limit("offset"), at: pointer.offset) }
      header.prefetch(1)
      // The lines behind these the processor asks for by itself, as they are read.
      stored.prefetch(512)
      if !isKnown(header, pointer) { try check(header, stored, pointer) }
      return stored
    } catch {
      throw StoreError(error, in: name)
    }
  }

  /// Whether the value was found good before.
  @inline(__always)
  private func isKnown(_ header: ByteView, _ pointer: ValuePointer) -> Bool {
    // The bit was set by a pointer that agreed with the header: this one has to agree as well.
    hasBit(pointer) && touched.contains(Int(pointer.offset >> Self.touchShift))
      && StoredValueHeader.isStated(by: header, for: pointer)
  }

  @inline(__always)
  private func hasBit(_ pointer: ValuePointer) -> Bool {
    pointer.storedCount >= 1 << Self.touchShift
  }

  /// Checks a value. One found damaged is checked again by whoever comes next.
  private func check(
    _ header: ByteView, _ stored: ByteView, _ pointer: ValuePointer
  ) throws(FormatError) {
    expectWhole(pointer)
    try check(header, against: pointer)
    do throws(FormatError) { try checkSum(of: stored, pointer) } catch {
      doubt(pointer)
      throw error
    }
    if hasBit(pointer) { touched.insert(Int(pointer.offset >> Self.touchShift)) }
  }

  /// Asks for all of a mapped value that nobody touched yet.
  private func expectWhole(_ pointer: ValuePointer) {
    guard hasBit(pointer), !touched.contains(Int(pointer.offset >> Self.touchShift)),
      case .mapping(let mapping) = source
    else { return }
    let start = pointer.offset - UInt64(ValueRecord.headerBytes)
    mapping.expectWhole(start..<pointer.offset + UInt64(pointer.storedCount))
  }

  /// Lets whoever comes next check the value again.
  private func doubt(_ pointer: ValuePointer) {
    if hasBit(pointer) { touched.remove(Int(pointer.offset >> Self.touchShift)) }
  }

  /// Header and value in a copy of their own, checked there.
  private func copied(
    _ pointer: ValuePointer, from file: ByteView
  ) throws(StoreError) -> LentValue {
    do throws(FormatError) { try check(pointer) } catch { throw StoreError(error, in: name) }
    expectWhole(pointer)
    // As many bytes as a read takes: the pointer was checked against the file's size.
    let whole = file.dropping(Int(pointer.offset) - 64).prefix(64 + Int(pointer.storedCount))
    let buffer = AlignedBuffer(capacity: whole.count)
    buffer.copy(whole)
    let block = CachedBlock(buffer, count: whole.count)
    do throws(StoreError) { return try checked(block.bytes, of: block, pointer) } catch {
      doubt(pointer)
      throw error
    }
  }

  /// The value where it lies in memory as it came from the bucket; nil where not all of it does.
  private func lent(
    _ pointer: ValuePointer, from file: ColdFile
  ) throws(StoreError) -> LentValue? {
    do throws(FormatError) { try check(pointer) } catch { throw StoreError(error, in: name) }
    let range = pointer.offset - 64..<pointer.offset + UInt64(pointer.storedCount)
    guard let (slot, start) = file.slot(with: range) else { return nil }
    do throws(StoreError) {
      let bytes = slot.bytes.dropping(Int(range.lowerBound - start)).prefix(range.count)
      return try checked(bytes, of: slot, pointer)
    } catch {
      // Asked for anew it may be right.
      try? file.dropCache()
      return nil
    }
  }

  /// What came from a bucket is asked for once more where it is damaged: the way here may have changed it.
  private func read(_ pointer: ValuePointer, from file: any File) throws(StoreError) -> LentValue {
    do throws(StoreError) { return try readOnce(pointer, from: file) } catch {
      guard error.code == .corrupted, file.isCold else { throw error }
      return try readOnce(pointer, from: file)
    }
  }

  /// Reads header and value in one call. 64 bytes before the value are read, so that it comes to
  /// lie at a multiple of 64 in the buffer.
  private func readOnce(
    _ pointer: ValuePointer, from file: any File
  ) throws(StoreError) -> LentValue {
    do throws(FormatError) { try check(pointer) } catch { throw StoreError(error, in: name) }
    let count = 64 + Int(pointer.storedCount)
    let buffer = AlignedBuffer(capacity: count)
    let found: Int
    do throws(FileSystemError) {
      found = try file.read(into: buffer, count: count, at: pointer.offset - 64)
      try checkRead(found, of: count, at: pointer, in: file)
    } catch {
      throw StoreError(error)
    }
    let block = CachedBlock(buffer, count: found)
    do throws(StoreError) { return try checked(block.bytes, of: block, pointer) } catch {
      // What was kept of the file on the way here may be what is damaged: the next reader asks anew.
      try? file.dropCache()
      throw error
    }
  }

  /// The value in bytes of `owner` that begin 64 before it.
  private func checked(
    _ bytes: ByteView, of owner: CachedBlock, _ pointer: ValuePointer
  ) throws(StoreError) -> LentValue {
    do throws(FormatError) {
      try check(bytes.dropping(64 - ValueRecord.headerBytes), against: pointer)
      guard let stored = bytes.part(at: 64, count: Int(pointer.storedCount)) else {
        throw FormatError(.valueRecord, .truncated, at: pointer.offset - 64 + UInt64(bytes.count))
      }
      try checkSum(of: stored, pointer)
      return LentValue(bytes: stored, owner: owner)
    } catch {
      throw StoreError(error, in: name)
    }
  }

  /// Throws where a read returned less than there is. That is no damage: a recovery takes a damaged value
  /// for one that the crash tore, and would drop what was acknowledged.
  private func checkRead(
    _ found: Int, of count: Int, at pointer: ValuePointer, in file: any File
  ) throws(FileSystemError) {
    guard found < count, try file.size() >= pointer.offset + UInt64(pointer.storedCount) else {
      return
    }
    throw FileSystemError(.read, .short, path: name)
  }

  /// Whether the pointer points into this file at all. Nothing is read or allocated before.
  @inline(__always)
  private func check(_ pointer: ValuePointer) throws(FormatError) {
    guard pointer.file == number else {
      throw FormatError(.valuePointer, .value("file number"), at: pointer.offset)
    }
    let end = extent.end
    guard pointer.offset >= ValuePlace.firstValue, pointer.offset & 7 == 0, pointer.offset <= end,
      UInt64(pointer.storedCount) <= end - pointer.offset, pointer.fullCount <= Limits.valueBytes
    else { throw FormatError(.valuePointer, .limit("offset"), at: pointer.offset) }
  }

  private func check(
    _ header: ByteView, against pointer: ValuePointer
  ) throws(FormatError) {
    let offset = pointer.offset - UInt64(ValueRecord.headerBytes)
    guard case .value(let value) = try ValueRecord(decoding: header, in: id, at: offset) else {
      throw FormatError(.valueRecord, .value("record type"), at: offset)
    }
    guard value.matches(pointer) else {
      throw FormatError(.valuePointer, .value("length, checksum or codec"), at: pointer.offset)
    }
  }

  private func checkSum(of stored: ByteView, _ pointer: ValuePointer) throws(FormatError) {
    let computed = CRC32C.checksum(of: stored, in: id, at: pointer.offset)
    guard computed == pointer.checksum else {
      throw FormatError(
        .valueRecord, .checksum(stored: pointer.checksum, computed: computed), at: pointer.offset)
    }
  }
}
