import VarveFormat

/// Writes a log as the engine would, and lets a test break the rules where it wants to.
struct LogBuilder {
  static let storeTag: UInt64 = 0x5354_4f52_4554_4147

  var identity: LogIdentity
  var bytes: [UInt8]
  /// The sequence number of the next entry.
  var nextSequence: UInt64
  /// What the next record will state.
  var watermark = LogPosition.none
  /// Where each record begins.
  var offsets: [Int] = []
  /// The payloads of all batches and entry records, in order.
  var payloads: [[UInt8]] = []

  init(
    number: UInt64 = 7, salt: UInt64 = 0xa5a5_0000_1111_2222, firstSequence: UInt64 = 1,
    watermark: LogPosition = .none
  ) {
    identity = LogIdentity(number: number, salt: salt)
    bytes =
      FileHeader(
        .log, number: number, identity: FileID(low: salt, high: 0), storeTag: Self.storeTag
      ).encoded()
    nextSequence = firstSequence
    self.watermark = watermark
  }

  var number: UInt64 { identity.number }
  var end: LogPosition { LogPosition(log: number, offset: UInt64(bytes.count)) }
  var extent: LogExtent {
    LogExtent(
      number: number, length: UInt64(bytes.count),
      lastSequence: SequenceNumber(offsets.isEmpty ? 0 : nextSequence - 1))
  }

  /// Where the payload of a record begins.
  func payloadPlace(of record: Int) -> Int {
    offsets[record] + (bytes[offsets[record] + 12] & 0xf0 == 0x10 ? 24 : 32)
  }

  /// Everything so far is durable, and later records say so.
  mutating func sync() { watermark = end }

  /// Appends a batch of `entries` puts whose values have `valueBytes` bytes.
  mutating func batch(_ entries: Int = 1, valueBytes: Int = 5) {
    var encoder = BatchEncoder()
    for index in 0..<entries {
      let key = Array("key-\(nextSequence + UInt64(index))".utf8)
      let value = [UInt8](repeating: UInt8(truncatingIfNeeded: nextSequence), count: valueBytes)
      // Keys and values of a few bytes are within every limit.
      // swift-format-ignore: NeverUseForceTry
      try! key.withByteView { key in
        try value.withByteView { value in try encoder.put(key, in: 1, value) }
      }
    }
    record(.batch, encoder.withPayload(\.array))
    nextSequence += UInt64(entries)
  }

  /// Appends an entry record, as the engine writes one for an entry on its own.
  mutating func entry(_ kind: EntryKind = .put, valueBytes: Int = 5) {
    let key = Array("key-\(nextSequence)".utf8)
    var value = [UInt8](
      repeating: UInt8(truncatingIfNeeded: nextSequence), count: kind == .delete ? 0 : valueBytes)
    if kind == .pointer { value = Self.pointer }
    let encoder = SingleRecordEncoder()
    key.withByteView { key in
      value.withByteView { value in
        _ = encoder.frame(
          kind, key, in: 1, value, expiry: 0, firstSequence: SequenceNumber(nextSequence),
          watermark: watermark, identity: identity, offset: UInt64(bytes.count))
      }
    }
    offsets.append(bytes.count)
    payloads.append([0, 0, 0, 1] + key + value)
    bytes += encoder.record.array
    nextSequence += 1
  }

  /// The bytes of a pointer.
  static var pointer: [UInt8] {
    var writer = ByteWriter()
    ValuePointer(
      file: 3, offset: 4096, storedCount: 3000, fullCount: 3000, checksum: 5, codec: .none
    ).encode(to: &writer)
    return writer.bytes
  }

  mutating func watermarkRecord() { record(.watermark, []) }

  /// Appends one framed record at the end.
  mutating func record(_ type: LogRecordType, _ payload: [UInt8]) {
    offsets.append(bytes.count)
    if type == .batch { payloads.append(payload) }
    var writer = ByteWriter()
    payload.withByteView { payload in
      LogFramer.frame(
        type, payload, firstSequence: SequenceNumber(nextSequence), watermark: watermark,
        identity: identity, offset: UInt64(bytes.count), into: &writer)
    }
    bytes += writer.bytes
  }

  /// Appends a record whose header has any fields, with right checksums.
  mutating func rawRecord(
    type: UInt8, payload: [UInt8] = [], reserved: UInt8 = 0, lag: UInt16 = 0,
    sequence: UInt64? = nil, watermarkOffset: UInt64 = 0, length: UInt32? = nil,
    payloadChecksum: UInt32? = nil
  ) {
    let offset = bytes.count
    offsets.append(offset)
    var writer = ByteWriter()
    writer.uint32(0)
    writer.uint32(payloadChecksum ?? (payload.isEmpty ? 0 : checksum(payload, at: offset)))
    writer.uint32(length ?? UInt32(payload.count))
    writer.uint8(type)
    writer.uint8(reserved)
    writer.uint16(lag)
    writer.uint64(sequence ?? nextSequence)
    writer.uint64(watermarkOffset)
    writer.patch(uint32: checksum(Array(writer.bytes[4...]), at: offset), at: 0)
    writer.append(payload)
    writer.align(to: 16)
    bytes += writer.bytes
  }

