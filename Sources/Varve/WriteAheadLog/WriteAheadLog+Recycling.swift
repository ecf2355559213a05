import VarveFormat
import VarvePlatform

// What becomes of a log that nobody needs any more:
//
//   left, synced ──flushed──> retired ──header of a new life, synced──> renamed ──> the next log
//
// Its blocks are allocated and its pages in memory, so that appends to it are as cheap as they get.
// A retired log lies below the log floor of a durable manifest: whatever name or header a crash
// leaves it with, the next opening passes over it. So it does over a spare that was overtaken and
// waits here too: that holds nothing but zeros behind its header (log.md, "unused").

extension WriteAheadLog {
  /// How many retired logs wait for their next life: as many as one flush sets free.
  private static let mostRetired = 4

  /// Raises the log floor to `floor`: what lies below gets another life or goes.
  ///
  /// - Returns: the logs whose files are looked after here, now or when they are durable.
  func retire(below floor: UInt64) -> Set<UInt64> {
    let (own, surplus) = state.withLock { state in
      state.floor = max(state.floor, floor)
      let own = (state.left + state.older.filter(\.file.isReusable)).filter { $0.number < floor }
      return (own, state.takeSurplus(keeping: Self.mostRetired))
    }
    for log in surplus { discard(log) }
    return Set(own.map(\.number))
  }

  /// The same for logs that became durable after the floor had passed them.
  func retireLeft() {
    let surplus = state.withLock { $0.takeSurplus(keeping: Self.mostRetired) }
    for log in surplus { discard(log) }
  }

  /// The largest retired log, if it has at least `capacity` bytes.
  func takeRetired(capacity: UInt64) -> LogWriter? {
    state.withLock { state in
      guard let largest = state.retired.first, largest.capacity >= capacity else { return nil }
      return state.retired.removeFirst()
    }
  }

  /// Gives the disk back what waits for another life: nobody writes, or there is no room.
  ///
  /// - Parameter withSpare: whether what was made ready for the next log goes as well.
  func releaseRetired(withSpare: Bool = false) {
    let unused = state.withLock { state in
      defer {
        state.retired = []
        if withSpare { state.spare = nil }
      }
      return state.retired + (withSpare ? [state.spare].compactMap(\.self) : [])
    }
    for log in unused { discard(log) }
  }
}

extension WriteAheadLog.State {
  /// Takes a spare out that was overtaken: numbers must ascend in the order in which logs are written. One that
  /// holds nothing but zeros waits for another number, for then a header that is not its own says nothing; any
  /// other is returned, to be discarded.
  mutating func takeOvertaken() -> LogWriter? {
    guard let spare, spare.number < current?.number ?? 0 else { return nil }
    self.spare = nil
    guard spare.isBlank else { return spare }
    addRetired([spare])
    return nil
  }

  mutating func addRetired(_ logs: [LogWriter]) {
    retired += logs
    retired.sort { $0.capacity > $1.capacity }
  }

  /// Moves the logs below the floor to the retired ones; returns those beyond the `most` largest.
  fileprivate mutating func takeSurplus(keeping most: Int) -> [LogWriter] {
    addRetired(left.filter { $0.number < floor })
    left.removeAll { $0.number < floor }
    let surplus = Array(retired.dropFirst(most))
    retired.removeLast(surplus.count)
    return surplus
  }
}
