import VarveFormat
import VarvePlatform

/// Decides where the large values of a batch go, and puts them there.
///
/// A large value is best written once: into the current value file, by the committing thread, while
/// log and memtable hold a pointer. A small synced group is the exception: a second file would mean
/// a second sync, so its values go into the log and the memtable like small ones, and the flush
/// moves them.
final class ValuePlacement: Sendable {
  /// A batch as it goes to the log, and the value files it points into, each pinned once.
  struct Placed {
    var batch: BatchEncoder
    var valueFiles: [ValueFileHandle]
    /// Bytes written to them.
    var storedBytes: UInt64 = 0
  }

  /// A synced batch with at most this many bytes of large values keeps them inline.
  static let inlineBytes = 64 << 10

  private struct State {
    /// Whether no file is made any more.
    var isOver = false
    var current: GrowingValueFile?
    /// Appends under way, by file number.
    var appending: [UInt64: Int] = [:]
    /// Files with values that may not be durable yet, the current one included.
    var unsynced: [GrowingValueFile] = []
    /// Files that do not stand in a manifest yet, by number.
    var growing: [UInt64: GrowingValueFile] = [:]
    /// Those of them that were sealed.
    var sealed: [UInt64: ValueFileRecord] = [:]

    /// Files that take no more values and that nobody is still writing to: a sync that begins now
    /// covers all of each. Asked before the sync: who ends beside it is not covered.
    var quietFiles: Set<UInt64> {
      Set(unsynced.map(\.handle.number))
        .filter { $0 != current?.handle.number && appending[$0] == nil }
    }
  }

  private let state = Monitor(State())
  private let directory: any Directory
  private let numbers: FileNumbers
  private let random: any RandomSource
  private let obsoleteFiles: ObsoleteFiles
  private let values: ValueStore
  private let fileBytes: UInt64
  /// Held while files are synced or sealed, so that neither meets the other's half-done work.
  private let syncing = Monitor(())

  init(
    directory: any Directory, numbers: FileNumbers, random: any RandomSource,
    obsoleteFiles: ObsoleteFiles, values: ValueStore, fileBytes: UInt64
  ) {
    self.directory = directory
    self.numbers = numbers
    self.random = random
    self.obsoleteFiles = obsoleteFiles
    self.values = values
    self.fileBytes = fileBytes
  }
}

// MARK: - Placing

extension ValuePlacement {
  /// Writes the batch's large values where that pays. The caller unpins the files in the end.
  func place(_ batch: WriteBatch, isSynced: Bool) throws(StoreError) -> Placed {
    guard batch.largeValueBytes > (isSynced ? Self.inlineBytes : 0) else {
      return Placed(batch: batch.encoder, valueFiles: [])
    }
    var placed = Placed(batch: BatchEncoder(), valueFiles: [])
    do throws(StoreError) {
      try batch.encoder.withPayload { payload throws(StoreError) in
        try move(payload, of: batch, into: &placed)
      }
    } catch {
      for file in placed.valueFiles { file.unpin() }
      throw error
    }
    return placed
  }

  /// Writes the value of a single entry. The caller unpins the file in the end.
  func place(_ write: SingleWrite, _ policy: KeyspacePolicy) throws(StoreError) -> PlacedValue {
    let (pointer, file) = try append(write.value, in: write.keyspace, policy)
    return PlacedValue(pointer: pointer, file: file)
  }

  private func move(
    _ payload: ByteView, of batch: WriteBatch, into placed: inout Placed
  ) throws(StoreError) {
    var decoder = try taken { () throws(FormatError) in try BatchDecoder(payload) }
    while let entry = try taken({ () throws(FormatError) in try decoder.next() }) {
      let policy = batch.keyspaces[entry.keyspace]?.policy ?? .default
      guard entry.kind == .put, entry.value.count >= policy.largeValueBytes else {
        try taken { () throws(FormatError) in try placed.batch.copy(entry) }
        continue
      }
      let (pointer, file) = try append(entry.value, in: entry.keyspace, policy)
      placed.storedBytes += UInt64(pointer.storedCount)
      if placed.valueFiles.contains(where: { $0 === file }) {
        file.unpin()
      } else {
        placed.valueFiles.append(file)
      }
      try taken { () throws(FormatError) in
        try placed.batch.put(
          entry.userKey, in: entry.keyspace, at: pointer, expiry: entry.expiry)
      }
    }
  }

