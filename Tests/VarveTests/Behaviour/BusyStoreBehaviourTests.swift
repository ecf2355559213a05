import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// What must come to an end, and go, while others write without a pause: whoever is told of a flush makes the next one
/// necessary.
@Suite struct BusyStoreBehaviourTests {
  /// The store that is told of flushes, and how often it was.
  private struct Busy: Sendable {
    var store: SegmentStore?
    var flushes = 0
  }

  /// Fills one memtable more.
  private static func write(to store: SegmentStore, _ durability: Durability = .synced) throws {
    try store.keyspace("busy").put("key", [UInt8](repeating: 1, count: 100), durability: durability)
    try store.freezeMemTable()
  }

  @Test func aFlushReturnsOnceWhatWasWrittenBeforeIsFlushed() throws {
    let (tested, _) = try TestedStore.simulated()
    let busy = Monitor(Busy())
    let store = try tested.open {
      $0.onEvent = { event in
        guard case .flushed = event else { return }
        let store = busy.withLock { busy in
          busy.flushes += 1
          return busy.flushes < 50 ? busy.store : nil
        }
        if let store { try? Self.write(to: store) }
      }
    }
    busy.withLock { $0.store = store }
    try Self.write(to: store)
    try store.flush()
    #expect(busy.withLock { $0.flushes } == 1)
    busy.withLock { $0.store = nil }
    try store.close()
  }

  /// The flushing thread makes logs durable that were left, so that they get another life, or go.
  @Test func logsThatWereLeftGoWhileFlushesFollowEachOther() throws {
    let (tested, _) = try TestedStore.simulated()
    let busy = Monitor(Busy())
    let (left, names) = (Monitor<[Int]>([]), Monitor<[Int]>([]))
    let store = try tested.open(.threads) {
      $0.onEvent = { event in
        guard case .flushed = event, let store = busy.withLock(\.store) else { return }
        let count = busy.withLock { busy in
          busy.flushes += 1
          return busy.flushes
        }
        guard count < 40 else { return busy.broadcast() }
        left.withLock { $0.append(store.engine.log.state.withLock { $0.older.count }) }
        names.withLock { $0.append((try? tested.names(.log).count) ?? .max) }
        for _ in 0..<store.engine.derived.gatheredMemTables {
          try? Self.write(to: store, .buffered)
        }
      }
    }
    busy.withLock { $0.store = store }
    for _ in 0..<store.engine.derived.gatheredMemTables { try Self.write(to: store, .buffered) }
    #expect(
      busy.wait(until: SystemClock().monotonicNanoseconds() + 60_000_000_000) { $0.flushes >= 40 })
    busy.withLock { $0.store = nil }
    #expect(left.withLock { $0.max() ?? .max } < 12, "\(left.withLock { $0 })")
    #expect(names.withLock { $0.max() ?? .max } < 24, "\(names.withLock { $0 })")
    try store.close()
  }

  /// Writers wait for a flush again once one succeeded, and are told of no failure that is over.
  @Test func aFlushThatSucceedsEndsTheFailureBefore() throws {
    let (tested, disk) = try TestedStore.simulated()
    let busy = Monitor(Busy())
    let failures = Monitor<[Bool]>([])
    let store = try tested.open(.inline) {
      $0.onEvent = { event in
        guard case .flushed = event, let store = busy.withLock(\.store) else { return }
        failures.withLock { $0.append(store.engine.work.failure != nil) }
      }
    }
    busy.withLock { $0.store = store }
    disk.inject(Fault(.create, "segment-", effect: .error(.full)))
    try Self.write(to: store)
    try store.put("another", [1])
    #expect(store.engine.work.failure?.code == .full)
    try Self.write(to: store)
    try store.put("another", [2])
    #expect(failures.withLock { $0 } == [false] && store.engine.work.failure == nil)
    busy.withLock { $0.store = nil }
    try store.close()
  }

  /// Whoever had asked whether the store is open before it was closed makes no file in a directory that is somebody
  /// else's by now.
  @Test func noValueIsPlacedAfterAClose() throws {
    let (tested, _) = try TestedStore.simulated()
    let store = try tested.open()
    try store.put("key", [1])
    let keyspace = try store.main()
    let placement = store.engine.placement
    try store.close()
    let before = try tested.files()
    let value = [UInt8](repeating: 1, count: 9_000)
    let failure = try storeFailure {
      try value.withByteView { value in
        let write = SingleWrite(
          kind: .put, keyspace: keyspace.number, key: value.prefix(3), value: value, expiry: 0)
        _ = try placement.place(write, keyspace.policy)
      }
    }
    #expect(failure?.code == .closed)
    #expect(try tested.files() == before)
  }
}
