import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// Files that are mostly a hole: their length costs whoever forges them nothing, and may not cost much memory or time.
@Suite struct ForgedHoleTests {
  /// A few bytes at the beginning and the end of a file of any length.
  private final class HoleFile: File {
    let name = "segment-0000000000000001"
    private let head: [UInt8]
    private let end: [UInt8]
    private let length: UInt64
    private let mostAsked = Monitor(0)

    init(_ head: [UInt8], _ end: [UInt8], length: UInt64) {
      (self.head, self.end, self.length) = (head, end, length)
    }

    /// The most bytes that anybody wanted at once.
    var asked: Int { mostAsked.withLock { $0 } }

    func size() -> UInt64 { length }

    func read(into buffer: AlignedBuffer, count: Int, at offset: UInt64) -> Int {
      mostAsked.withLock { $0 = max($0, count) }
      let endAt = length - UInt64(end.count)
      let bytes = offset < endAt ? head.dropFirst(Int(offset)) : end.dropFirst(Int(offset - endAt))
      let found = Array(bytes.prefix(count))
      found.withByteView { buffer.copy($0) }
      return found.count
    }

    func write(_ bytes: ByteView, at offset: UInt64) {}
    func reserve(_ size: UInt64) {}
    func truncate(to size: UInt64) {}
    func dropCache() {}
    func sync() {}
    func close() {}
  }

  @Test func aSegmentWhoseIndexIsAHoleIsRefusedBeforeItIsRead() throws {
    let id = FileID(low: 1, high: 2)
    let length: UInt64 = 3 << 30
    let behind = length - UInt64(SegmentFooter.maximumByteCount)
    let footer = SegmentFooter(sections: [
      SegmentSection(.dataBlocks, offset: 64, length: 64),
      SegmentSection(.indexLeaves, offset: 128, length: behind - 256),
      SegmentSection(.indexTop, offset: behind - 128, length: 64),
      SegmentSection(.properties, offset: behind - 64, length: 64),
    ])
    let base = length - UInt64(SegmentFooter.tailByteCount + 4 * SegmentSection.byteCount)
    let end = footer.encoded(at: base, id: id)
    let padding = [UInt8](repeating: 0, count: SegmentFooter.maximumByteCount - end.count)
    let file = HoleFile(
      FileHeader(.segment, identity: id).encoded(), padding + end, length: length)
    let failure = try storeFailure {
      _ = try OpenSegment.open(
        FilePieces(file: file, size: length), number: 1, id: id,
        BlockAccess(decompressor: Decompressor(), cache: BlockCache(budget: 0)))
    }
    #expect(failure?.code == .corrupted)
    #expect(failure?.offset == base)
    #expect(file.asked <= SegmentFooter.maximumByteCount)
  }

  @Test func bitsForMoreThanAnyFileHasTakeLittleMemory() {
    let bits = TouchedBits(count: 1 << 40)
    let bytes = bits.memoryBytes
    #expect(bytes <= 16 << 20)
    for number in [5, 1 << 39] { bits.insert(number) }
    let (near, far) = (bits.contains(5), bits.contains(1 << 39))
    #expect(near && !far)
  }

  /// No log is as long: one that is, is none of this store's.
  @Test(arguments: [StoreOptions.ReadMode.mapped, .buffered])
  func aLogThatIsTooLongIsRefusedBeforeItIsRead(_ mode: StoreOptions.ReadMode) throws {
    try FileSystemKind.posix.withTestedStore { tested in
      // Dropped and not closed, so that no manifest says how long the log is.
      try tested.open().put("key", [1])
      let log = try #require(try tested.names(.log).last)
      let file = try tested.directory.openForWriting(log)
      try file.truncate(to: 8 << 30)
      try file.close()
      let failure = try storeFailure { _ = try tested.open { $0.readMode = mode } }
      #expect(failure?.file == log)
      #expect(failure?.code == .corrupted)
      let damage = try tested.findings().filter { $0.severity == .damage }
      #expect(damage.map(\.file) == [log])
    }
  }

  /// What lies below the floor is in segments: that it cannot be read is nobody's loss.
  @Test(arguments: [StoreOptions.ReadMode.mapped, .buffered])
  func aLogThatIsNotNeededIsNotRead(_ mode: StoreOptions.ReadMode) throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    try store.put("key", [1])
    let log = try #require(try tested.names(.log).last)
    let bytes = try tested.bytes(log)
    try store.flush()
    try store.put("later", [2])
    try store.close()
    try disk.place(bytes, at: "store/\(log)")
    let calls: [FileSystemError.Operation] = [.read, .map]
    for call in calls { disk.inject(Fault(call, log, lasts: .forGood)) }
    let damage = try tested.findings().filter { $0.severity == .damage }
    #expect(damage.isEmpty)
    let again = try tested.open { $0.readMode = mode }
    #expect(try again.content() == ["key": [1], "later": [2]])
    disk.clearFaults()
    try again.close()
  }
}
