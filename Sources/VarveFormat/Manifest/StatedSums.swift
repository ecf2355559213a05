// Sums of what records state. Nothing holds the counts of a forged manifest to what files can have, so
// sums of them end at the largest number there is instead of in a trap.

extension UInt64 {
  /// The sum, or the largest number where it would be larger still.
  package func addingStated(_ other: UInt64) -> UInt64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }

  /// The product, or the largest number where it would be larger still.
  package func multipliedStated(by other: UInt64) -> UInt64 {
    let (product, overflow) = multipliedReportingOverflow(by: other)
    return overflow ? .max : product
  }
}

extension Sequence {
  /// The sum of what `count` finds in each element.
  package func statedSum(_ count: (Element) -> UInt64) -> UInt64 {
    reduce(0) { $0.addingStated(count($1)) }
  }
}
