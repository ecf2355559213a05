import Synchronization
import Testing
import VarveFormat
import VarvePlatform
import VarveTestSupport

@testable import Varve

/// One writer, readers and cursors at the same time. Run it under the thread sanitizer, too.
@Suite struct MemTableConcurrencyTests {
  /// What the writer has done: entry n is inserted once this is n or more.
  private final class Progress: Sendable {
    let done = Atomic<UInt64>(0)
    let troubles = Troubles()
  }

  private static let count: UInt64 = 6000

  /// Entry `number` of a run: several versions of some keys, values that name the entry.
  private static func entry(_ number: UInt64, _ shape: KeyShape) -> MemTableModel.Entry {
    let value = littleEndianBytes(number)
    let key = shape.key(Int(number % 5 == 0 ? number % 10 : number))
    return MemTableModel.Entry(key: key, sequence: number, value: value)
  }

  private static func write(_ table: MemTable, _ shape: KeyShape, _ progress: Progress) {
    for number in 1...count {
      table.insert(entry(number, shape))
      progress.done.store(number, ordering: .releasing)
    }
  }

  private static func read(
    _ table: MemTable, _ shape: KeyShape, _ progress: Progress, seed: UInt64
  ) {
    var random = SeededRandom(seed: seed)
    while true {
      let done = progress.done.load(ordering: .acquiring)
      if done > 0 {
        let wanted = entry(UInt64.random(in: 1...done, using: &random), shape)
        if table.find(wanted.key, at: wanted.sequence) != wanted {
          progress.troubles.add("seed \(seed): \(wanted) is missing")
        }
      }
      if done == count { return }
    }
  }

  /// Walks must meet all entries done before they began, in order, each once.
  private static func walk(
    _ table: MemTable, _ shape: KeyShape, _ progress: Progress, ascending: Bool
  ) {
    while true {
      let done = progress.done.load(ordering: .acquiring)
      let cursor = table.makeCursor()
      if ascending { cursor.seekToFirst() } else { cursor.seekToLast() }
      var met: UInt64 = 0
      var last: MemTableModel.Entry?
      while let entry = cursor.current {
        if let last {
          let (left, right) = ascending ? (last, entry) : (entry, last)
          if !left.comesBefore(right.key, right.sequence) {
            progress.troubles.add("\(left) stands before \(right)")
          }
        }
        if entry != Self.entry(entry.sequence, shape) {
          progress.troubles.add("\(entry) is damaged")
        }
        met += entry.sequence <= done ? 1 : 0
        last = entry
        if ascending { cursor.next() } else { cursor.previous() }
      }
      if met != done { progress.troubles.add("a walk met \(met) of \(done) entries") }
      if done == count { return }
    }
  }

  @Test(arguments: [KeyShape.decimal, .binary, .ascending, .descending, .longSharedPrefix])
  func readersSeeAllThatWasInsertedBefore(shape: KeyShape) throws {
    let table = MemTable()
    let progress = Progress()
    var threads = [
      try WorkerThread(name: "read 1") { Self.read(table, shape, progress, seed: 1) },
      try WorkerThread(name: "read 2") { Self.read(table, shape, progress, seed: 2) },
      try WorkerThread(name: "walk up") { Self.walk(table, shape, progress, ascending: true) },
      try WorkerThread(name: "walk down") { Self.walk(table, shape, progress, ascending: false) },
    ]
    threads.append(try WorkerThread(name: "write") { Self.write(table, shape, progress) })
    for thread in threads { thread.join() }
    #expect(progress.troubles.all == [])
    #expect(table.entryCount == Int(Self.count))
  }
}
