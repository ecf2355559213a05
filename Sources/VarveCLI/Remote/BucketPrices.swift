import Varve

/// What a bucket costs, in dollars: what a large provider asks in its oldest region. Others ask less.
enum BucketPrices {
  private static let terabyteMonth = 23.0
  private static let thousandWrites = 0.005
  private static let thousandReads = 0.0004

  static func storage(_ bytes: UInt64) -> Double { Double(bytes) / 1e12 * terabyteMonth }

  /// Listings cost what writes do.
  static func writes(_ count: UInt64) -> Double { Double(count) / 1e3 * thousandWrites }

  static func reads(_ count: UInt64) -> Double { Double(count) / 1e3 * thousandReads }

  /// With as many digits as a small sum needs.
  static func text(_ sum: Double) -> String {
    let digits = sum < 0.000_001 || sum >= 1 ? 2 : sum >= 0.01 ? 3 : 6
    return "$" + Quantity.decimal(sum, places: digits)
  }

  /// Requests of a month, where it goes on as it did.
  struct Month {
    private static let seconds = 2_592_000.0

    var writes: UInt64
    var lists: UInt64

    init(_ rate: BucketUsage.Rate) {
      let times = Self.seconds / Double(max(1, rate.seconds))
      writes = UInt64(min(Double(rate.writes) * times, 1e15))
      lists = UInt64(min(Double(rate.lists) * times, 1e15))
    }

    var dollars: Double { BucketPrices.writes(writes + lists) }
  }
}
