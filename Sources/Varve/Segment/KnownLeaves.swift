import Synchronization
import VarveFormat
import VarvePlatform

/// The index leaves of a segment that were read and found good, each decoded once, for any number of
/// threads.
///
/// Two threads that read the same leaf at the same time both decode it; one of the results is kept.
@safe
struct KnownLeaves: ~Copyable, @unchecked Sendable {
  // @unchecked: the words are atomic, what they point to is never changed, and both live as long as
  // this value.
  private typealias Word = Atomic<UnsafePointer<IndexNode>?>

  private let words: UnsafeMutablePointer<Word>
  private let count: Int
  /// Leaves that were found damaged after all. Somebody may be looking at one: they go with the rest.
  private let forgotten = unsafe Monitor<[UnsafePointer<IndexNode>]>([])

  init(count: Int) {
    self.count = count
    unsafe words = .allocate(capacity: count)
    for index in 0..<count { unsafe (words + index).initialize(to: Word(nil)) }
  }

  deinit {
    for index in 0..<count { unsafe words[index].load(ordering: .acquiring)?.deallocate() }
    unsafe forgotten.withLock { unsafe $0.forEach { leaf in unsafe leaf.deallocate() } }
    unsafe words.deinitialize(count: count)
    unsafe words.deallocate()
  }

  /// Leaf `index`, if it is known; nil for one outside.
  @inline(__always)
  subscript(index: Int) -> IndexNode? {
    guard index >= 0, index < count else { return nil }
    return unsafe words[index].load(ordering: .acquiring)?.pointee
  }

  /// Keeps a leaf for all who come later. Returns it.
  func keep(_ leaf: IndexNode, at index: Int) -> IndexNode {
    guard index >= 0, index < count else { return leaf }
    let place = UnsafeMutablePointer<IndexNode>.allocate(capacity: 1)
    unsafe place.initialize(to: leaf)
    let (isFirst, _) = unsafe words[index].compareExchange(
      expected: nil, desired: unsafe UnsafePointer(place), ordering: .acquiringAndReleasing)
    if !isFirst { unsafe place.deallocate() }
    return leaf
  }

  /// The leaf was found damaged after all: whoever comes next reads and checks it again.
  func forget(_ index: Int) {
    guard index >= 0, index < count,
      let leaf = unsafe words[index].exchange(nil, ordering: .acquiringAndReleasing)
    else { return }
    unsafe forgotten.withLock { unsafe $0.append(leaf) }
  }

  /// Bytes that the leaves take when all are known.
  var memoryBytes: Int {
    unsafe count * (MemoryLayout<Word>.stride + MemoryLayout<IndexNode>.stride)
  }
}
