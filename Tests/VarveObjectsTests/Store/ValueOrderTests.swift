import Testing
import Varve
import VarveFormat
import VarveSimulation
import VarveTestSupport

/// Values go into a bucket in the order of their keys: neighbours come with one request.
@Suite("Values in order")
struct ValueOrderTests {
  /// A store with `count` vectors, put in no order, and its keyspace.
  private func vectors(
    _ count: Int, in machine: TieredStore, bytes: Int = 3_000
  ) throws -> (SegmentStore, Keyspace) {
    let store = try machine.open()
    let keyspace = try store.keyspace("vectors")
    var random = SplitMix64(seed: 7)
    var numbers = Array(0..<count)
    for index in numbers.indices { numbers.swapAt(index, random.below(count)) }
    for number in numbers {
      try keyspace.put("v\(100_000 + number)", random.bytes(bytes), durability: .buffered)
    }
    return (store, keyspace)
  }

  /// How many requests each of some scans of ten rows takes.
  private func scans(
    _ keyspace: Keyspace, _ count: Int, _ machine: TieredStore, every: Int
  ) throws -> [Int] {
    try stride(from: 5, to: count - 10, by: every).map { start in
      try scan(keyspace, from: start, machine)
    }
  }

  private func scan(_ keyspace: Keyspace, from start: Int, _ machine: TieredStore) throws -> Int {
    try machine.bucket.requests {
      var cursor = try keyspace.cursor()
      for row in start..<start + 10 {
        let isFound = row == start ? try cursor.seek(to: "v\(100_000 + row)") : try cursor.next()
        #expect(isFound)
        #expect(String(copying: cursor.key) == "v\(100_000 + row)")
        #expect(cursor.value.count >= 1_000)
      }
    }.count
  }

  @Test(arguments: [1_000, 3_000, 6_000])
  func tenColdRowsTakeTwoRequests(bytes: Int) throws {
    let machine = TieredStore()
    let (store, keyspace) = try vectors(1_500, in: machine, bytes: bytes)
    try store.compact()
    try store.upload()
    try store.evict(keeping: 100_000)
    #expect(machine.disk.sealedFiles.allSatisfy { $0.hasPrefix("segment") })
    let requests = try scans(keyspace, 1_500, machine, every: 83)
    #expect(requests.allSatisfy { $0 <= 2 }, "\(requests)")
    try store.close()
  }

  /// One for the block that leads to the values where it is not here yet, one for the values.
  @Test(arguments: [1_000, 6_000])
  func soTheyDoWhereNothingIsHere(bytes: Int) throws {
    let machine = TieredStore()
    let (store, _) = try vectors(3_000, in: machine, bytes: bytes)
    try store.compact()
    try store.upload()
    try store.evict()
    #expect(machine.disk.sealedFiles.isEmpty)
    try store.close()
    var requests: [Int] = []
    for start in stride(from: 1_700, to: 2_900, by: 97) {
      var options = machine.connected()
      options.bucket?.diskCacheBytes = 0
      // Nothing is known of what was read before.
      let again = try machine.open(options)
      requests.append(try scan(again.keyspace("vectors"), from: start, machine))
      try again.close()
    }
    // What leads to them mostly comes with the opening, and all ten values come at once.
    #expect(requests.allSatisfy { $0 <= 2 } && requests.count { $0 > 1 } <= 2, "\(requests)")
  }

  @Test func theyDoWithoutACompactionToo() throws {
    let machine = TieredStore()
    let (store, keyspace) = try vectors(1_500, in: machine)
    try store.upload()
    try store.evict(keeping: 100_000)
    let requests = try scans(keyspace, 1_500, machine, every: 83)
    #expect(requests.allSatisfy { $0 <= 2 }, "\(requests)")
    try store.close()
  }

  @Test func whatTheBucketHasIsNotPutAgain() throws {
    let machine = TieredStore()
    let (store, keyspace) = try vectors(600, in: machine)
    let first = try store.upload()
    #expect(first.bytes > 1_800_000 && first.bytes < 2_000_000, "\(first.bytes)")
    try keyspace.put("v1", [UInt8](repeating: 7, count: 3_000), durability: .buffered)
    #expect(try store.upload().bytes < 100_000)
    try keyspace.put("v2", [UInt8](repeating: 7, count: 3_000), durability: .buffered)
    try store.compact()
    #expect(try store.upload().bytes < 100_000)
    #expect(try store.upload().bytes == 0)
    try store.close()
  }

  @Test func aStoreWithoutABucketKeepsItsOrder() throws {
    var machine = TieredStore()
    machine.options.bucket = nil
    let store = try machine.open(machine.options)
    let keyspace = try store.keyspace("vectors")
    for number in [5, 3, 8, 1] {
      try keyspace.put("v\(number)", [UInt8](repeating: 1, count: 9_000), durability: .buffered)
    }
    try store.flush()
    let before = machine.disk.sealedFiles.filter { $0.hasPrefix("values") }
    try store.compact()
    #expect(machine.disk.sealedFiles.filter { $0.hasPrefix("values") } == before)
    try store.close()
  }
}
