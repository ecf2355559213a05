import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// A handmade store with other values, and other entries in its segment, of which many are flawed.
struct ForgedFindings {
  let disk = SimulatedFileSystem()
  let store: HandmadeStore
  private let pointers: [ValuePointer]

  /// - Parameter entries: those of the segment, told what points to each value; where there are none,
  ///   the store has no segment.
  init(values: Int = 1, _ entries: ([ValuePointer]) -> [OwnedEntry]) throws {
    store = try HandmadeStore(in: try disk.openDirectory(at: "store", create: true))
    var manifest = store.manifest
    let name = HandmadeStore.valuesName
    try store.directory.remove(name.description)
    let writer = try ValueFileWriter(
      number: name.number, id: FileID(low: 31, high: 32), in: store.directory)
    pointers = try (0..<values).map { index in
      try [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: 16).withByteView {
        try writer.append($0)
      }
    }
    manifest.valueFiles = [try writer.seal()]
    manifest.segments = try Self.segment(entries(pointers), in: store.directory)
    try store.write(manifest.encoded(), to: HandmadeStore.manifestName)
  }

  private static func segment(
    _ entries: [OwnedEntry], in directory: any Directory
  ) throws -> [SegmentRecord] {
    let name = HandmadeStore.segmentName
    try directory.remove(name.description)
    guard !entries.isEmpty else { return [] }
    let file = try directory.create(name.description)
    let writer = try SegmentWriter(
      to: file, id: FileID(low: 21, high: 22), options: SegmentOptions(indexLeafBytes: 4096),
      policy: SegmentBlockPolicy(blockBytes: 512, compression: .none))
    for entry in entries { try entry.withView { try writer.add($0) } }
    let summary = try writer.finish()
    try file.sync()
    try file.close()
    var record = summary.record(number: name.number, level: 1)
    // Else the manifest itself would be refused.
    record.valueReferences.removeAll { $0.file != HandmadeStore.valuesName.number }
    return [record]
  }

  static func key(_ index: Int) -> [UInt8] { Array("key \(100_000 + index)".utf8) }

  static func entry(_ index: Int, _ pointer: ValuePointer, file: UInt64? = nil) -> OwnedEntry {
    var pointer = pointer
    pointer.file = file ?? pointer.file
    return OwnedEntry([0, 0, 0, 1] + key(index), 1, .pointer, value: pointer.encoded())
  }
}

// MARK: - Damage

extension ForgedFindings {
  func damageValues() throws {
    let name = HandmadeStore.valuesName
    var bytes = try readAll(name.description, in: store.directory)
    for pointer in pointers { bytes[Int(pointer.offset)] ^= 1 }
    try store.write(bytes, to: name)
  }

  func damageLastBlock() throws {
    let name = HandmadeStore.segmentName
    var bytes = try readAll(name.description, in: store.directory)
    let blocks = try SegmentForger(bytes, id: FileID(low: 21, high: 22)).blocks
    bytes[try #require(blocks.last).offset] ^= 1
    try store.write(bytes, to: name)
  }

  /// A log alone, whose entries point into value files that are not there, each into another one.
  func writeLog(_ entries: Int) throws {
    let name = HandmadeStore.logName
    var manifest = store.manifest
    try store.directory.remove(HandmadeStore.valuesName.description)
    manifest.segments = []
    manifest.valueFiles = []
    manifest.lastSequence = .zero
    var writer = ByteWriter()
    writer.append(
      FileHeader(
        .log, number: name.number, identity: FileID(low: 99, high: 0),
        storeTag: manifest.storeID.low
      ).encoded())
    var batch = BatchEncoder()
    for index in 0..<entries {
      var pointer = pointers[0]
      pointer.file = UInt64(100 + index)
      try Self.key(index).withByteView { try batch.put($0, in: 1, at: pointer) }
    }
    batch.withPayload { payload in
      LogFramer.frame(
        .batch, payload, firstSequence: SequenceNumber(1), watermark: .none,
        identity: LogIdentity(number: name.number, salt: 99), offset: UInt64(writer.count),
        into: &writer)
    }
    try store.write(writer.bytes, to: name)
    manifest.logs = [
      LogExtent(
        number: name.number, length: UInt64(writer.count),
        lastSequence: SequenceNumber(UInt64(entries)))
    ]
    try store.write(manifest.encoded(), to: HandmadeStore.manifestName)
  }
}

// MARK: - Verification

extension ForgedFindings {
  func findings(
    _ change: (StoreVerification) -> Void = { _ in }
  ) throws -> ([IntegrityFinding], StoreVerification) {
    let directory = try StoreVerifier(at: store.directory.path, on: disk).directory
    let verification = StoreVerification(directory, .deep, readsCold: false)
    change(verification)
    var found: [IntegrityFinding] = []
    try verification.run(try directory.names()) { found.append($0) }
    return (found, verification)
  }

  /// Expects so much damage in all, of which 1,000 places of `file` are told of, and that there are more.
  ///
  /// - Parameter others: findings before them, of another file.
  @discardableResult
  func expectLimited(
    _ file: FileName, damage: Int, ofOthers others: Int = 0
  ) throws -> StoreVerification {
    let (found, verification) = try findings()
    let told = found.dropFirst(others)
    #expect(told.count == FindingLimit.most + 1)
    #expect(told.dropLast().allSatisfy { $0.severity == .damage })
    #expect(told.last == .more(in: file.description))
    #expect(verification.report.damage == damage)
    #expect(verification.report.notices == 1)
    return verification
  }
}
