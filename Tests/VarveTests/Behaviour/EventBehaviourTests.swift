import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// Who is told of an event may use the store, or let it go, there and then.
@Suite struct EventBehaviourTests {
  /// The store that a handler reaches, and how often it was called.
  private struct Reach: Sendable {
    var store: SegmentStore?
    var calls = 0
  }

  /// Opens a store whose handler calls `act` the first time it is told of something after opening.
  private static func open(
    _ tested: TestedStore, _ background: StoreComponents.Background, _ reach: Monitor<Reach>,
    _ act: @escaping @Sendable (SegmentStore) -> Void
  ) throws {
    let store = try tested.open(background) { options in
      options.onEvent = { _ in
        let (store, isFirst) = reach.withLock { reach in
          reach.calls += reach.store == nil ? 0 : 1
          return (reach.store, reach.calls == 1)
        }
        if let store, isFirst { act(store) }
        reach.broadcast()
      }
    }
    reach.withLock { $0.store = store }
  }

  /// Whether `body` returns; a thread that does not is left behind.
  private static func returns(_ body: @escaping @Sendable () -> Void) throws -> Bool {
    let isDone = Monitor(false)
    _ = try WorkerThread(name: "caller") {
      body()
      isDone.withLock { $0 = true }
      isDone.broadcast()
    }
    return isDone.wait(until: SystemClock().monotonicNanoseconds() + 5_000_000_000) { $0 }
  }

  enum Act: CaseIterable {
    case put, flush, compact, close

    func callAsFunction(_ store: SegmentStore) throws {
      switch self {
      case .put: try store.put("told", [1])
      case .flush: try store.flush()
      case .compact: try store.compact()
      case .close: try store.close()
      }
    }
  }

  @Test(arguments: Act.allCases, [Act.flush, Act.compact])
  func aHandlerMayCallTheStoreFromACallOfTheUser(_ inner: Act, _ outer: Act) throws {
    let (tested, _) = try TestedStore.simulated()
    let reach = Monitor(Reach())
    let failures = Monitor<[StoreError]>([])
    try Self.open(tested, .none, reach) { store in
      do { try inner(store) } catch {
        failures.withLock { $0.append(error as? StoreError ?? StoreError(.invalid, "other")) }
      }
    }
    let store = try #require(reach.withLock { $0.store })
    try store.put("key", [1])
    let isBack = try Self.returns { try? outer(store) }
    #expect(isBack)
    guard isBack else { return }
    #expect(failures.withLock { $0.map(\.code) } == [])
    #expect(reach.withLock { $0.calls } > 0)
    try store.close()
    #expect(try tested.reopenedContent()["key"] == [1])
  }

  @Test(arguments: Act.allCases, FileSystemKind.allCases)
  func aHandlerMayCallTheStoreFromAThreadOfTheStore(_ act: Act, _ kind: FileSystemKind) throws {
    try kind.withTestedStore { tested in
      let reach = Monitor(Reach())
      let isDone = Monitor(false)
      try Self.open(tested, .threads, reach) { store in
        try? act(store)
        isDone.withLock { $0 = true }
        isDone.broadcast()
      }
      let store = try #require(reach.withLock { $0.store })
      try store.put("key", [1])
      let engine = store.engine
      try engine.alone { () throws(StoreError) in try engine.freezeMemTable() }
      let deadline = SystemClock().monotonicNanoseconds() + 5_000_000_000
      #expect(isDone.wait(until: deadline) { $0 })
      try store.close()
      reach.withLock { $0.store = nil }
      #expect(try tested.reopenedContent()["key"] == [1])
    }
  }

  /// It would wait for the very flush that waits for it.
  @Test func aHandlerThatWritesMuchDoesNotWaitForItsOwnThread() throws {
    let (tested, _) = try TestedStore.simulated()
    let reach = Monitor(Reach())
    let written = Monitor<Int?>(nil)
    try Self.open(tested, .threads, reach) { store in
      let engine = store.engine
      var count = 0
      // More memtables than may wait.
      for index in 0..<6 where (try? store.put("told \(index)", [1])) != nil {
        count += 1
        try? engine.alone { () throws(StoreError) in try engine.freezeMemTable() }
      }
      written.withLock { $0 = count }
      written.broadcast()
    }
    let store = try #require(reach.withLock { $0.store })
    try store.put("key", [1])
    let engine = store.engine
    try engine.alone { () throws(StoreError) in try engine.freezeMemTable() }
    let deadline = SystemClock().monotonicNanoseconds() + 10_000_000_000
    #expect(written.wait(until: deadline) { $0 != nil })
    #expect(written.withLock { $0 } == 6)
    try store.close()
    reach.withLock { $0.store = nil }
  }

  /// A handler that holds the store for the length of a call may be the last to hold it.
  @Test func theLastToHoldAStoreMayBeAThreadOfItsOwn() throws {
    let (tested, _) = try TestedStore.simulated()
    let reach = Monitor(Reach())
    try Self.open(tested, .threads, reach) { _ in
      // Nobody else holds it from here on.
      reach.withLock { $0.store = nil }
    }
    do {
      let store = try #require(reach.withLock { $0.store })
      try store.put("key", [1])
      let engine = store.engine
      try engine.alone { () throws(StoreError) in try engine.freezeMemTable() }
    }
    let deadline = SystemClock().monotonicNanoseconds() + 5_000_000_000
    #expect(reach.wait(until: deadline) { $0.store == nil && $0.calls > 0 })
    // Its lock goes when the thread has let go.
    var content: TestedStore.Content?
    while content == nil, SystemClock().monotonicNanoseconds() < deadline {
      content = try? tested.reopenedContent()
    }
    #expect(content?["key"] == [1])
  }
}
