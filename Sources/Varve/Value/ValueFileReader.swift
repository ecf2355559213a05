import VarveFormat
import VarvePlatform

/// What reading value files needs of the rest of the store.
struct ValueEnvironment: Sendable {
  let directory: any Directory
  let mode: ReadMode
  let blocks: BlockAccess
}

/// One value file, for any number of threads. Nothing is opened before the first read.
///
/// Raw values of a mapped file are lent in place and hold as long as the reader lives; all others as
/// long as the owner that comes with them.
@safe
final class ValueFileReader: Sendable {
  /// What the file is expected to be.
  private enum Kind: Sendable {
    case sealed(ValueFileRecord)
    /// Being written; read through the writer's own descriptor.
    case growing(ValueFileWriter)
    /// Left growing by a crash.
    case leftover
  }

  let number: UInt64
  private let kind: Kind
  private let environment: ValueEnvironment
  private let opened = OpenedOnce<OpenValueFile>()

  /// Reads a sealed file, as the manifest describes it.
  convenience init(_ record: ValueFileRecord, in environment: ValueEnvironment) {
    self.init(record.number, .sealed(record), environment)
  }

  /// Reads what `writer` has appended, while it appends more.
  convenience init(growing writer: ValueFileWriter, in environment: ValueEnvironment) {
    self.init(writer.number, .growing(writer), environment)
  }

  /// Reads a file that a crash left growing: only by pointers, by `pread`, and without knowing its
  /// identity from elsewhere.
  convenience init(leftover number: UInt64, in environment: ValueEnvironment) {
    self.init(number, .leftover, environment)
  }

  private init(_ number: UInt64, _ kind: Kind, _ environment: ValueEnvironment) {
    self.number = number
    self.kind = kind
    self.environment = environment
  }

  var name: String { FileName(.values, number).description }

  /// Whether this is a reader of the sealed file that `record` describes.
  func reads(_ record: ValueFileRecord) -> Bool {
    if case .sealed(let own) = kind { own == record } else { false }
  }

  /// Bytes of memory, other than the mapping, that this reader holds.
  var memoryBytes: Int {
    guard let file = unsafe opened.present else { return 0 }
    return unsafe file.takeUnretainedValue().memoryBytes
  }
}

// MARK: - Reading

extension ValueFileReader {
  /// The value that `pointer` points to, uncompressed, every field and checksum checked.
  func value(for pointer: ValuePointer) throws(StoreError) -> LentValue {
    guard let file = unsafe opened.present else {
      return try open().value(for: pointer)
    }
    return try unsafe file.lend { file throws(StoreError) in try file.value(for: pointer) }
  }

  /// Says that bytes of the file are read soon, where it is open.
  func expect(_ range: Range<UInt64>) {
    guard let file = unsafe opened.present else { return }
    unsafe file.takeUnretainedValue().expect(range)
  }

  /// The same for one who passes by.
  func valueInPassing(for pointer: ValuePointer) throws(StoreError) -> LentValue {
    guard let file = unsafe opened.present else {
      return try open().valueInPassing(for: pointer)
    }
    return try unsafe file.lend { file throws(StoreError) in try file.valueInPassing(for: pointer) }
  }

  /// Says that a walk begins with bytes of the file.
  func expectFirst(_ range: Range<UInt64>) {
    // Whoever reads the value is told why it cannot be opened.
    (try? open())?.expectFirst(range)
  }

  /// The value in its stored form, copied and checked: for `ValueFileOutput.append(stored:of:)`.
  func storedCopy(
    of pointer: ValuePointer, claiming claims: inout ValueClaims
  ) throws(StoreError) -> LentValue {
    try open().storedCopy(of: pointer, claiming: &claims)
  }
}

// MARK: - Opening

extension ValueFileReader {
  /// The open file, opening it the first time.
  @discardableResult
  func open() throws(StoreError) -> OpenValueFile {
    try opened.object { () throws(StoreError) in try openFile() }
  }

  private func openFile() throws(StoreError) -> OpenValueFile {
    switch kind {
    case .growing(let writer):
      return OpenValueFile(
        name, number: number, id: writer.id, .file(writer.file), .growing(writer),
        environment.blocks)
    case .leftover:
      let pieces = try plainPieces()
      let id = try readID(pieces)
      return OpenValueFile(
        name, number: number, id: id, .file(pieces.file), .fixed(pieces.size), environment.blocks)
    case .sealed(let record):
      return try openSealed(record)
    }
  }

  private func openSealed(_ record: ValueFileRecord) throws(StoreError) -> OpenValueFile {
    let source: OpenValueFile.Source
    let first: UInt64 = UInt64(FileHeader.byteCount)
    guard record.size >= first + UInt64(ValueRecord.headerBytes) else {
      throw StoreError(.corrupted, "a sealed value file is larger", file: name)
    }
    let endOffset = record.size - UInt64(ValueRecord.headerBytes)
    if environment.mode == .mapped, let mapping = try map(record.size) {
      mapping.expect(.scattered)
      try checkHeader(mapping.bytes, record.id)
      try checkEnd(mapping.bytes.dropping(Int(endOffset)), record, at: endOffset)
      source = .mapping(mapping)
    } else {
      let pieces = try plainPieces()
      guard pieces.size == record.size else {
        throw StoreError(
          FileSystemError(
            .read, .size(expected: record.size, found: pieces.size), path: name))
      }
      do throws(StoreError) { try checkEnds(of: pieces, record, endOffset) } catch {
        // Else what came from the bucket damaged would come again.
        if error.code == .corrupted { try? pieces.file.dropCache() }
        throw error
      }
      source = .file(pieces.file)
    }
    return OpenValueFile(
      name, number: number, id: record.id, source, .fixed(endOffset), environment.blocks)
  }

