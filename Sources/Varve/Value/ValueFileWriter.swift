import Synchronization
import VarveFormat
import VarvePlatform

/// Appends large values to a new value file, for any number of threads at once.
///
/// ```
///   thread A   compress --- reserve [64, 3200) --- write ------------ done     pointer A
///   thread B         compress --- reserve [3200, 4600) --- write --- done      pointer B
///   sync       everything whose append had returned is durable
///   seal       wait for writes; gaps over failed ones; end record; cut; sync
/// ```
///
/// A place depends only on the one before (`ValuePlace`), so reserving is a short lock, and writing
/// happens outside it. Room on the disk is reserved ahead in steps: a full disk shows there, before
/// a place is given away, and writes need not allocate. A stream of values that nobody syncs goes on
/// by storing into ranges that were warmed ahead.
///
/// A failed append harms nobody: its place becomes a gap. A failed sync makes the writer refuse
/// everything (`.poisoned`), because what it had written can no longer be trusted to be on the disk.
final class ValueFileWriter: Sendable {
  enum Phase {
    case growing
    /// Sealing was begun, so the end record may be there already: no value comes behind it any more,
    /// whatever comes of the sealing.
    case sealing
    case sealed
    case failed
  }

  struct State {
    var phase = Phase.growing
    /// Where the last reserved place ends.
    var end = UInt64(FileHeader.byteCount)
    /// How far room on the disk is reserved.
    var reserved: UInt64 = 0
    /// What is stored into and not written to, while nobody syncs.
    var warm: (any WarmRange)?
    /// Where the file ended at the last sync.
    var syncedEnd: UInt64 = 0
    /// Places that are being written.
    var pending = 0
    var counts = ValueFileCounts()
    /// How many appends have returned a pointer, and how many of them a sync has covered.
    var finished: UInt64 = 0
    var synced: UInt64 = 0
    var isNameDurable = false
    /// Places whose write failed.
    var failures: [ValuePlace] = []
    var choosers: [UInt32: CodecChooser] = [:]
    var compression = CompressionCounts()
  }

  let number: UInt64
  let id: FileID
  let name: String
  let file: any File
  let directory: any Directory
  let state = Monitor(State())
  /// `State.end`, for readers that check a pointer without the lock.
  let endMirror = Atomic<UInt64>(UInt64(FileHeader.byteCount))
  /// Held while the file is synced or sealed. The system tells of a page that it could not write only
  /// once, to whoever syncs next; the value whose page that was may be another's.
  let syncing = Monitor(())
  private let scratches = Monitor<[AppendScratch]>([])

  /// Makes the file `values-<number>`. Its name is durable after the first ``sync()``.
  init(number: UInt64, id: FileID, in directory: any Directory) throws(StoreError) {
    self.number = number
    self.id = id
    self.directory = directory
    name = "\(FileName(.values, number))"
    do throws(FileSystemError) {
      file = try directory.create(name)
    } catch {
      throw StoreError(error)
    }
    do throws(FileSystemError) {
      let header = FileHeader(.values, identity: id).encoded()
      try header.withByteView { view throws(FileSystemError) in try file.write(view, at: 0) }
    } catch {
      // Tidiness only: its number is never used again.
      try? directory.remove(name)
      throw StoreError(error)
    }
  }

  // Nothing is lost by a close that fails: what had to be durable was synced.
  deinit { try? file.close() }

  /// Bytes of the file so far, places included that are still being written.
  var size: UInt64 { endMirror.load(ordering: .acquiring) }

  /// Values whose append has returned, and their stored bytes.
  var counts: ValueFileCounts { state.withLock { $0.counts } }

  /// What was compressed how, and why.
  var compression: CompressionCounts { state.withLock { $0.compression } }

  /// Appends that have reserved a place and not returned yet.
  var pendingWrites: Int { state.withLock { $0.pending } }

  /// Waits until no append is on its way. Says nothing about those that begin later.
  func waitUntilQuiet() { _ = state.wait { $0.pending == 0 } }
}

// MARK: - Appending

