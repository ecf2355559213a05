import Synchronization

/// One bit for each block, set once its checksum was found good. Any thread may read, set and clear.
///
/// Setting a bit twice is harmless, and so is a thread that sees it late: the block is checked again.
@safe
struct TouchedBits: ~Copyable, @unchecked Sendable {
  // @unchecked: the words are atomic and live as long as this value.
  private let words: UnsafeMutablePointer<Atomic<UInt64>>
  private let wordCount: Int

  /// Bits for so many things, or for the first 128 million of them: a file that is a hole costs whoever forges it
  /// nothing, and shall not cost more than 16 MiB of memory.
  init(count: Int) {
    wordCount = max(1, (min(count, Self.most) + 63) / 64)
    unsafe words = .allocate(capacity: wordCount)
    for index in 0..<wordCount { unsafe (words + index).initialize(to: Atomic(0)) }
  }

  private static let most = 1 << 27

  var memoryBytes: Int { wordCount * 8 }

  deinit {
    unsafe words.deinitialize(count: wordCount)
    unsafe words.deallocate()
  }

  /// A number outside is never set: what it stands for is checked each time.
  @inline(__always)
  func contains(_ number: Int) -> Bool {
    guard number >= 0, number >> 6 < wordCount else { return false }
    let word = unsafe words[number >> 6].load(ordering: .relaxed)
    return word & (1 << UInt64(number & 63)) != 0
  }

  func insert(_ number: Int) {
    guard number >= 0, number >> 6 < wordCount else { return }
    unsafe words[number >> 6].bitwiseOr(1 << UInt64(number & 63), ordering: .relaxed)
  }

  /// The block was found damaged after all.
  func remove(_ number: Int) {
    guard number >= 0, number >> 6 < wordCount else { return }
    unsafe words[number >> 6].bitwiseAnd(~(1 << UInt64(number & 63)), ordering: .relaxed)
  }
}