  /// Appends an entry record whose header has any fields, with right checksums: log.md, "Entry record".
  mutating func rawEntry(
    type: UInt8 = 0x11, payload: [UInt8] = [0, 0, 0, 1, 7, 8], length: UInt16? = nil,
    lag: UInt8 = 0, keyLength: UInt8 = 1, sequence: UInt64? = nil, watermark: UInt32 = 0
  ) {
    let offset = bytes.count
    offsets.append(offset)
    var writer = ByteWriter()
    writer.uint32(0)
    writer.uint32(checksum(payload, at: offset))
    writer.uint16(length ?? UInt16(payload.count))
    for byte in [lag, keyLength, type] { writer.uint8(byte) }
    for byte in 0..<7 {
      writer.uint8(UInt8(truncatingIfNeeded: (sequence ?? nextSequence) >> (8 * byte)))
    }
    writer.uint32(watermark)
    writer.patch(uint32: checksum(Array(writer.bytes[4...]), at: offset), at: 0)
    writer.append(payload)
    writer.align(to: 16)
    bytes += writer.bytes
  }

  /// The checksum of log.md, computed from its text alone.
  func checksum(_ bytes: [UInt8], at offset: Int) -> UInt32 {
    var writer = ByteWriter()
    writer.uint64(identity.number)
    writer.uint64(identity.salt)
    writer.uint64(UInt64(offset))
    writer.append(bytes)
    return writer.bytes.withByteView(CRC32C.checksum(of:))
  }
}

/// What reading one log gave, copied out of the lent bytes.
struct LogWalkResult: Equatable {
  struct Record: Equatable {
    var type: LogRecordType?
    var firstSequence: UInt64
    var entryCount: Int
    var payload: [UInt8]
    var keyCount: Int
    var offset: UInt64
    var end: UInt64
    var watermark: LogPosition
  }

  var records: [Record] = []
  var end: LogEnd?
  var offset = 0

  var batches: [[UInt8]] { records.filter { $0.entryCount > 0 }.map(\.payload) }

  init(_ bytes: [UInt8], _ identity: LogIdentity) {
    bytes.withByteView { read($0, identity) }
  }

  mutating func read(_ bytes: ByteView, _ identity: LogIdentity) {
    var reader = LogReader(bytes, identity: identity)
    while let record = reader.next() {
      records.append(
        Record(
          type: record.type, firstSequence: record.firstSequence.rawValue,
          entryCount: record.entryCount, payload: record.payload.array, keyCount: record.keyCount,
          offset: record.offset, end: record.end, watermark: record.watermark))
    }
    end = reader.end
    offset = reader.offset
  }
}

/// What the judgement over the logs of a store gave, copied out of the lent bytes.
struct Verdict: Equatable {
  /// The payloads to replay, in order.
  var batches: [[UInt8]] = []
  /// Each log with the offset at which its replay ends.
  var ends: [LogPosition] = []
  var lastSequence: UInt64 = 0
  var durable = LogPosition.none
  var tornTail: TornTail?
  var orphans: [UInt64] = []

  /// - Parameter written: how much of each log's bytes may be something else than zeros; nil to see.
  init(
    _ logs: [(number: UInt64, bytes: [UInt8])], _ manifest: Manifest,
    written: ([UInt8]) -> Int? = { _ in nil }
  ) throws(LogDamage) {
    do {
      self = try withViews(logs.map(\.bytes)) { views in
        let sources = zip(logs, views).map {
          LogSource(number: $0.number, bytes: $1, writtenCount: written($0.bytes))
        }
        return Verdict(try LogReplay(sources, of: manifest))
      }
    } catch {
      // `LogReplay` throws nothing else; the closure has lost the type.
      // swift-format-ignore: NeverForceUnwrap
      throw error as! LogDamage
    }
  }

  private init(_ replay: LogReplay) {
    for part in replay.parts {
      let log = part.identity.number
      ends.append(LogPosition(log: log, offset: UInt64(part.bytes.count)))
      var walk = LogWalkResult([], part.identity)
      walk.read(part.bytes, part.identity)
      precondition(walk.end == .clean && walk.offset == part.bytes.count)
      batches += walk.batches
    }
    lastSequence = replay.lastSequence.rawValue
    durable = replay.durable
    tornTail = replay.tornTail
    orphans = replay.orphans
  }
}

extension Manifest {
  /// The manifest of a store that has only logs.
  static func forLogs(
    floor: UInt64 = 1, lastSequence: UInt64 = 0, next: UInt64 = 1000,
    closing logs: [LogBuilder] = []
  ) -> Manifest {
    var manifest = Manifest(storeID: FileID(low: LogBuilder.storeTag, high: 99))
    manifest.logFloor = floor
    manifest.lastSequence = SequenceNumber(lastSequence)
    manifest.nextFileNumber = next
    manifest.isCleanlyClosed = !logs.isEmpty
    manifest.logs = logs.map(\.extent)
    return manifest
  }
}
