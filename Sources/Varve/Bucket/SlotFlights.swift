import VarvePlatform

/// Slots that somebody is fetching: whoever needs one waits for that one request instead of making another.
///
/// ```
///   needs 3-6, has 4        3 is on its way by another
///   [ 3 ][ 4 ][ 5 ][ 6 ]    leads 5-6 with one request, then joins 3
/// ```
///
/// Who leads waits for nobody before all who joined have their answer, so that no two wait for each other.
final class SlotFlights: Sendable {
  /// What to do next for slots that are missing.
  enum Turn {
    case lead(Range<UInt64>, SlotFlight)
    case join(SlotFlight)
  }

  private let flying = Monitor<[SlotKey: SlotFlight]>([:])

  /// Takes the lead for the first run of slots that nobody fetches, or joins whoever fetches the first one.
  ///
  /// - Parameter missing: the first and the last are; those between may be had.
  /// - Parameter last: how far the run may go on behind them, while `isWanted` holds.
  func turn(
    for missing: ClosedRange<UInt64>, through last: UInt64, of key: (UInt64) -> SlotKey,
    isMissing: (UInt64) -> Bool, isWanted: (UInt64) -> Bool
  ) -> Turn? {
    flying.withLock { flying in
      guard let first = missing.first(where: { flying[key($0)] == nil && isMissing($0) }) else {
        return missing.first(where: isMissing).flatMap { flying[key($0)] }.map(Turn.join)
      }
      var end = first + 1
      while end <= last, flying[key(end)] == nil, end <= missing.upperBound || isWanted(end) {
        end += 1
      }
      let flight = SlotFlight(first..<end)
      for slot in first..<end { flying[key(slot)] = flight }
      return .lead(first..<end, flight)
    }
  }

  /// Gives everybody who joined the answer. Whoever comes from here on asks anew, or finds it in memory.
  func land(_ flight: SlotFlight, _ result: SlotFlight.Landing, of key: (UInt64) -> SlotKey) {
    flying.withLock { flying in
      for slot in flight.slots { flying[key(slot)] = nil }
    }
    flight.land(result)
  }
}

/// One request on its way, for all who want a slot of it.
final class SlotFlight: Sendable {
  /// A block for each slot, or what became of the request.
  typealias Landing = Result<[CachedBlock], FileSystemError>

  let slots: Range<UInt64>
  private let landing = Monitor<Landing?>(nil)

  init(_ slots: Range<UInt64>) { self.slots = slots }

  /// The blocks, when they are there.
  func wait() throws(FileSystemError) -> [CachedBlock] {
    let landing = landing.withLock(when: { $0 != nil }) { $0 }
    return try landing?.get() ?? []
  }

  fileprivate func land(_ result: Landing) {
    landing.withLock { $0 = result }
    landing.broadcast()
  }
}
