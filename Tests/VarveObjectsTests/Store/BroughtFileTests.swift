import Testing
import Varve
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// Files that came back from the bucket, and beside which a mark says that their names may not last: nobody but who
/// makes them anew takes it away.
@Suite struct BroughtFileTests {
  /// A machine with all files here and in the bucket, each with a mark.
  private struct Marked {
    let machine = TieredStore()
    let directory: any Directory

    init(seed: UInt64) throws {
      var sample = Sample(seed: seed)
      let store = try machine.open()
      try sample.write(150, to: store)
      try store.upload()
      try store.close()
      directory = try machine.disk.openDirectory(at: "/store", create: false)
      for name in machine.disk.sealedFiles { try directory.create(name + ".tail").close() }
    }

    /// Files of this machine that have none.
    func unmarked() throws -> [String] {
      try machine.disk.sealedFiles.filter { try directory.status(of: $0 + ".tail") == nil }
    }

    func detach() throws -> StoreError.Code? {
      try storeCode { try SegmentStore.detachBucket(ofStoreAt: "/store", on: machine.disk) }
    }
  }

  private static func cut(_ name: String, in directory: any Directory) throws {
    let file = try directory.openForWriting(name)
    try file.truncate(to: file.size() - 1)
    try file.close()
  }

  /// Each call on a file of an eviction fails.
  @Test(arguments: [Fault.Duration.once, .forGood])
  func anEvictionThatFailsLeavesTheMark(lasts: Fault.Duration) throws {
    for (name, least) in [("segment-", 10), ("values-", 3)] {
      for occurrence in 1... {
        let marked = try Marked(seed: 1)
        let store = try marked.machine.open()
        marked.machine.disk.inject(Fault(nil, name, occurrence: occurrence, lasts: lasts))
        _ = try? store.evict()
        let isStruck = marked.machine.disk.struck != nil
        marked.machine.disk.clearFaults()
        #expect(try marked.unmarked() == [], "call \(occurrence) on \(name)")
        try store.close()
        guard isStruck else {
          #expect(occurrence > least)
          break
        }
      }
    }
  }

  /// One who had it open as a cold file finds the copy in the bucket damaged.
  @Test func aDamagedCopyLeavesTheMark() throws {
    let machine = TieredStore()
    var options = machine.connected()
    options.bucket?.diskCacheBytes = 0
    var store = try machine.open(options)
    let keyspace = try store.keyspace("sample")
    var random = SplitMix64(seed: 7)
    for number in 0..<800 {
      try keyspace.put("key-\(number)", random.bytes(900), durability: .buffered)
    }
    try store.compact()
    try store.upload()
    try store.evict()
    try store.close()
    store = try machine.open(options)
    let again = try store.keyspace("sample")
    // The last one: in the segment that comes first.
    #expect(try again.value(for: "key-99") != nil)
    machine.disk.inject(Fault(.syncDirectory, "store", lasts: .forGood))
    #expect(throws: StoreError.self) { try store.prefetch() }
    #expect(machine.disk.sealedFiles.count == 1)
    for object in machine.bucket.names where object.description.hasPrefix("file/") {
      machine.bucket.tamper(object, with: machine.bucket.bytes(of: object)?.map { ~$0 })
    }
    let name = try #require(machine.disk.sealedFiles.first)
    let directory = try machine.disk.openDirectory(at: "/store", create: false)
    let unmarked = Monitor<[String]>([])
    let disk = machine.disk
    disk.observeSteps { step in
      guard !disk.contents().keys.contains(where: { $0.hasSuffix(name + ".tail") }) else { return }
      unmarked.withLock { $0.append("before \(step)") }
    }
    // Only what was read ahead is in memory.
    let damaged = try (0..<800).filter { number in
      try storeCode { _ = try again.value(for: "key-\(number)") } == .corrupted
    }
    disk.observeSteps(nil)
    #expect(damaged.contains(700))
    #expect(unmarked.withLock { $0 } == [])
    #expect(try directory.status(of: name + ".tail") != nil)
    try? store.close()
  }

  /// A file that is cut is damaged, and keeps its bucket.
  @Test func aMarkedFileThatIsCutIsDamaged() throws {
    let marked = try Marked(seed: 1)
    let name = try #require(marked.machine.disk.sealedFiles.max())
    try Self.cut(name, in: marked.directory)
    #expect(try marked.detach() == .corrupted)
  }

  /// One that is damaged keeps none of the others from being made anew.
  @Test func theOthersAreMadeAnew() throws {
    for name in try Marked(seed: 1).machine.disk.sealedFiles {
      let marked = try Marked(seed: 1)
      let store = try marked.machine.open()
      try Self.cut(name, in: marked.directory)
      #expect(try storeCode { try store.prefetch() } == .corrupted)
      #expect(
        try Set(marked.unmarked()) == Set(marked.machine.disk.sealedFiles).subtracting([name]))
      #expect(try !marked.unmarked().isEmpty)
      try? store.close()
    }
  }
}
