import Testing
import Varve
import VarveObjects
import VarveSimulation
import VarveTestSupport

@Suite struct ColdStoreTests {
  @Test(arguments: [StoreOptions.ReadMode.mapped, .buffered])
  func everyLocalFileGoesAndEverythingIsReadBack(_ mode: StoreOptions.ReadMode) throws {
    let machine = TieredStore(readMode: mode)
    var sample = Sample(seed: 1)
    var store = try machine.open()
    try sample.write(1_000, to: store)
    try store.upload()
    #expect(try store.evict() > 500_000)
    #expect(machine.disk.sealedFiles.isEmpty)
    #expect(try sample.difference(from: store) == nil)
    try store.close()
    store = try machine.open()
    #expect(machine.disk.sealedFiles.isEmpty)
    #expect(try sample.difference(from: store) == nil)
    // And it goes on: what is cold is compacted with what is not.
    try sample.write(500, to: store)
    try store.compact()
    #expect(try sample.difference(from: store) == nil)
    try store.upload()
    try store.evict()
    #expect(try sample.difference(from: store) == nil)
    try store.close()
  }

  @Test func aLostMachineIsReplaced() throws {
    let machine = TieredStore()
    var sample = Sample(seed: 2)
    let lost = try machine.open()
    try sample.write(700, to: lost)
    try lost.upload()
    let disk = SimulatedFileSystem()
    var store = try machine.openElsewhere(on: disk)
    #expect(disk.sealedFiles.isEmpty)
    #expect(try sample.difference(from: store) == nil)
    try sample.write(500, to: store)
    try store.upload()
    #expect(try sample.difference(from: store) == nil)
    // The other machine was not lost: it finds out when it comes to the bucket again.
    #expect(try storeCode { try lost.keyspace("sample").put("late", "1") } == nil)
    #expect(try storeCode { try lost.upload() } == .fenced)
    #expect(try storeCode { try lost.keyspace("sample").put("later", "1") } == .fenced)
    try lost.close()
    #expect(try storeCode { _ = try machine.open() } == .fenced)
    try store.close()
    store = try machine.open(on: disk)
    #expect(try sample.difference(from: store) == nil)
    try store.close()
  }

  @Test func aColdReadIsOneRequest() throws {
    let machine = TieredStore()
    var sample = Sample(seed: 3)
    var store = try machine.open()
    try sample.write(1_000, to: store)
    try store.compact()
    try store.upload()
    try store.evict()
    try store.close()
    store = try machine.open()
    let keyspace = try store.keyspace("sample")
    let (small, large) = (
      sample.expected.filter { $0.value.count < 500 }.keys.sorted(),
      sample.expected.filter { $0.value.count > 3_000 }.keys.sorted()
    )
    _ = try keyspace.value(for: small[0])
    for (key, most) in [(small[small.count / 2], 1), (large[large.count / 2], 2)] {
      machine.bucket.forgetCalls()
      _ = try keyspace.value(for: key)
      #expect(machine.bucket.calls.count <= most, "\(key): \(machine.bucket.calls)")
      _ = try keyspace.value(for: key)
      #expect(machine.bucket.calls.count <= most, "again: \(machine.bucket.calls)")
    }
    try store.close()
  }

  @Test func valuesInFilesOfTheirOwnTakeOneRequestWhereWhatLeadsToThemStays() throws {
    let machine = TieredStore()
    let store = try machine.open()
    let vectors = try store.keyspace("vectors")
    var random = SplitMix64(seed: 1)
    for number in 0..<500 {
      try vectors.put("v\(1000 + number)", random.bytes(6_000), durability: .buffered)
    }
    try store.compact()
    try store.upload()
    try store.evict(keeping: 200_000)
    #expect(machine.disk.sealedFiles.allSatisfy { $0.hasPrefix("segment") })
    machine.bucket.forgetCalls()
    #expect(try vectors.value(for: "v1250")?.count == 6_000)
    // The value file's header and end, which were kept, are no requests.
    #expect(machine.bucket.calls.map(\.kind) == [.read])
    try store.close()
  }

