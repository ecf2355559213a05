import VarveFormat
import VarvePlatform

/// What flush and compaction have in common: a stream of entries becomes finished segments and the
/// value files they point into.
///
/// ```
///   entry ──> large value inline, or in a file with much garbage? ──yes──> output value file
///     |                                                                        | pointer
///     └────────────────────────────────────────────────────────────────────────┴──> segment
/// ```
///
/// Everything written is synced by ``finish()``; nothing is named by a manifest yet. After an error
/// ``abandon()`` removes what was begun.
struct SegmentOutput {
  /// What becomes of values on their way.
  struct ValueRules {
    /// The policy of each keyspace: block size, alignment, and from which size values are large.
    var keyspaces: KeyspaceLiveness
    /// Whether the value behind a pointer is to be written again.
    var isRelocated: (ValuePointer) -> Bool
  }

  struct Result {
    var segments: [SegmentRecord] = []
    var valueFiles: [ValueFileRecord] = []
    var bytes: UInt64 = 0
    /// The largest sequence number that went in; of what came out it may be a smaller one.
    var lastSequence = SequenceNumber.zero
  }

  private let engine: Engine
  private let level: UInt8
  private let rules: ValueRules
  /// Nil for a flush: nothing holds it up, not even a close.
  private let pacer: WritePacer?
  private let syncsBehind: Bool
  private var writer: (number: UInt64, writer: SegmentWriter)?
  private var valueWriter: ValueFileOutput?
  private var keyspace: UInt32?
  private var policy = KeyspacePolicy.default
  private var pacedBytes: UInt64 = 0
  /// By values that were written again.
  private var claims = ValueClaims()
  private var result = Result()
  private var begun: [FileName] = []

  /// - Parameter syncsBehind: whether nothing waits for the disk but the end of this: see `SyncBehind`.
  init(
    _ engine: Engine, level: UInt8, _ rules: ValueRules, pacer: WritePacer? = nil,
    syncsBehind: Bool = false
  ) {
    self.engine = engine
    self.level = level
    self.rules = rules
    self.pacer = pacer
    self.syncsBehind = syncsBehind
  }

  private var blockPolicy: SegmentBlockPolicy {
    policy.blocks(areLasting: Int(level) >= engine.compactionOptions.lastLevel)
  }

  /// Bytes of the segment at hand.
  var segmentBytes: UInt64 { writer?.writer.byteCount ?? 0 }
  var hasLongTail: Bool { writer?.writer.hasLongTail ?? false }
}

// MARK: - Entries

extension SegmentOutput {
  mutating func add(_ entry: EntryView) throws(StoreError) {
    try enterKeyspace(of: entry.key)
    switch entry.kind {
    case .put where entry.value.count >= policy.largeValueBytes:
      try add(entry, separating: entry.value)
    case .pointer:
      try addPointer(entry)
    default:
      try segment().add(entry)
    }
    try pace()
  }

  /// Ends the segment at hand; the next entry begins another.
  mutating func cut() throws(StoreError) {
    guard let (number, writer) = writer else { return }
    let summary = try writer.finish()
    result.segments.append(summary.record(number: number, level: level))
    result.bytes += summary.size
    self.writer = nil
  }

  private mutating func addPointer(_ entry: EntryView) throws(StoreError) {
    let pointer = try engine.values.decode(entry.value)
    guard rules.isRelocated(pointer) else { return try segment().add(entry) }
    // Damage is found here, by the value's checksum, and stops the work: it is never written again
    // under a fresh one.
    let lent = try engine.values.store.storedCopy(of: pointer, claiming: &claims)
    defer { withExtendedLifetime(lent.owner) {} }
    let moved = try valueFile().append(
      stored: lent.bytes, of: pointer, alignmentShift: policy.alignmentShift)
    try add(entry, at: moved)
  }

