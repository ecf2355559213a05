import Foundation

/// Places numbers above zero on a line by their logarithm.
struct LogScale {
  let range: ClosedRange<Double>
  let pixels: (from: Double, to: Double)

  init(_ range: ClosedRange<Double>, from: Double, to: Double) {
    self.range = range
    pixels = (from, to)
  }

  func callAsFunction(_ value: Double) -> Double {
    let bounded = min(max(value, range.lowerBound), range.upperBound)
    let share = log(bounded / range.lowerBound) / log(range.upperBound / range.lowerBound)
    return pixels.from + share * (pixels.to - pixels.from)
  }

  /// Round numbers in the range: powers of ten, with twice and five times each where there is room.
  var ticks: [Double] {
    let decades = log10(range.upperBound / range.lowerBound)
    let factors: [Double] = decades > 4 ? [1] : [1, 2, 5]
    let powers = Int(floor(log10(range.lowerBound)))...Int(ceil(log10(range.upperBound)))
    return powers.flatMap { power in factors.map { $0 * pow(10, Double(power)) } }.filter {
      $0 >= range.lowerBound * 0.999 && $0 <= range.upperBound * 1.001
    }
  }

  /// The smallest range of round numbers around all values.
  static func range(around values: [Double]) -> ClosedRange<Double> {
    let positive = values.filter { $0 > 0 && $0.isFinite }
    guard let least = positive.min(), let most = positive.max() else { return 0.1...10 }
    let factors = [1, 2, 5, 10.0]
    let lowPower = pow(10, floor(log10(least)))
    let highPower = pow(10, floor(log10(most)))
    let low = lowPower * (factors.last { $0 * lowPower <= least * 1.0001 } ?? 1)
    let high = highPower * (factors.first { $0 * highPower >= most * 0.9999 } ?? 10)
    return low...max(high, low * 2)
  }

  static func label(_ value: Double, unit: String = "") -> String {
    let (scaled, suffix) =
      value >= 1e6 ? (value / 1e6, "M") : value >= 1e3 ? (value / 1e3, "k") : (value, "")
    return String(format: "%g", scaled) + suffix + unit
  }
}