  /// A large request for each MiB where there is memory for it, smaller ones where there is little.
  @Test(arguments: [(8, 150), (64, 30)])
  func aLongColdScanTakesLargePieces(mebibytes: Int, most: Int) throws {
    var machine = TieredStore()
    machine.options.memoryBudget = mebibytes << 20
    let store = try machine.open()
    let keyspace = try store.keyspace("vectors")
    var random = SplitMix64(seed: 1)
    for number in 0..<3_000 {
      try keyspace.put("\(10_000 + number)", random.bytes(3_000), durability: .buffered)
    }
    try store.upload()
    try store.evict()
    machine.bucket.forgetCalls()
    var bytes = 0
    try keyspace.forEach { _, value in bytes += value.count }
    #expect(bytes == 9_000_000)
    let calls = machine.bucket.calls
    let fetched = calls.reduce(0) { $0 + $1.bytes }
    #expect(calls.count <= most && fetched < bytes + bytes / 10, "\(calls.count), \(fetched) bytes")
    try store.close()
  }

  @Test func aColdScanAsksForManyBlocksAtOnce() throws {
    let machine = TieredStore()
    let store = try machine.open()
    let keyspace = try store.keyspace("sample")
    var random = SplitMix64(seed: 1)
    for number in 0..<8_000 {
      try keyspace.put("key-\(100_000 + number)", random.bytes(100), durability: .buffered)
    }
    for number in 0..<600 {
      try keyspace.put("vector-\(10_000 + number)", random.bytes(3_000), durability: .buffered)
    }
    try store.compact()
    try store.upload()
    try store.evict()
    machine.bucket.forgetCalls()
    var bytes = 0
    try keyspace.forEach { key, value in bytes += key.count + value.count }
    let calls = machine.bucket.calls
    #expect(bytes > 2_500_000)
    #expect(calls.count <= 40, "\(calls.count) requests")
    let fetched = calls.reduce(0) { $0 + $1.bytes }
    #expect(fetched < 2 * bytes, "\(fetched) bytes fetched of \(bytes)")
    try store.close()
  }

  @Test func aBucketThatDoesNotAnswerIsSaidSo() throws {
    let machine = TieredStore()
    var sample = Sample(seed: 4)
    let connection = machine.bucket.connect()
    let store = try machine.open(machine.connected(connection))
    try sample.write(600, to: store)
    try store.upload()
    try store.evict()
    let keyspace = try store.keyspace("sample")
    try keyspace.put("hot", "1")
    connection.setFaults { _, _, _ in .refused }
    #expect(try keyspace.value(for: "hot") == Array("1".utf8))
    let cold = try #require(sample.expected.keys.sorted().first)
    #expect(try storeCode { _ = try keyspace.value(for: cold) } == .unavailable)
    #expect(try storeCode { try store.upload() } == .unavailable)
    try keyspace.put("still", "2")
    connection.setFaults { _, _, _ in nil }
    #expect(try keyspace.value(for: cold) == sample.expected[cold])
    try store.upload()
    try store.close()
    // Without its bucket not even the list of its keyspaces can be read.
    #expect(try storeCode { _ = try machine.open(machine.options) } == .unavailable)
  }

  @Test func openingWithoutAnAnswerIsAsked() throws {
    let machine = TieredStore()
    try machine.open().close()
    let connection = machine.bucket.connect()
    connection.setFaults { _, _, _ in .refused }
    var options = machine.connected(connection)
    #expect(try storeCode { _ = try machine.open(options) } == .unavailable)
    options.bucket?.opensWithoutBucket = true
    let store = try machine.open(options)
    try store.keyspace("sample").put("a", "1")
    #expect(try storeCode { try store.upload() } == .unavailable)
    try store.close()
    try machine.open().close()
  }

  @Test func aDamagedCopyIsNoticed() throws {
    let machine = TieredStore()
    var sample = Sample(seed: 5)
    let store = try machine.open()
    try sample.write(800, to: store)
    try store.compact()
    try store.upload()
    try store.evict()
    var whole: [ObjectName: [UInt8]] = [:]
    for name in machine.bucket.names where name.description.hasPrefix("file/") {
      guard var bytes = machine.bucket.bytes(of: name) else { continue }
      whole[name] = bytes
      for place in stride(from: 100, to: bytes.count, by: 50) { bytes[place] ^= 0x40 }
      machine.bucket.tamper(name, with: bytes)
    }
    let keyspace = try store.keyspace("sample")
    var refused = 0
    for (key, value) in sample.expected {
      do {
        let found = try keyspace.value(for: key)
        #expect(found == value)
      } catch {
        #expect(error.code == .corrupted, "\(error)")
        refused += 1
      }
    }
    #expect(refused > sample.expected.count / 2)
    // What was damaged on its way is asked for again.
    for (name, bytes) in whole { machine.bucket.tamper(name, with: bytes) }
    #expect(try sample.difference(from: store) == nil)
    try store.close()
  }
}
