import Testing
import VarveFormat
import VarvePlatform
import VarveTestSupport

@testable import Varve

/// A closed store leaves little in its logs, which one memtable takes. A manifest that says so of large ones is forged.
@Suite struct LargeCleanLogsTests {
  private static let valueBytes = 64 << 10

  /// A closed store with one log of so many entries, which the manifest names.
  private static func closed(_ count: UInt64) throws -> TestedStore {
    let (tested, _) = try TestedStore.simulated()
    let store = try tested.open()
    try store.put("first", [1])
    try store.flush()
    let keyspace = try store.main().number
    try store.close()
    try tested.changeManifest { manifest in
      let number = manifest.nextFileNumber
      let identity = LogIdentity(number: number, salt: 5)
      let header = FileHeader(
        .log, number: number, identity: FileID(low: 5, high: 0), storeTag: manifest.storeID.low)
      var writer = ByteWriter()
      writer.append(header.encoded())
      for index in 1...count as ClosedRange<UInt64> {
        var batch = BatchEncoder()
        try [UInt8](repeating: UInt8(index), count: valueBytes).withByteView { value in
          try Array("key \(index)".utf8).withByteView { try batch.put($0, in: keyspace, value) }
        }
        batch.withPayload { payload in
          LogFramer.frame(
            .batch, payload,
            firstSequence: SequenceNumber(manifest.lastSequence.rawValue + index),
            watermark: .none, identity: identity, offset: UInt64(writer.count), into: &writer)
        }
      }
      let file = try tested.directory.create(FileName(.log, number).description)
      try file.write(writer.bytes, at: 0)
      try file.close()
      manifest.nextFileNumber += 1
      manifest.logFloor = number
      manifest.logs = [
        LogExtent(
          number: number, length: UInt64(writer.count),
          lastSequence: SequenceNumber(manifest.lastSequence.rawValue + count))
      ]
    }
    return tested
  }

  @Test(arguments: [20, 100] as [UInt64])
  func largeOnesAreRecoveredInParts(_ count: UInt64) throws {
    let tested = try Self.closed(count)
    let store = try tested.open()
    #expect(try store.content().count == Int(count) + 1)
    let isLarge = count * UInt64(Self.valueBytes) >= 4 << 20
    #expect((store.engine.versions.current.levelZero.count > 1) == isLarge)
    try store.close()
    #expect(try tested.reopenedContent().count == Int(count) + 1)
    #expect(try tested.findings().filter { $0.severity == .damage }.isEmpty)
  }
}
