/// Chooses which record an operation is about.
struct KeyPicker {
  private let pick: Pick
  private let count: Int
  private let zipfian: Zipfian?

  init(_ pick: Pick, _ count: Int) {
    self.pick = pick
    self.count = count
    zipfian = pick == .zipfian || pick == .latest ? Zipfian(count) : nil
  }

  /// - Parameter inserted: how many records were added behind the others so far.
  /// - Returns: from `count` on, one of those.
  mutating func next(_ random: inout SeededRandom, inserted: Int = 0) -> Int {
    guard let zipfian else { return Int.random(in: 0..<count, using: &random) }
    let rank = zipfian.next(&random)
    if pick == .latest { return max(0, count + inserted - 1 - rank) }
    // The frequent ones lie far apart.
    var scatter = SeededRandom(UInt64(rank))
    return Int(scatter.next() % UInt64(count))
  }
}