extension ValueFileWriter {
  /// Writes a value and returns the pointer to it; durable after the next ``sync()``.
  ///
  /// Throws `.full` where the disk is, `.closed` once sealing has begun: take the next file.
  ///
  /// - Parameters:
  ///   - alignmentShift: log2 of the value's alignment, 3 to 12, where it is stored raw; a
  ///     compressed one is aligned to 8 bytes.
  ///   - stream: values of one stream resemble each other: the keyspace's number. Automatic
  ///     compression learns for each.
  func append(
    _ value: ByteView, alignmentShift: UInt8 = 3, compression: Compression = .none,
    stream: UInt32 = 0
  ) throws(StoreError) -> ValuePointer {
    guard value.count <= Limits.valueBytes else {
      throw StoreError(.limit, "a value has at most \(Limits.valueBytes) bytes")
    }
    let scratch = scratches.withLock { $0.popLast() } ?? AppendScratch()
    defer { keep(scratch) }
    let block = compress(value, compression, stream, scratch.compressor)
    let header = StoredValueHeader(
      codec: block.codec, alignmentShift: block.codec == .none ? alignmentShift : 3, checksum: 0,
      storedCount: UInt32(block.bytes.count), fullCount: UInt32(value.count))
    return try append(block.bytes, header, scratch) { $0.compression.add(block) }
  }

  /// Writes a value that was read from another file in its stored form: moving it costs no codec.
  func append(
    stored: ByteView, of pointer: ValuePointer, alignmentShift: UInt8 = 3
  ) throws(StoreError) -> ValuePointer {
    precondition(stored.count == Int(pointer.storedCount))
    let scratch = scratches.withLock { $0.popLast() } ?? AppendScratch()
    defer { keep(scratch) }
    let header = StoredValueHeader(
      codec: pointer.codec, alignmentShift: pointer.codec == .none ? alignmentShift : 3,
      checksum: 0, storedCount: pointer.storedCount, fullCount: pointer.fullCount)
    return try append(stored, header, scratch) { _ in }
  }

  private func append(
    _ stored: ByteView, _ fields: StoredValueHeader, _ scratch: AppendScratch,
    _ count: (inout State) -> Void
  ) throws(StoreError) -> ValuePointer {
    precondition(ValueRecord.alignmentShifts.contains(fields.alignmentShift))
    let (place, warm) = try reserve(fields)
    var header = fields
    header.checksum = CRC32C.checksum(of: stored, in: id, at: place.value)
    do throws(FileSystemError) {
      if let warm {
        scratch.store(header, stored, at: place, in: warm, id)
      } else {
        try scratch.write(header, stored, at: place, to: file, id)
      }
    } catch {
      finish { $0.failures.append(place) }
      throw StoreError(error)
    }
    finish { state in
      state.counts.add(header.storedCount)
      state.finished += 1
      count(&state)
    }
    return ValuePointer(
      file: number, offset: place.value, storedCount: header.storedCount,
      fullCount: header.fullCount, checksum: header.checksum, codec: header.codec)
  }

  private func compress(
    _ value: ByteView, _ policy: Compression, _ stream: UInt32, _ compressor: BlockCompressor
  ) -> CompressedBlock {
    var chooser = CodecChooser(policy)
    guard policy == .automatic else { return compressor.compress(value, with: &chooser) }
    // A copy goes to work and comes back: of what threads learn at the same moment the last counts.
    chooser = state.withLock { $0.choosers[stream] } ?? chooser
    let block = compressor.compress(value, with: &chooser)
    state.withLock { $0.choosers[stream] = chooser }
    return block
  }

  private func keep(_ scratch: AppendScratch) {
    scratches.withLock { if $0.count < AppendScratch.mostIdle { $0.append(scratch) } }
  }
}

// MARK: - Phases

extension ValueFileWriter {
  /// Ends a write, noting what came of it.
  private func finish(_ note: (inout State) -> Void) {
    let isQuiet = state.withLock { state in
      note(&state)
      state.pending -= 1
      return state.pending == 0
    }
    if isQuiet { state.broadcast() }
  }

  func checkGrowing(_ phase: Phase) throws(StoreError) {
    try checkUnsealed(phase)
    if phase == .sealing { throw sealedError }
  }

  func checkUnsealed(_ phase: Phase) throws(StoreError) {
    switch phase {
    case .growing, .sealing: return
    case .sealed: throw sealedError
    case .failed:
      throw StoreError(.poisoned, "the value file failed to become durable", file: name)
    }
  }

  private var sealedError: StoreError {
    StoreError(.closed, "the value file is sealed", file: name)
  }
}
