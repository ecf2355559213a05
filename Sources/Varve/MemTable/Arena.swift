import VarvePlatform

/// Memory for things that live exactly as long as their table.
///
/// ```
/// chunk 64 KiB   chunk 128 KiB     ...   chunk 2 MiB           one large record
/// [########]     [##############]        [######..free....]    [##############]
///                                               ^ next
/// ```
///
/// One writer takes pieces off the front of the newest chunk; nothing is given back singly. Each
/// chunk is a mapping of its own and goes with the arena. What would waste much of a chunk gets one
/// of its own size. The largest chunks are of the size of the processor's large pages: a table is
/// searched at random places, and small pages cost a miss more. Those come from a pool and return to
/// it, if there is one.
@safe
final class Arena {
  private static let firstChunkBytes = 64 << 10
  private static let largestChunkBytes = ChunkPool.chunkBytes
  private static let pageBytes = 4096

  /// Every piece begins at a multiple of this; at most 64.
  private let alignment: Int
  private let pool: ChunkPool?
  private var chunks: [AlignedBuffer] = []
  private var next: UnsafeMutableRawPointer?
  private var remaining = 0
  private var nextChunkBytes = Arena.firstChunkBytes
  /// Bytes mapped: what dropping the arena gives back, to the system or the pool.
  private(set) var allocatedBytes = 0
  /// Bytes handed out.
  private(set) var usedBytes = 0

  init(alignment: Int, pool: ChunkPool? = nil) {
    precondition(alignment <= 64 && alignment & (alignment - 1) == 0)
    self.alignment = alignment
    self.pool = pool
  }

  deinit { pool?.give(chunks) }

  /// Fresh memory for `count` bytes, valid until the arena goes. Ends the process when the system
  /// has none, as every Swift allocation does.
  func allocate(_ count: Int) -> UnsafeMutableRawPointer {
    let rounded = (count &+ alignment &- 1) & ~(alignment &- 1)
    usedBytes &+= rounded
    guard rounded <= remaining, let start = unsafe next else { return unsafe refill(rounded) }
    // The piece lies inside the newest chunk: `rounded` bytes remain behind `start`.
    unsafe next = start + rounded
    remaining &-= rounded
    return unsafe start
  }

  private func refill(_ count: Int) -> UnsafeMutableRawPointer {
    if count > nextChunkBytes / 4 { return unsafe map(count) }
    let start = unsafe map(nextChunkBytes)
    unsafe next = start + count
    remaining = nextChunkBytes - count
    nextChunkBytes = min(nextChunkBytes * 2, Self.largestChunkBytes)
    return unsafe start
  }

  private func map(_ count: Int) -> UnsafeMutableRawPointer {
    let bytes = (count + Self.pageBytes - 1) & ~(Self.pageBytes - 1)
    let chunk =
      bytes == ChunkPool.chunkBytes
      ? pool?.take() ?? ChunkPool.makeChunk()
      : AlignedBuffer(capacity: bytes, inLargePages: bytes > ChunkPool.chunkBytes)
    chunks.append(chunk)
    allocatedBytes += bytes
    // The address outlives the closure: the chunk is kept in `chunks` and never moves.
    return unsafe chunk.withMutableBytes { bytes in unsafe bytes.baseAddress.unsafelyUnwrapped }
  }
}
