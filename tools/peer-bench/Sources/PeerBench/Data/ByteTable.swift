/// Many byte strings in one piece of memory that does not move.
final class ByteTable: Sendable {
  nonisolated(unsafe) private let memory: UnsafeMutableRawBufferPointer
  private let ends: [Int]

  init(_ strings: some Sequence<ArraySlice<UInt8>>) {
    var (bytes, ends): ([UInt8], [Int]) = ([], [])
    for string in strings {
      bytes += string
      ends.append(bytes.count)
    }
    memory = .allocate(byteCount: max(1, bytes.count), alignment: 64)
    memory.copyBytes(from: bytes)
    self.ends = ends
  }

  deinit { memory.deallocate() }

  var count: Int { ends.count }
  var byteCount: Int { ends.last ?? 0 }

  /// Holds as long as the table.
  subscript(index: Int) -> Bytes {
    let start = index == 0 ? 0 : ends[index - 1]
    return Bytes(rebasing: memory[start..<ends[index]])
  }
}