  /// Writes the value to the output's value file and the entry with a pointer to it, under the same
  /// sequence number.
  private mutating func add(
    _ entry: EntryView, separating value: ByteView
  ) throws(StoreError) {
    let pointer = try valueFile().append(
      value, alignmentShift: policy.alignmentShift, compression: policy.compression,
      stream: keyspace ?? 0)
    try add(entry, at: pointer)
  }

  private mutating func add(
    _ entry: EntryView, at pointer: ValuePointer
  ) throws(StoreError) {
    var encoded = ByteWriter(reserving: ValuePointer.byteCount)
    pointer.encode(to: &encoded)
    try encoded.bytes.withByteView { bytes throws(StoreError) in
      var moved = entry
      moved.kind = .pointer
      moved.value = bytes
      try segment().add(moved)
    }
  }

  private mutating func enterKeyspace(of key: ByteView) throws(StoreError) {
    let number = EngineKey.keyspace(of: key) ?? SystemKeyspace.number
    guard number != keyspace else { return }
    keyspace = number
    policy = rules.keyspaces.policy(of: number)
    try writer?.writer.use(blockPolicy)
    // One filter serves all keyspaces of the segment, each as well as it was promised.
    writer?.writer.useFilter(bitsPerKey: policy.filterBitsPerKey)
  }

  /// Keeps to the rate that was asked for, counted in steps of what was written.
  private mutating func pace() throws(StoreError) {
    let bytes = result.bytes + segmentBytes + (valueWriter?.size ?? 0)
    guard bytes > pacedBytes + WritePacer.stepBytes else { return }
    try pacer?.spend(bytes - pacedBytes)
    pacedBytes = bytes
  }
}

// MARK: - Files

extension SegmentOutput {
  private mutating func segment() throws(StoreError) -> SegmentWriter {
    if let writer { return writer.writer }
    let number = try engine.numbers.next()
    let name = FileName(.segment, number)
    let id = FileID(low: engine.random.next(), high: engine.random.next())
    let file: any File
    do throws(FileSystemError) { file = try engine.directory.create(name.description) } catch {
      throw StoreError(error)
    }
    begun.append(name)
    let made = try SegmentWriter(
      to: file, id: id, options: SegmentOptions(filterBitsPerKey: policy.filterBitsPerKey),
      policy: blockPolicy, syncsBehind: syncsBehind)
    writer = (number, made)
    return made
  }

  private mutating func valueFile() throws(StoreError) -> ValueFileOutput {
    if let valueWriter, valueWriter.size < engine.derived.valueFileBytes { return valueWriter }
    try sealValueFile()
    let number = try engine.numbers.next()
    let made = try ValueFileOutput(
      number: number, id: FileID(low: engine.random.next(), high: engine.random.next()),
      in: engine.directory, syncsBehind: syncsBehind)
    begun.append(FileName(.values, number))
    valueWriter = made
    return made
  }

  private mutating func sealValueFile() throws(StoreError) {
    guard var sealed = try valueWriter?.seal() else { return }
    sealed.isOrdered = true
    result.valueFiles.append(sealed)
    result.bytes += sealed.size
    valueWriter = nil
  }

  /// Ends everything, durably.
  mutating func finish() throws(StoreError) -> Result {
    try cut()
    try sealValueFile()
    return result
  }

  /// Removes every file that was begun. Their numbers are not used again.
  mutating func abandon() {
    writer = nil
    valueWriter = nil
    for name in begun { engine.obsoleteFiles.add(name) }
    engine.obsoleteFiles.remove(from: engine.directory)
  }
}

extension KeyspacePolicy {
  /// How blocks of the keyspace are made. Those of the last level stay for long, so that each percent
  /// of space counts; the others are soon written again, so that time does.
  func blocks(areLasting: Bool) -> SegmentBlockPolicy {
    var blocks = SegmentBlockPolicy(
      blockBytes: blockBytes,
      // Eight bytes are worth padding for where values are read as numbers, not for every text.
      alignmentShift: valueAlignment > 8 ? alignmentShift : 0, compression: compression)
    blocks.zstdSaving = areLasting ? 5 : nil
    return blocks
  }
}
