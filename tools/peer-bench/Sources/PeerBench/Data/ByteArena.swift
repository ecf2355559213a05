/// Bytes laid one after the other in memory that does not move, as fresh ones lie in a program that
/// makes them: waiting for memory of the benchmark's own would make all engines look alike.
final class ByteArena {
  private static let chunkBytes = 16 << 20
  private var chunks: [UnsafeMutableRawBufferPointer] = []
  private var used = 0

  /// Room for `count` bytes, filled by `write`; it holds as long as the arena.
  func place(_ count: Int, _ write: (UnsafeMutableRawBufferPointer) -> Void) -> Bytes {
    if chunks.isEmpty || used + count > chunks[chunks.count - 1].count {
      chunks.append(.allocate(byteCount: max(count, Self.chunkBytes), alignment: 4096))
      used = 0
    }
    let room = UnsafeMutableRawBufferPointer(
      rebasing: chunks[chunks.count - 1][used..<used + count])
    used += count
    write(room)
    return Bytes(room)
  }

  deinit { for chunk in chunks { chunk.deallocate() } }
}
