import VarveFormat
import VarvePlatform
import VarveTestSupport

@testable import Varve

/// A small store made file by file, cleanly closed, so that what each byte should be is known.
///
/// ```
/// manifest-1   names segment-2, values-3 and log-4
/// segment-2    40 entries; one of them points into values-3
/// values-3     one value of 300 bytes
/// log-4        two batches
/// ```
struct HandmadeStore {
  static let manifestName = FileName(.manifest, 1)
  static let segmentName = FileName(.segment, 2)
  static let valuesName = FileName(.values, 3)
  static let logName = FileName(.log, 4)

  /// An entry of the system keyspace, in place of the first one of a file.
  struct SystemRecord: Sendable {
    var file: FileName
    var key: [UInt8]
    var value: [UInt8]
  }

  let directory: any Directory
  private let system: SystemRecord?
  private(set) var manifest = Manifest(storeID: FileID(low: 11, high: 12))

  init(in directory: any Directory, system: SystemRecord? = nil) throws {
    self.directory = directory
    self.system = system
    manifest.number = 1
    manifest.nextFileNumber = 5
    manifest.logFloor = 4
    manifest.isCleanlyClosed = true
    let pointer = try writeValues()
    try writeSegment(pointer)
    try writeLog()
    try write(manifest.encoded(), to: Self.manifestName)
  }

  /// Writes a file anew, whatever was there.
  func write(_ bytes: [UInt8], to name: FileName) throws {
    if try directory.status(of: name.description) != nil {
      try directory.remove(name.description)
    }
    let file = try directory.create(name.description)
    try file.write(bytes, at: 0)
    try file.sync()
    try file.close()
  }

  /// Everything a verification finds.
  func findings(_ depth: IntegrityDepth, on fileSystem: any FileSystem) throws
    -> [IntegrityFinding]
  {
    var found: [IntegrityFinding] = []
    let verifier = try StoreVerifier(at: directory.path, on: fileSystem)
    let report = try verifier.run(depth) { found.append($0) }
    precondition(report.damage == found.count { $0.severity == .damage })
    precondition(report.notices == found.count { $0.severity == .notice })
    return found
  }
}

// MARK: - The files

extension HandmadeStore {
  private mutating func writeValues() throws -> ValuePointer {
    var random = SeededRandom(seed: 1)
    let writer = try ValueFileWriter(number: 3, id: FileID(low: 31, high: 32), in: directory)
    let pointer = try random.bytes(300).withByteView { try writer.append($0) }
    manifest.valueFiles = [try writer.seal()]
    return pointer
  }

  private mutating func writeSegment(_ pointer: ValuePointer) throws {
    let file = try directory.create(Self.segmentName.description)
    let writer = try SegmentWriter(
      to: file, id: FileID(low: 21, high: 22), options: SegmentOptions(indexLeafBytes: 256),
      policy: SegmentBlockPolicy(blockBytes: 512, compression: .none))
    for index in 0..<40 {
      var encoded = ByteWriter()
      pointer.encode(to: &encoded)
      let isPointer = index == 17
      let value = isPointer ? encoded.bytes : Array("value \(index) \(index) \(index)".utf8)
      var entry = OwnedEntry(
        [0, 0, 0, 1] + Array("key \(100 + index)".utf8), UInt64(index + 1),
        isPointer ? .pointer : .put, value: value)
      if index == 0, let system, system.file == Self.segmentName {
        entry = OwnedEntry([0, 0, 0, 0] + system.key, 1, .put, value: system.value)
      }
      try entry.withView { try writer.add($0) }
    }
    let summary = try writer.finish()
    try file.sync()
    try file.close()
    manifest.segments = [summary.record(number: 2, level: 1)]
    manifest.lastSequence = SequenceNumber(40)
  }

  private mutating func writeLog() throws {
    let identity = LogIdentity(number: 4, salt: 99)
    var writer = ByteWriter()
    writer.append(
      FileHeader(
        .log, number: 4, identity: FileID(low: 99, high: 0), storeTag: manifest.storeID.low
      ).encoded())
    for (index, sequence) in [41, 42].enumerated() {
      var batch = BatchEncoder()
      if index == 0, let system, system.file == Self.logName {
        try put(system, into: &batch)
      } else {
        try Array("new \(index)".utf8).withByteView { try batch.put($0, in: 1, $0) }
      }
      batch.withPayload { payload in
        LogFramer.frame(
          .batch, payload, firstSequence: SequenceNumber(UInt64(sequence)), watermark: .none,
          identity: identity, offset: UInt64(writer.count), into: &writer)
      }
    }
    try write(writer.bytes, to: Self.logName)
    manifest.logs = [
      LogExtent(
        number: 4, length: UInt64(writer.count), lastSequence: SequenceNumber(42))
    ]
  }

  private func put(_ system: SystemRecord, into batch: inout BatchEncoder) throws {
    try system.key.withByteView { key in
      try system.value.withByteView { try batch.put(key, in: SystemKeyspace.number, $0) }
    }
  }
}