  private func checkEnds(
    of pieces: FilePieces, _ record: ValueFileRecord, _ endOffset: UInt64
  ) throws(StoreError) {
    let header = try pieces.read(UInt64(FileHeader.byteCount), at: 0)
    let end = try pieces.read(UInt64(ValueRecord.headerBytes), at: endOffset)
    defer { withExtendedLifetime((header, end)) {} }
    try checkHeader(header.view(), record.id)
    try checkEnd(end.view(), record, at: endOffset)
  }

  private func map(_ size: UInt64) throws(StoreError) -> MappedFile? {
    do { return try environment.directory.mapped(name, size: size) } catch {
      throw StoreError(error)
    }
  }

  private func plainPieces() throws(StoreError) -> FilePieces {
    do throws(FileSystemError) {
      let file = try ReadFile(name, in: environment.directory)
      return FilePieces(file: file, size: try file.size())
    } catch {
      throw StoreError(error)
    }
  }

  private func readID(_ pieces: FilePieces) throws(StoreError) -> FileID {
    let count = min(pieces.size, UInt64(FileHeader.byteCount))
    let buffer = try pieces.read(count, at: 0)
    defer { withExtendedLifetime(buffer) {} }
    do { return try FileHeader(decoding: buffer.view(), as: .values).identity } catch {
      throw StoreError(error, in: name)
    }
  }

  private func checkHeader(_ bytes: ByteView, _ id: FileID) throws(StoreError) {
    do throws(FormatError) {
      let header = try FileHeader(decoding: bytes, as: .values)
      guard header.identity == id else {
        throw FormatError(.fileHeader, .value("identity"), at: 32)
      }
    } catch {
      throw StoreError(error, in: name)
    }
  }

  /// The end record proves that the file is complete and is the one that was sealed.
  private func checkEnd(
    _ bytes: ByteView, _ record: ValueFileRecord, at offset: UInt64
  ) throws(StoreError) {
    do throws(FormatError) {
      let counts = ValueFileCounts(values: record.valueCount, bytes: record.valueBytes)
      guard try ValueRecord(decoding: bytes, in: record.id, at: offset) == .end(counts) else {
        throw FormatError(.valueRecord, .value("end record"), at: offset)
      }
    } catch {
      throw StoreError(error, in: name)
    }
  }
}

// MARK: - Looking at everything

extension ValueFileReader {
  /// All records in the order of the file, by plain reads: for the inspector. Works on growing files
  /// and those a crash left, up to the first place that was never written.
  func records(checkingValues: Bool = true) throws(StoreError) -> ValueFileScanner {
    try ValueFileScanner(
      try plainPieces(), checkingWith: checkingValues ? environment.blocks.decompressor : nil)
  }

  /// Checks every byte of a sealed file with plain reads and hands each finding to `report`.
  ///
  /// - Parameter progress: called with the bytes of each record that was read; returning false stops
  ///   the check. May wait, to bound the rate.
  func verify(
    progress: (UInt64) -> Bool = { _ in true }, _ report: (Finding) -> Void
  ) throws(StoreError) {
    let plain = try plainPieces()
    let file = (plain.file as? ReadFile)?.checking() ?? plain.file
    let pieces = FilePieces(file: file, size: plain.size)
    do throws(StoreError) {
      var scanner = try ValueFileScanner(pieces, checkingWith: environment.blocks.decompressor)
      var position: UInt64 = 0
      while let item = try scanner.next() {
        if let finding = item.finding(in: name) { report(finding) }
        guard progress(scanner.position - position) else { return }
        position = scanner.position
      }
      for error in expectations(scanner) { report(Finding(error, in: name)) }
    } catch  where error.code == .corrupted {
      report(
        Finding(
          file: name, structure: .fileHeader, offset: error.offset ?? 0, message: error.message))
    }
  }

  /// Where the file is whole in itself but not what the manifest says.
  private func expectations(_ scanner: ValueFileScanner) -> [FormatError] {
    guard case .sealed(let record) = kind else { return [] }
    var errors: [FormatError] = []
    if scanner.id != record.id {
      errors.append(FormatError(.fileHeader, .value("identity"), at: 32))
    }
    if scanner.size != record.size {
      errors.append(FormatError(.valueRecord, .value("file size"), at: scanner.size))
    } else if scanner.isWhole,
      scanner.counts != ValueFileCounts(values: record.valueCount, bytes: record.valueBytes)
    {
      errors.append(FormatError(.valueRecord, .value("value counts"), at: record.size - 24))
    }
    return errors
  }
}
