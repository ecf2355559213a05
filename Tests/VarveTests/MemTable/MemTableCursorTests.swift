import Testing
import VarveFormat
import VarveTestSupport

@testable import Varve

@Suite struct MemTableCursorTests {
  /// A table and its model, with several versions of some keys.
  private func sample(_ shape: KeyShape, count: Int, seed: UInt64) -> (MemTable, MemTableModel) {
    var random = SeededRandom(seed: seed)
    let table = MemTable()
    var model = MemTableModel()
    for sequence in 1...count {
      let number = random.below(4) == 0 ? 3 : random.below(count)
      let entry = MemTableModel.Entry(
        key: shape.key(number), sequence: UInt64(sequence), value: [UInt8(sequence & 255)])
      table.insert(entry)
      model.insert(entry)
    }
    return (table, model)
  }

  private func entry(_ model: MemTableModel, _ index: Int) -> MemTableModel.Entry? {
    model.entries.indices.contains(index) ? model.entries[index] : nil
  }

  @Test func aFreshCursorStandsNowhere() {
    let (table, _) = sample(.decimal, count: 10, seed: 1)
    let cursor = table.makeCursor()
    #expect(cursor.current == nil)
    cursor.next()
    #expect(cursor.current == nil)
    cursor.previous()
    #expect(cursor.current == nil)
  }

  @Test(arguments: [KeyShape.decimal, .shortAndEmpty, .binary, .twoKeyspaces, .zeros])
  func itTurnsAtEveryPosition(shape: KeyShape) {
    let (table, model) = sample(shape, count: 1500, seed: 7)
    let cursor = table.makeCursor()
    cursor.seekToFirst()
    for index in model.entries.indices {
      #expect(cursor.current == model.entries[index])
      cursor.previous()
      #expect(cursor.current == entry(model, index - 1))
      if index == 0 { cursor.seekToFirst() } else { cursor.next() }
      #expect(cursor.current == model.entries[index])
      cursor.next()
    }
    #expect(cursor.current == nil)
    cursor.seekToLast()
    for index in model.entries.indices.reversed() {
      #expect(cursor.current == model.entries[index])
      cursor.next()
      #expect(cursor.current == entry(model, index + 1))
      if index == model.entries.count - 1 { cursor.seekToLast() } else { cursor.previous() }
      #expect(cursor.current == model.entries[index])
      cursor.previous()
    }
    #expect(cursor.current == nil)
  }

  @Test(arguments: KeyShape.allCases)
  func itSeeksToEitherSideOfAnyPlace(shape: KeyShape) {
    let (table, model) = sample(shape, count: shape == .huge ? 200 : 1500, seed: 11)
    var random = SeededRandom(seed: 12)
    let cursor = table.makeCursor()
    for _ in 0..<1000 {
      let key = shape.key(random.below(2000))
      let sequence = random.below(8) == 0 ? SequenceNumber.max.rawValue : UInt64(random.below(1600))
      let index = model.index(of: key, sequence)
      cursor.seek(key, sequence)
      if cursor.current != entry(model, index) {
        Issue.record("seek \(key.prefix(30)) \(sequence): \(String(describing: cursor.current))")
      }
      cursor.seek(before: key, sequence)
      if cursor.current != entry(model, index - 1) {
        Issue.record("before \(key.prefix(30)) \(sequence): \(String(describing: cursor.current))")
      }
    }
  }

  @Test func aRandomWalkStaysOnTheModel() {
    let (table, model) = sample(.decimal, count: 3000, seed: 3)
    var random = SeededRandom(seed: 4)
    let cursor = table.makeCursor()
    var index = model.entries.count / 2
    cursor.seek(model.entries[index].key, model.entries[index].sequence)
    for step in 0..<20_000 {
      if random.below(2) == 0, index + 1 < model.entries.count {
        cursor.next()
        index += 1
      } else if index > 0 {
        cursor.previous()
        index -= 1
      }
      if cursor.current != model.entries[index] {
        Issue.record("step \(step), index \(index): \(String(describing: cursor.current))")
        return
      }
    }
  }

  @Test func insertsDuringAWalkLoseAndRepeatNothing() {
    for seed in UInt64(1)...20 {
      var random = SeededRandom(seed: seed)
      let (table, model) = sample(.decimal, count: 400, seed: seed)
      let before = model.entries
      let ascending = seed % 2 == 0
      let cursor = table.makeCursor()
      if ascending { cursor.seekToFirst() } else { cursor.seekToLast() }
      var seen: [MemTableModel.Entry] = []
      var sequence: UInt64 = 1000
      while let entry = cursor.current {
        if let last = seen.last {
          let (left, right) = ascending ? (last, entry) : (entry, last)
          #expect(left.comesBefore(right.key, right.sequence), "seed \(seed)")
        }
        seen.append(entry)
        for _ in 0..<random.below(4) {
          sequence += 1
          table.insert(.init(key: KeyShape.decimal.key(random.below(700)), sequence: sequence))
        }
        if ascending { cursor.next() } else { cursor.previous() }
      }
      if !ascending { seen.reverse() }
      #expect(seen.filter { $0.sequence <= 1000 } == before, "seed \(seed)")
    }
  }

  @Test func aCursorKeepsItsTable() {
    var table: MemTable? = MemTable()
    weak let watched = table
    table?.insert(.init(key: [1], sequence: 1, value: [2]))
    var cursor = table?.makeCursor()
    table = nil
    cursor?.seekToFirst()
    #expect(cursor?.current?.value == [2])
    cursor = nil
    #expect(watched == nil)
  }
}
