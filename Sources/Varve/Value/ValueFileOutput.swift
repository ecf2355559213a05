import VarveFormat
import VarvePlatform

/// Writes a value file from one thread, for nobody to read before it is complete: an output of a
/// flush, a compaction or a recovery.
///
/// ```
///   value ──compress──> place (ValuePlace) ──> zeros, header, value ──> buffer ──256 KiB──> file
///   seal                end record; sync
/// ```
///
/// Where records may grow beside each other and be read at once, `ValueFileWriter` is at work. Both
/// make the same file of the same values. After any error the file is incomplete and must be
/// abandoned.
final class ValueFileOutput {
  let number: UInt64
  let id: FileID
  private let file: any File
  private var output: SegmentFileBuffer
  private var counts = ValueFileCounts()
  private var header = ByteWriter(reserving: ValueRecord.headerBytes)
  private let compressor = BlockCompressor()
  private var choosers: [UInt32: CodecChooser] = [:]

  /// Makes the file `values-<number>`. Its name is durable after the next sync of the directory.
  ///
  /// - Parameters:
  ///   - syncsBehind: whether a thread syncs the file while it grows.
  ///   - writesBehind: whether a thread writes it: where making it leaves a processor idle.
  init(
    number: UInt64, id: FileID, in directory: any Directory, syncsBehind: Bool = false,
    writesBehind: Bool = false
  ) throws(StoreError) {
    self.number = number
    self.id = id
    do throws(FileSystemError) {
      file = try directory.create(FileName(.values, number).description)
    } catch {
      throw StoreError(error)
    }
    output = SegmentFileBuffer(
      file, syncsBehind: syncsBehind, writesBehind: writesBehind)
    try output.append(FileHeader(.values, identity: id).encoded())
  }

  /// Bytes of the file so far.
  var size: UInt64 { output.offset }

  /// Adds a value; see `ValueFileWriter.append`.
  func append(
    _ value: ByteView, alignmentShift: UInt8 = 3, compression: Compression = .none,
    stream: UInt32 = 0
  ) throws(StoreError) -> ValuePointer {
    guard value.count <= Limits.valueBytes else {
      throw StoreError(.limit, "a value has at most \(Limits.valueBytes) bytes")
    }
    var chooser = choosers[stream] ?? CodecChooser(compression)
    let block = compressor.compress(value, with: &chooser)
    choosers[stream] = chooser
    return try append(
      block.bytes, block.codec, fullCount: UInt32(value.count), alignmentShift: alignmentShift)
  }

  /// Adds a value that was read from another file in its stored form, and found whole.
  func append(
    stored: ByteView, of pointer: ValuePointer, alignmentShift: UInt8 = 3
  ) throws(StoreError) -> ValuePointer {
    precondition(stored.count == Int(pointer.storedCount))
    return try append(
      stored, pointer.codec, fullCount: pointer.fullCount, alignmentShift: alignmentShift)
  }

  private func append(
    _ stored: ByteView, _ codec: Codec, fullCount: UInt32, alignmentShift: UInt8
  ) throws(StoreError) -> ValuePointer {
    // A compressed value is decompressed to where it is wanted, wherever it stands here.
    let shift = codec == .none ? alignmentShift : 3
    precondition(ValueRecord.alignmentShifts.contains(shift))
    let place = ValuePlace(
      after: output.offset, storedCount: UInt32(stored.count), alignmentShift: shift)
    let checksum = CRC32C.checksum(of: stored, in: id, at: place.value)
    let fields = StoredValueHeader(
      codec: codec, alignmentShift: shift, checksum: checksum, storedCount: UInt32(stored.count),
      fullCount: fullCount)
    try append(.value(fields), at: place.header)
    try output.append(stored)
    counts.add(fields.storedCount)
    return ValuePointer(
      file: number, offset: place.value, storedCount: fields.storedCount, fullCount: fullCount,
      checksum: checksum, codec: codec)
  }

  private func append(_ record: ValueRecord, at offset: UInt64) throws(StoreError) {
    try output.appendZeros(Int(offset - output.offset))
    header.removeAll()
    record.encode(to: &header, in: id, at: offset)
    try header.bytes.withByteView { bytes throws(StoreError) in try output.append(bytes) }
  }

  /// Writes the end record and makes the file durable. It belongs into the next manifest.
  func seal() throws(StoreError) -> ValueFileRecord {
    try append(.end(counts), at: ValuePlace.plainHeader(after: output.offset))
    try output.flush()
    do throws(FileSystemError) {
      try output.sync()
      try file.close()
    } catch {
      guard error.operation == .sync else { throw StoreError(error) }
      throw StoreError(
        .poisoned, "the value file failed to become durable: \(StoreError(error).message)",
        file: file.name)
    }
    return ValueFileRecord(
      number: number, id: id, size: output.offset, valueCount: counts.values,
      valueBytes: counts.bytes)
  }
}