  /// A batch that was encoded once can be encoded again, but for its limits.
  private func taken<Result>(
    _ encode: () throws(FormatError) -> Result
  ) throws(StoreError) -> Result {
    do throws(FormatError) { return try encode() } catch {
      throw StoreError(.limit, "\(error.fault)")
    }
  }

  /// Writes one value into the current file, which is pinned for the caller.
  private func append(
    _ value: ByteView, in keyspace: UInt32, _ policy: KeyspacePolicy
  ) throws(StoreError) -> (ValuePointer, ValueFileHandle) {
    let file = try currentFile()
    defer { endAppend(to: file) }
    do throws(StoreError) {
      let pointer = try file.writer.append(
        value, alignmentShift: policy.alignmentShift, compression: policy.compression,
        stream: keyspace)
      return (pointer, file.handle)
    } catch {
      file.handle.unpin()
      throw error
    }
  }

  /// The file that takes values now, pinned; a new one where the last is full.
  private func currentFile() throws(StoreError) -> GrowingValueFile {
    try state.withLock { state throws(StoreError) in
      if state.isOver { throw StoreError(.closed, "the store was closed", file: directory.path) }
      if let current = state.current, current.writer.size < fileBytes {
        current.handle.pin()
        state.appending[current.handle.number, default: 0] += 1
        return current
      }
      let next = try makeFile()
      state.current?.handle.unpin()
      next.handle.pin()
      state.current = next
      state.unsynced.append(next)
      state.growing[next.handle.number] = next
      state.appending[next.handle.number] = 1
      next.handle.pin()
      return next
    }
  }

  /// Ends it: whoever is just placing a value has done so, and nobody does any more.
  func close() {
    state.withLock { $0.isOver = true }
    _ = state.wait { $0.appending.isEmpty }
  }

  private func endAppend(to file: GrowingValueFile) {
    state.withLock { state in
      let left = (state.appending[file.handle.number] ?? 1) - 1
      state.appending[file.handle.number] = left > 0 ? left : nil
    }
    state.broadcast()
  }

  private func makeFile() throws(StoreError) -> GrowingValueFile {
    let number = try numbers.next()
    let writer = try ValueFileWriter(
      number: number, id: FileID(low: random.next(), high: random.next()), in: directory)
    values.add(growing: writer)
    return GrowingValueFile(
      handle: ValueFileHandle(number: number, obsoleteFiles: obsoleteFiles), writer: writer)
  }
}

/// A value file that takes values, or has taken its last and does not stand in a manifest yet.
struct GrowingValueFile: Sendable {
  let handle: ValueFileHandle
  let writer: ValueFileWriter
}

// MARK: - Durability and sealing

extension ValuePlacement {
  /// Makes every value durable that was written before. The log calls it before its own sync.
  func sync() throws(StoreError) {
    try syncing.withLock { _ throws(StoreError) in
      let (files, quiet) = state.withLock { ($0.unsynced, $0.quietFiles) }
      for file in files { try file.writer.sync() }
      state.withLock { state in state.unsynced.removeAll { quiet.contains($0.handle.number) } }
    }
  }

  /// Ends the files among `handles` that still grow, durably, and describes them for the manifest.
  ///
  /// Values that were reserved but not committed stay in them as garbage. Asked again before
  /// ``forget(_:)``, it answers the same.
  func seal(_ handles: [ValueFileHandle]) throws(StoreError) -> [ValueFileRecord] {
    let wanted = Set(handles.map(\.number))
    let files = state.withLock { state in
      if let current = state.current, wanted.contains(current.handle.number) {
        state.current = nil
        current.handle.unpin()
      }
      return state.growing.filter { wanted.contains($0.key) }.values
        .sorted { $0.handle.number < $1.handle.number }
    }
    var records: [ValueFileRecord] = []
    for file in files { records.append(try seal(file)) }
    return records
  }

  private func seal(_ file: GrowingValueFile) throws(StoreError) -> ValueFileRecord {
    let number = file.handle.number
    // Whoever took the file before it stopped being the current one is still writing to it.
    _ = state.wait { $0.appending[number] == nil }
    return try syncing.withLock { _ throws(StoreError) in
      if let record = state.withLock({ $0.sealed[number] }) { return record }
      let record = try file.writer.seal()
      state.withLock { state in
        state.sealed[number] = record
        state.unsynced.removeAll { $0.handle.number == number }
      }
      return record
    }
  }

  /// The files stand in a durable manifest now.
  func forget(_ records: [ValueFileRecord]) {
    state.withLock { state in
      for record in records {
        state.growing[record.number] = nil
        state.sealed[record.number] = nil
      }
    }
  }
}
