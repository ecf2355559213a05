import VarvePlatform

/// Chunks of memory for tables: such as a table has left behind, and one made ready ahead.
///
/// Memory fresh from the system is cleared first, which takes a tenth of the time of a fast writer: so
/// the background does that. At most one table's worth is kept, and none while nobody writes.
final class ChunkPool: Sendable {
  /// Bytes of each chunk.
  static let chunkBytes = 2 << 20

  private let most: Int
  private let chunks = Monitor<[AlignedBuffer]>([])
  private let wish: @Sendable () -> Void

  /// - Parameters:
  ///   - bytes: how much is kept at most.
  ///   - wish: called when the last chunk was taken, and ``prepare()`` is worth calling.
  init(keeping bytes: Int, wish: @escaping @Sendable () -> Void = {}) {
    most = bytes / Self.chunkBytes
    self.wish = wish
  }

  /// A chunk that holds anything, if there is one.
  func take() -> AlignedBuffer? {
    let (chunk, isLast) = chunks.withLock { chunks in
      let chunk = chunks.popLast()
      return (chunk, chunks.isEmpty)
    }
    if isLast, most > 0 { wish() }
    return chunk
  }

  /// Makes a chunk ready where there is none. For the background.
  func prepare() {
    guard most > 0, chunks.withLock({ $0.isEmpty }) else { return }
    let chunk = Self.makeChunk()
    chunk.makePresent()
    give([chunk])
  }

  static func makeChunk() -> AlignedBuffer {
    AlignedBuffer(capacity: chunkBytes, inLargePages: true)
  }

  /// Takes over the whole chunks among `left`, which nobody reads any more.
  func give(_ left: [AlignedBuffer]) {
    let whole = left.filter { $0.capacity == Self.chunkBytes }
    chunks.withLock { chunks in
      chunks += whole.prefix(max(0, most - chunks.count))
    }
  }

  /// Gives all memory back to the system.
  func removeAll() {
    let unused = chunks.withLock { chunks in
      defer { chunks = [] }
      return chunks
    }
    _ = consume unused
  }
}
