/// An entry while it is sorted.
struct RunItem {
  var prefix: UInt64
  var index: UInt32
}

/// Sorts items by their prefixes, byte by byte from the last to the first.
///
/// ```
///   one pass      how often each value of each of the eight bytes occurs
///   each byte     items ──to where its value begins──> spare, and the two change places
/// ```
///
/// A byte in which all are equal moves nothing: of keys made of digits or of counted numbers that is
/// most of them. Items with one prefix keep their order.
enum RunDigits {
  private static let digits = 8
  private static let values = 256

  /// Sorts a part of `items`; of `spare`, which is as long, the same part may hold anything afterwards.
  static func sort(_ items: inout [RunItem], _ range: Range<Int>, _ spare: inout [RunItem]) {
    let counts = count(items.span.extracting(range))
    for digit in 0..<digits {
      guard var starts = starts(counts, digit, in: range) else { continue }
      var target = spare.mutableSpan
      scatter(items.span, range, digit, &starts, to: &target)
      // A part goes back to its place; all of them at once need not.
      if range == items.indices { swap(&items, &spare) } else { items[range] = spare[range] }
    }
  }

  private static func count(_ items: Span<RunItem>) -> [Int] {
    var counts = [Int](repeating: 0, count: digits * values)
    var all = counts.mutableSpan
    for item in items.indices {
      var rest = items[item].prefix
      for digit in 0..<digits {
        all[digit * values + Int(rest & 0xff)] += 1
        rest >>= 8
      }
    }
    return counts
  }

  /// Where items with each value of a digit go; nil where all have the same.
  private static func starts(_ counts: [Int], _ digit: Int, in range: Range<Int>) -> [Int]? {
    let ofDigit = counts[digit * values..<(digit + 1) * values]
    guard !ofDigit.contains(range.count) else { return nil }
    var next = range.lowerBound
    return ofDigit.map { count in
      defer { next += count }
      return next
    }
  }

  private static func scatter(
    _ items: Span<RunItem>, _ range: Range<Int>, _ digit: Int, _ starts: inout [Int],
    to target: inout MutableSpan<RunItem>
  ) {
    let shift = UInt64(8 * digit)
    var places = starts.mutableSpan
    for item in range {
      let value = Int(items[item].prefix >> shift & 0xff)
      target[places[value]] = items[item]
      places[value] += 1
    }
  }
}
