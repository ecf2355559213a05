import Synchronization
import VarveFormat

/// What the writer counts and anyone may read. Apart from the table itself, so that readers do not
/// wait for a cache line that each insert changes. One writer: plain sums, no atomic additions.
final class MemTableCounts: Sendable {
  let entries = Atomic(0)
  let deletes = Atomic(0)
  let data = Atomic(0)
  let allocated = Atomic(0)
  let smallest = Atomic(UInt64.max)
  let largest = Atomic(UInt64(0))

  func add(_ entry: EntryView) {
    let sequence = entry.sequence.rawValue
    if sequence < smallest.load(ordering: .relaxed) { smallest.store(sequence, ordering: .relaxed) }
    if sequence > largest.load(ordering: .relaxed) { largest.store(sequence, ordering: .relaxed) }
    if entry.kind == .delete { Self.add(1, to: deletes) }
    Self.add(entry.key.count &+ entry.value.count, to: data)
    Self.add(1, to: entries)
  }

  func update(_ writer: MemTableWriter) {
    allocated.store(writer.allocatedBytes, ordering: .relaxed)
  }

  private static func add(_ number: Int, to sum: borrowing Atomic<Int>) {
    sum.store(sum.load(ordering: .relaxed) &+ number, ordering: .relaxed)
  }
}
