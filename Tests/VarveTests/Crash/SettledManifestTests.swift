import Testing
import Varve
import VarveFormat
import VarveSimulation
import VarveTestSupport

/// The newest manifest stands beside the one before it, as a power cut may leave them: the opening makes it again.
@Suite struct SettledManifestTests {
  private let disk: SimulatedFileSystem
  private let newest: String

  init() throws {
    disk = SimulatedFileSystem()
    let store = try CrashWorkload.open(disk)
    try store.keyspace("default").put("kept", [1], durability: .synced)
    try store.flush()
    let before = disk.contents().filter { $0.key.hasPrefix("store/manifest-") }
    try store.close()
    newest = try #require(disk.contents().keys.first { $0.hasPrefix("store/manifest-") })
    for (path, bytes) in before { try disk.place(bytes, at: path) }
    try #require(before[newest] == nil)
  }

  @Test func aFullDiskIsHelpedByWhatACrashLeftHalfWritten() throws {
    let unfinished = "store/segment-0000000000000063.new"
    try disk.place([UInt8](repeating: 7, count: 100_000), at: unfinished)
    disk.setCapacity(bytes: disk.usedBytes)
    let store = try CrashWorkload.open(disk)
    #expect(try store.keyspace("default").contains("kept"))
    try store.close()
    #expect(disk.contents()[unfinished] == nil)
  }

  @Test func aFullDiskLosesNothing() throws {
    disk.setCapacity(bytes: disk.usedBytes)
    #expect(try storeCode { _ = try CrashWorkload.open(disk) } == .full)
    #expect(disk.leaks.isEmpty)
    let reader = try CrashWorkload.open(disk, access: .readOnly)
    #expect(try reader.keyspace("default").contains("kept"))
    try reader.close()
    disk.setCapacity(bytes: nil)
    let store = try CrashWorkload.open(disk)
    #expect(try store.keyspace("default").contains("kept"))
    try store.close()
  }

  /// A later version may have written what this one does not know, and may ignore.
  @Test func notAByteOfItChanges() throws {
    var bytes = try #require(disk.contents()[newest])
    var header = try bytes.withByteView { try FileHeader(decoding: $0, as: .manifest) }
    header.compatibleFlags = 1
    bytes.replaceSubrange(0..<FileHeader.byteCount, with: header.encoded())
    try disk.place(bytes, at: newest)
    let store = try CrashWorkload.open(disk)
    #expect(disk.contents()[newest] == bytes)
    try store.close()
  }
}
