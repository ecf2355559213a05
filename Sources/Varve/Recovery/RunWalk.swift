import VarveFormat

/// Walks the sorted entries of a run, or a part of them.
final class RunWalk: EntryWalk {
  /// How many entries ahead of the walk keys and values are asked for: they lie all over the logs.
  private static let distance = 12

  private let places: ArraySlice<EntryPlace>
  private var position: Int
  private(set) var entry: EntryView?

  /// Stands on the first of `places`. Their run must be kept, and the logs with it.
  init(_ places: ArraySlice<EntryPlace>) throws(StoreError) {
    self.places = places
    position = places.startIndex - 1
    try next()
  }

  func next() throws(StoreError) {
    position += 1
    guard position < places.endIndex else {
      entry = nil
      return
    }
    let ahead = position + Self.distance
    if ahead < places.endIndex { places[ahead].prefetch() }
    do throws(FormatError) { entry = try places[position].entry() } catch {
      throw StoreError(error, in: "a log")
    }
  }
}
