/// How far ahead of a walk through a mapped file the system is asked to read; pure.
///
/// ```
///   passed ####|                                  nothing is asked for the first pieces
///   passed ######|--64K--|                        then a window, twice as large each time,
///   passed ##########|-------128K-------|         whenever half of the last one is used up
/// ```
///
/// A walk that soon ends reads nothing in vain, a long one finds everything there.
struct ReadAhead {
  private static let smallestWindow: UInt64 = 64 << 10
  private static let largestWindow: UInt64 = 1 << 20
  private static let piecesPassed = 2

  private var pieces = 0
  private var window = smallestWindow
  /// What was asked for reaches to here, in the walk's direction.
  private var askedTo: UInt64?

  /// What should be asked for when the walk goes on to `piece`; nil for nothing.
  ///
  /// - Parameter limits: of the part of the file that is walked.
  mutating func next(
    _ piece: Range<UInt64>, forward: Bool, within limits: Range<UInt64>
  ) -> Range<UInt64>? {
    pieces += 1
    guard pieces > Self.piecesPassed else { return nil }
    return forward ? ahead(of: piece.upperBound, limits) : behind(piece.lowerBound, limits)
  }

  private mutating func ahead(of place: UInt64, _ limits: Range<UInt64>) -> Range<UInt64>? {
    let start = max(place, askedTo ?? 0)
    guard start - place <= window / 2, start < limits.upperBound else { return nil }
    let end = start + min(limits.upperBound - start, grow())
    askedTo = end
    return start..<end
  }

  private mutating func behind(_ place: UInt64, _ limits: Range<UInt64>) -> Range<UInt64>? {
    let end = min(place, askedTo ?? .max)
    guard place - end <= window / 2, end > limits.lowerBound else { return nil }
    let start = end - min(end - limits.lowerBound, grow())
    askedTo = start
    return start..<end
  }

  private mutating func grow() -> UInt64 {
    defer { window = min(2 * window, Self.largestWindow) }
    return window
  }
}
