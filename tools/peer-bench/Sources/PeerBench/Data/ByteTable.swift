/// Many byte strings in one piece of memory that does not move.
final class ByteTable {
  private let memory: UnsafeMutableRawBufferPointer
  private let ends: [Int]

  /// Takes `bytes` apart; string i ends before `ends[i]`.
  init(_ bytes: [UInt8], ends: [Int]) {
    precondition((ends.last ?? 0) <= bytes.count)
    memory = .allocate(byteCount: max(1, bytes.count), alignment: 64)
    memory.copyBytes(from: bytes)
    self.ends = ends
  }

  /// Takes `bytes` apart into strings of `size`.
  convenience init(_ bytes: [UInt8], each size: Int) {
    self.init(bytes, ends: (0..<bytes.count / size).map { ($0 + 1) * size })
  }

  /// Copies of `strings`, one after the other.
  init(copying strings: some Sequence<Bytes>) {
    var (size, ends) = (0, [Int]())
    for string in strings {
      size += string.count
      ends.append(size)
    }
    memory = .allocate(byteCount: max(1, size), alignment: 64)
    self.ends = ends
    var start = 0
    for string in strings {
      UnsafeMutableRawBufferPointer(rebasing: memory[start...]).copyMemory(from: string)
      start += string.count
    }
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
