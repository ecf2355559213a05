import VarveFormat

/// The places of a run in two halves, parted by a key, so that two threads sort and write a half each.
///
/// ```
///   log 7 [ d f a ]  log 9 [ g b c h e ]   ──keys below e | the others──>   [ d a b c ] [ f g h e ]
/// ```
///
/// The key is the middle one of a sample. All versions of a key are in one half, and what is in order
/// stays so.
struct RunHalves {
  private(set) var first: [EntryPlace] = []
  private(set) var second: [EntryPlace] = []

  private static let sampleCount = 255
  /// How many keys ahead of the one at hand are asked for.
  private static let distance = 16

  /// - Parameter parts: what was taken of one log after the other.
  init(_ parts: [[EntryPlace]]) {
    guard let middle = Self.middleKey(of: parts) else { return }
    // Room that is never touched takes no memory.
    let count = parts.reduce(0) { $0 + $1.count }
    first.reserveCapacity(count)
    second.reserveCapacity(count)
    for part in parts {
      for (index, place) in part.enumerated() {
        if index + Self.distance < part.count { part[index + Self.distance].prefetchKey() }
        if place.key < middle { first.append(place) } else { second.append(place) }
      }
    }
  }

  private static func middleKey(of parts: [[EntryPlace]]) -> ByteView? {
    let all = parts.joined()
    let step = max(1, parts.reduce(0) { $0 + $1.count } / sampleCount)
    var sample: [ByteView] = []
    for (index, place) in all.enumerated() where index % step == 0 { sample.append(place.key) }
    sample.sort()
    return sample.isEmpty ? nil : sample[sample.count / 2]
  }
}
