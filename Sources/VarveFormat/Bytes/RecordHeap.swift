/// Small records that are appended, read back by index and dropped all at once.
///
/// An array in a class costs a check of exclusive access and of uniqueness at each append; this costs
/// a store. One owner fills it.
@safe
final class RecordHeap<Record: BitwiseCopyable> {
  private var start: UnsafeMutablePointer<Record>
  private var capacity: Int
  private(set) var count = 0

  init(capacity: Int = 64) {
    self.capacity = max(1, capacity)
    unsafe start = .allocate(capacity: self.capacity)
  }

  deinit { unsafe start.deallocate() }

  var isEmpty: Bool { count == 0 }

  subscript(index: Int) -> Record {
    precondition(index >= 0 && index < count)
    return unsafe start[index]
  }

  func append(_ record: Record) {
    if count == capacity { grow() }
    unsafe start.advanced(by: count).initialize(to: record)
    count &+= 1
  }

  private func grow() {
    let fresh = UnsafeMutablePointer<Record>.allocate(capacity: 2 * capacity)
    unsafe fresh.initialize(from: start, count: count)
    unsafe start.deallocate()
    unsafe start = fresh
    capacity *= 2
  }

  /// Empties the heap and keeps its memory.
  func removeAll() { count = 0 }
}
