import VarveFormat

/// The keyspaces of which all entries go, for questions about many at a time: a segment of a forged
/// manifest may reach over billions.
///
/// ```
/// number   0      1      2      3      4      5      6 ...
///          kept   gone   kept   gone   kept   end: not made yet, so kept from here on
/// ```
struct DroppedKeyspaces: Sendable {
  /// Those below `end` that stay, ascending.
  private let kept: [UInt32]
  private let end: UInt32

  init(_ keyspaces: KeyspaceLiveness, where isDropped: (UInt32) -> Bool) {
    let end = keyspaces.nextNumber
    // Numbers below the end that nobody names were dropped before the store was opened.
    let named = Set([SystemKeyspace.number]).union(keyspaces.policies.keys)
      .union(keyspaces.dropped.keys)
    kept = named.filter { $0 < end && !isDropped($0) }.sorted()
    self.end = end
  }

  func containsAll(of numbers: ClosedRange<UInt32>) -> Bool {
    numbers.upperBound < end && keptCount(in: numbers) == 0
  }

  func containsAny(of numbers: ClosedRange<UInt32>) -> Bool {
    guard numbers.lowerBound < end else { return false }
    let made = numbers.lowerBound...min(numbers.upperBound, end - 1)
    return keptCount(in: made) < made.count
  }

  private func keptCount(in numbers: ClosedRange<UInt32>) -> Int {
    kept.partitionPoint { $0 <= numbers.upperBound }
      - kept.partitionPoint { $0 < numbers.lowerBound }
  }
}
