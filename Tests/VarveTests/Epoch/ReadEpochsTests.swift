import Synchronization
import Testing
import VarvePlatform

@testable import Varve

@Suite struct ReadEpochsTests {
  /// Counts how many of its objects live.
  private final class Census: Sendable {
    let living = Atomic(0)
  }

  /// An object that says when it is dead: memory of a freed object may look alive for a while.
  private final class Tracked: Sendable {
    private static let alive = 0x600d_f00d
    private static let dead = 0xdead

    let number: Int
    private let census: Census
    private let state = Atomic(Tracked.alive)

    init(_ number: Int, _ census: Census) {
      self.number = number
      self.census = census
      census.living.add(1, ordering: .relaxed)
    }

    deinit {
      state.store(Self.dead, ordering: .relaxed)
      census.living.subtract(1, ordering: .relaxed)
    }

    var isAlive: Bool { state.load(ordering: .relaxed) == Self.alive }
  }

  /// What readers on other threads and their test tell each other.
  private final class Race: Sendable {
    let turns = Atomic(0)
    let isOver = Atomic(false)
    let troubles = Troubles()
  }

  private let census = Census()
  private let epochs = ReadEpochs()

  private var living: Int { census.living.load(ordering: .relaxed) }

  @Test func aReplacedObjectGoesAtTheNextCollectionWhenNobodyReads() {
    let published = Published(Tracked(1, census), in: epochs)
    published.replace(with: Tracked(2, census))
    #expect(living == 2)
    #expect(epochs.collect() == 0)
    #expect(living == 1)
    #expect(published.read { $0.number } == 2)
  }

  @Test func anObjectStaysWhileAReaderThatMayHoldItIsInside() {
    let published = Published(Tracked(1, census), in: epochs)
    published.read { object in
      published.replace(with: Tracked(2, census))
      #expect(epochs.collect() == 1)
      #expect(object.isAlive)
      #expect(published.read { $0.number } == 2)
    }
    #expect(epochs.collect() == 0)
    #expect(living == 1)
  }

  @Test func aReaderWhoCameLaterDoesNotDelayIt() {
    let published = Published(Tracked(1, census), in: epochs)
    published.replace(with: Tracked(2, census))
    let pin = epochs.enter()
    #expect(epochs.collect() == 0)
    epochs.exit(pin)
    #expect(living == 1)
  }

  @Test func staysNestAndTheOutermostCounts() {
    let published = Published(Tracked(1, census), in: epochs)
    let outer = epochs.enter()
    for _ in 0..<3 {
      let inner = epochs.enter()
      epochs.exit(inner)
    }
    published.replace(with: Tracked(2, census))
    let inner = epochs.enter()
    epochs.exit(inner)
    #expect(epochs.collect() == 1)
    epochs.exit(outer)
    #expect(epochs.collect() == 0)
  }

  @Test func threadsWithoutASlotAreCountedByEpoch() {
    let published = Published(Tracked(1, census), in: epochs)
    let first = epochs.enter(slot: -1)
    let second = epochs.enter(slot: -1)
    published.replace(with: Tracked(2, census))
    let third = epochs.enter(slot: -1)
    epochs.exit(first)
    #expect(epochs.collect() == 1)
    epochs.exit(second)
    #expect(epochs.collect() == 0)
    published.replace(with: Tracked(3, census))
    #expect(epochs.collect() == 1)
    epochs.exit(third)
    #expect(epochs.collect() == 0)
  }

  @Test func aStrongReferenceTakenInsideOutlivesTheEpoch() {
    let published = Published(Tracked(1, census), in: epochs)
    let kept = published.current
    published.replace(with: Tracked(2, census))
    #expect(epochs.collect() == 0)
    #expect(kept.isAlive)
    #expect(living == 2)
  }

  @Test func whatIsLeftGoesWithTheEpochs() {
    let census = Census()
    do {
      let epochs = ReadEpochs()
      let published = Published(Tracked(1, census), in: epochs)
      published.replace(with: Tracked(2, census))
    }
    #expect(census.living.load(ordering: .relaxed) == 0)
  }

  @Test func errorsPassThroughAndLeaveTheEpoch() {
    struct Refused: Error, Equatable {}
    let published = Published(Tracked(1, census), in: epochs)
    #expect(throws: Refused()) {
      try published.read { _ throws(Refused) in throw Refused() }
    }
    published.replace(with: Tracked(2, census))
    #expect(epochs.collect() == 0)
  }

  @Test func aThreadThatExitsHoldsNothingBack() throws {
    let published = Published(Tracked(1, census), in: epochs)
    let troubles = Troubles()
    for _ in 0..<20 {
      let reader = try WorkerThread(name: "reader") {
        if !published.read({ $0.isAlive }) { troubles.add("a dead object was read") }
      }
      reader.join()
    }
    #expect(troubles.all == [])
    published.replace(with: Tracked(2, census))
    #expect(epochs.collect() == 0)
  }

  /// Reads until told to stop; every third stay is nested, every fifth without a slot.
  private static func read(
    _ published: Published<Tracked>, _ epochs: ReadEpochs, _ race: Race
  ) {
    var turn = 0
    var last = 0
    while !race.isOver.load(ordering: .relaxed) {
      turn += 1
      let pin = turn % 5 == 0 ? epochs.enter(slot: -1) : epochs.enter()
      published.read { object in
        if object.number < last { race.troubles.add("an older object came back") }
        last = object.number
        let nested = turn % 3 == 0 ? published.read { $0.isAlive } : true
        // Long enough for the writer to replace and collect more than once.
        let stays = (0..<5000).allSatisfy { _ in object.isAlive }
        if !nested || !stays { race.troubles.add("a dead object was read") }
      }
      epochs.exit(pin)
      race.turns.add(1, ordering: .relaxed)
    }
  }

  @Test(arguments: [1, 3])
  func noReaderEverMeetsADeadObject(readerCount: Int) throws {
    let published = Published(Tracked(0, census), in: epochs)
    let race = Race()
    let readers = try (0..<readerCount).map { number in
      try WorkerThread(name: "reader \(number)") { [epochs] in
        Self.read(published, epochs, race)
      }
    }
    var number = 0
    while race.turns.load(ordering: .relaxed) < 300 || number < 5000 {
      number += 1
      published.replace(with: Tracked(number, census))
      epochs.collect()
    }
    race.isOver.store(true, ordering: .relaxed)
    for reader in readers { reader.join() }
    #expect(race.troubles.all == [])
    #expect(epochs.collect() == 0)
    #expect(living == 1)
  }
}
