import Testing
import Varve
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// Reads of tasks: what is here is read at once, what is not keeps no thread of the pool waiting.
@Suite struct FetchTests {
  /// A store of which all but the ends lies in the bucket.
  private static func cold(
    _ machine: TieredStore
  ) throws -> (SegmentStore, Keyspace, Sample, SimulatedObjectStore) {
    let connection = machine.bucket.connect()
    var sample = Sample(seed: 1)
    let store = try machine.open(machine.connected(connection))
    try sample.write(300, to: store)
    try store.upload()
    try store.evict()
    return (store, try store.keyspace("sample"), sample, connection)
  }

  @Test func tasksReadWhatIsThere() async throws {
    let machine = TieredStore()
    let (store, keyspace, sample, _) = try Self.cold(machine)
    let snapshot = try store.snapshot()
    for (key, value) in sample.expected {
      #expect(try await keyspace.fetchValue(for: key) == value)
    }
    let keys = sample.expected.keys.sorted()
    let found = try await keyspace.fetchValues(for: keys + ["none"], at: snapshot)
    #expect(found == keys.map { sample.expected[$0] } + [nil])
    let count = try await store.withReadThread {
      var count = 0
      for _ in try keyspace.entries() { count += 1 }
      return count
    }
    #expect(count == keys.count)
    try store.close()
    await #expect(throws: StoreError.self) { try await keyspace.fetchValue(for: keys[0]) }
  }

  /// More requests wait than the pool has threads, and other tasks still run.
  @Test func waitingReadsKeepNobodyWaiting() async throws {
    let machine = TieredStore()
    let (store, keyspace, sample, connection) = try Self.cold(machine)
    let gate = Monitor(false)
    let waiting = Monitor(0)
    connection.setBeforeEachCall { kind, _ in
      guard kind == .read else { return }
      waiting.withLock { $0 += 1 }
      waiting.broadcast()
      _ = gate.wait { $0 }
    }
    let keys = sample.expected.keys.sorted().prefix(30)
    let reads = Task {
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for key in keys {
          group.addTask { try await keyspace.fetchValue(for: key) == sample.expected[key] }
        }
        return try await group.reduce(into: true) { $0 = $0 && $1 }
      }
    }
    // This task goes on although they wait.
    for _ in 0..<100 where waiting.withLock({ $0 == 0 }) {
      try await Task.sleep(for: .milliseconds(5))
    }
    #expect(waiting.withLock { $0 } > 0)
    for _ in 0..<50 { await Task.yield() }
    gate.withLock { $0 = true }
    gate.broadcast()
    #expect(try await reads.value)
    try store.close()
  }

  @Test func whoIsCancelledInLineGetsNothing() async throws {
    let machine = TieredStore()
    let (store, keyspace, sample, _) = try Self.cold(machine)
    let key = try #require(sample.expected.keys.min())
    let task = Task {
      try await Task.sleep(for: .seconds(60))
      return try await keyspace.fetchValue(for: key)
    }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(try await keyspace.fetchValue(for: key) == sample.expected[key])
    try store.close()
  }

  /// What is here is read without a thread of the store's, bucket or not.
  @Test func whatIsHereIsReadAtOnce() async throws {
    let machine = TieredStore()
    var sample = Sample(seed: 2)
    let store = try machine.open()
    try sample.write(100, to: store)
    let keyspace = try store.keyspace("sample")
    for (key, value) in sample.expected {
      #expect(try await keyspace.fetchValue(for: key) == value)
    }
    #expect(machine.bucket.calls.allSatisfy { $0.kind != .read || !$0.name.hasPrefix("file") })
    try store.close()
  }

  /// A snapshot, for one, that a thread still held would keep versions of entries, and which of them by chance.
  @Test func whatWasReadWithIsLetGoBeforeTheTaskGoesOn() throws {
    let store = try TieredStore().open()
    for _ in 0..<500 {
      let isGone = Monitor(false)
      try WaitingExecutor.wait { try await Self.read(store, isGone) }
      #expect(isGone.withLock { $0 })
    }
    try store.close()
  }

  private static func read(_ store: SegmentStore, _ isGone: Monitor<Bool>) async throws {
    let lent = Lent(isGone)
    try await store.withReadThread { [lent] in lent.use() }
  }

  /// What a read captures; says when nobody holds it any more.
  private final class Lent: Sendable {
    private let isGone: Monitor<Bool>

    init(_ isGone: Monitor<Bool>) { self.isGone = isGone }

    deinit { isGone.withLock { $0 = true } }

    func use() {}
  }
}
