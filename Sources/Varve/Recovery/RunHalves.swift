import VarveFormat

/// The places of a run, parted by a key, so that two threads take, sort and write a half each.
///
/// ```
///   log 7 [ d f a ]  log 9 [ g b c h e ]   ──keys below e | the others──>   [ d a b c ] [ f g h e ]
/// ```
///
/// The key is the middle one of a sample. All versions of a key are in one half, and what is in order
/// stays so. Either thread looks at all keys: that takes less than to wait for one who sorts them out.
struct RunHalves {
  enum Side { case first, second }

  let parts: [[EntryPlace]]
  /// Nil where there is no entry.
  private let middle: ByteView?

  private static let sampleCount = 255
  /// How many keys ahead of the one at hand are asked for.
  private static let distance = 16

  /// - Parameter parts: what was taken of one log after the other.
  init(_ parts: [[EntryPlace]]) {
    self.parts = parts
    middle = Self.middleKey(of: parts)
  }

  /// The entries of one side, in the order they are in. One side may have none.
  func places(_ side: Side) -> [EntryPlace] {
    guard let middle else { return [] }
    var places: [EntryPlace] = []
    // Room that is never touched takes no memory.
    places.reserveCapacity(parts.reduce(0) { $0 + $1.count })
    for part in parts {
      for (index, place) in part.enumerated() {
        if index + Self.distance < part.count { part[index + Self.distance].prefetchKey() }
        if (place.key < middle) == (side == .first) { places.append(place) }
      }
    }
    return places
  }

  private static func middleKey(of parts: [[EntryPlace]]) -> ByteView? {
    let step = max(1, parts.reduce(0) { $0 + $1.count } / sampleCount)
    var sample: [ByteView] = []
    for part in parts {
      for index in stride(from: 0, to: part.count, by: step) { sample.append(part[index].key) }
    }
    sample.sort()
    return sample.isEmpty ? nil : sample[sample.count / 2]
  }
}
