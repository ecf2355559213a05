import VarvePlatform

/// Chunks of memory that a table has left behind for the next one.
///
/// Memory fresh from the system is cleared page by page first, which takes a fifth of the time of a
/// fast writer. At most one table's worth is kept, and none while nobody writes.
final class ChunkPool: Sendable {
  /// Bytes of each chunk.
  static let chunkBytes = 2 << 20

  private let most: Int
  private let chunks = Monitor<[AlignedBuffer]>([])

  /// - Parameter bytes: how much is kept at most.
  init(keeping bytes: Int) { most = bytes / Self.chunkBytes }

  /// A chunk that holds anything, if there is one.
  func take() -> AlignedBuffer? { chunks.withLock { $0.popLast() } }

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
