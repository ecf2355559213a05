import Foundation

/// Numbers below `count`, small ones far more often: rank r comes up in proportion to r^-0.99, as in
/// YCSB. The method is that of Gray and others, "Quickly generating billion-record synthetic
/// databases".
struct Zipfian {
  private static let theta = 0.99
  private let count: Int
  private let zeta: Double
  private let eta: Double

  init(_ count: Int) {
    self.count = count
    zeta = Self.sum(count)
    let share = 1 - pow(2 / Double(count), 1 - Self.theta)
    eta = share / (1 - Self.sum(2) / zeta)
  }

  /// A rank; 0 is the most frequent.
  func next(_ random: inout SeededRandom) -> Int {
    let uniform = Double(random.next() >> 11) / Double(1 << 53)
    let scaled = uniform * zeta
    if scaled < 1 { return 0 }
    if scaled < 1 + pow(0.5, Self.theta) { return min(1, count - 1) }
    let rank = Double(count) * pow(eta * uniform - eta + 1, 1 / (1 - Self.theta))
    return min(count - 1, Int(rank))
  }

  /// The sum of r^-theta for the first `count` ranks: added up for the first, integrated for the
  /// rest.
  private static func sum(_ count: Int) -> Double {
    let exact = min(count, 10_000)
    let head = (1...exact).reduce(0.0) { $0 + pow(Double($1), -theta) }
    guard count > exact else { return head }
    let power = 1 - theta
    return head + (pow(Double(count) + 0.5, power) - pow(Double(exact) + 0.5, power)) / power
  }
}
