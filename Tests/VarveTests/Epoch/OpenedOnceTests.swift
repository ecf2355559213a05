import Testing
import VarvePlatform

@testable import Varve

/// Objects that are opened when they are first read.
@Suite struct OpenedOnceTests {
  /// Tells how many of its kind there are and were.
  private final class Thing: Sendable {
    private let counts: Monitor<(made: Int, alive: Int)>

    init(_ counts: Monitor<(made: Int, alive: Int)>) {
      self.counts = counts
      counts.withLock { $0 = ($0.made + 1, $0.alive + 1) }
    }

    deinit { counts.withLock { $0.alive -= 1 } }
  }

  @Test func isMadeWhenFirstAskedForAndFreedWithItsOwner() throws {
    let counts = Monitor((made: 0, alive: 0))
    do {
      let once = OpenedOnce<Thing>()
      #expect(unsafe once.present == nil)
      let first = try once.object { Thing(counts) }
      let second = try once.object { Thing(counts) }
      #expect(first === second)
      let isPresent = unsafe once.present?.takeUnretainedValue() === first
      #expect(isPresent)
    }
    #expect(counts.withLock { $0.made } == 1)
    #expect(counts.withLock { $0.alive } == 0)
  }

  @Test func aFailureIsNotRemembered() throws {
    let counts = Monitor((made: 0, alive: 0))
    let once = OpenedOnce<Thing>()
    let failure = storeError {
      _ = try once.object { () throws(StoreError) in throw StoreError(.inputOutput, "not now") }
    }
    #expect(failure?.code == .inputOutput)
    #expect(unsafe once.present == nil)
    _ = try once.object { Thing(counts) }
    #expect(counts.withLock { $0.alive } == 1)
  }

  /// Two that make one at the same time, seen from the one that comes second.
  @Test func whoComesSecondGetsTheFirstAndLetsItsOwnGo() throws {
    let counts = Monitor((made: 0, alive: 0))
    let once = OpenedOnce<Thing>()
    var first: Thing?
    let second = try once.object { () throws(StoreError) in
      first = try once.object { Thing(counts) }
      return Thing(counts)
    }
    #expect(second === first)
    #expect(counts.withLock { $0.made } == 2)
    #expect(counts.withLock { $0.alive } == 1)
  }
}
