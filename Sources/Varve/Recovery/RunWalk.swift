import VarveFormat

/// Walks the entries of a run, or of a half of it, in their order.
final class RunWalk: EntryWalk {
  /// How many entries ahead of the walk keys and values are asked for: they lie all over the logs.
  private static let distance = 12

  private let order: RunOrder
  private var position = -1
  private(set) var entry: EntryView?

  /// Stands on the first of `order`. Its run must be kept, and the logs with it.
  init(_ order: RunOrder) throws(StoreError) {
    self.order = order
    try next()
  }

  func next() throws(StoreError) {
    position += 1
    guard position < order.count else {
      entry = nil
      return
    }
    let ahead = position + Self.distance
    if ahead < order.count { order[ahead].prefetch() }
    do throws(FormatError) { entry = try order[position].entry() } catch {
      throw StoreError(error, in: "a log")
    }
  }
}
