import VarveFormat
import VarvePlatform

/// Reads single values of a value file for an examination, trusting nothing.
struct ValuePieces {
  /// Why a value cannot be vouched for.
  enum Failure: Error {
    case format(FormatError)
    case system(FileSystemError)
    case size(found: UInt64, expected: UInt64)
    case identity
  }

  let name: FileName
  private let directory: any Directory
  /// What the manifest says; nil for a file it does not name yet.
  private let record: ValueFileRecord?
  private let file: Result<any File, FileSystemError>
  private let decompressor = Decompressor()

  init(_ record: ValueFileRecord, in directory: any Directory) {
    self.init(FileName(.values, record.number), in: directory, record: record)
  }

  init(_ name: FileName, in directory: any Directory, record: ValueFileRecord? = nil) {
    self.name = name
    self.directory = directory
    self.record = record
    file = Result { () throws(FileSystemError) in try directory.open(name.description) }
  }

  /// Size and header are what the manifest says.
  func checkOutline() throws(Failure) {
    let size = try size()
    if let record, record.size != size {
      throw .size(found: size, expected: record.size)
    }
    let id = try identity()
    if let record, record.id != id { throw .identity }
  }

  /// The last record says that the file was sealed, with what the manifest says it holds.
  func checkEnd() throws(Failure) {
    guard let record, record.size >= ValuePlace.firstValue else { return }
    let offset = record.size - UInt64(ValueRecord.headerBytes)
    let bytes = try read(offset, ValueRecord.headerBytes)
    let counts = ValueFileCounts(values: record.valueCount, bytes: record.valueBytes)
    do throws(FormatError) {
      guard
        try ValueRecord(decoding: bytes.view(), in: record.id, at: offset) == .end(counts)
      else { throw FormatError(.valueRecord, .value("end record"), at: offset) }
    } catch {
      throw .format(error)
    }
  }

  /// The record that `pointer` points to is there and is the one it means. Cheap: 32 bytes; the
  /// value itself is checked where its file is.
  func checkRecord(of pointer: ValuePointer) throws(Failure) {
    let id = try identityOfRecord()
    guard pointer.offset >= ValuePlace.firstValue else {
      throw .format(FormatError(.valuePointer, .value("offset"), at: pointer.offset))
    }
    let offset = pointer.offset - UInt64(ValueRecord.headerBytes)
    let bytes = try read(offset, ValueRecord.headerBytes)
    do throws(FormatError) {
      guard case .value(let header) = try ValueRecord(decoding: bytes.view(), in: id, at: offset),
        header.matches(pointer)
      else {
        throw FormatError(.valueRecord, .value("a field that a pointer knows"), at: offset)
      }
    } catch {
      throw .format(error)
    }
  }

  /// The manifest's word for a file it names, else the file's own.
  private func identityOfRecord() throws(Failure) -> FileID {
    if let record { return record.id }
    return try identity()
  }

  /// The stored bytes of the value have their checksum and decompress to their length.
  ///
  /// - Parameter claims: of the walk that the pointer was met on.
  func check(
    _ pointer: ValuePointer, claiming claims: inout ValueClaims
  ) throws(Failure) {
    let (id, size) = (try identityOfRecord(), try size())
    let bytes = try read(pointer.offset, Int(pointer.storedCount)) {
      claims.claim(pointer, of: size)
    }
    do throws(FormatError) {
      let view = bytes.view()
      let computed = CRC32C.checksum(of: view, in: id, at: pointer.offset)
      guard computed == pointer.checksum else {
        throw FormatError(
          .valueRecord, .checksum(stored: pointer.checksum, computed: computed),
          at: pointer.offset)
      }
      guard pointer.codec != .none else { return }
      _ = try decompressor.decompress(
        view, pointer.codec, fullCount: Int(pointer.fullCount), limit: Limits.valueBytes,
        at: pointer.offset)
    } catch {
      throw .format(error)
    }
  }

  private func identity() throws(Failure) -> FileID {
    let bytes = try read(0, FileHeader.byteCount)
    do throws(FormatError) {
      return try FileHeader(decoding: bytes.view(), as: .values).identity
    } catch {
      throw .format(error)
    }
  }

  private func size() throws(Failure) -> UInt64 {
    do throws(FileSystemError) { return try file.get().size() } catch { throw .system(error) }
  }

  /// - Parameter claim: asked before anything is read of what lies in the file; false where that is too much.
  private func read(
    _ offset: UInt64, _ count: Int, claim: () -> Bool = { true }
  ) throws(Failure) -> AlignedBuffer {
    let size = try size()
    guard offset <= size, UInt64(count) <= size - offset else {
      throw .format(FormatError(.valueRecord, .truncated, at: size))
    }
    guard claim() else { throw .format(FormatError(.valuePointer, .excess, at: offset)) }
    let buffer = AlignedBuffer(capacity: count)
    do throws(FileSystemError) {
      let found = try file.get().read(into: buffer, count: count, at: offset)
      guard found == count else {
        throw FileSystemError(
          .read, .size(expected: offset + UInt64(count), found: offset + UInt64(found)),
          path: name.description)
      }
    } catch {
      throw .system(error)
    }
    return buffer
  }
}
