import Testing
import VarveFormat

@testable import Varve

@Suite struct MemTableVersionTests {
  @Test func oneKeyWithManyVersionsIsReadAtEachSequence() {
    let table = MemTable()
    let key: [UInt8] = [5, 5]
    for number in UInt64(1)...5000 {
      let value = littleEndianBytes(number)
      table.insert(
        .init(key: key, sequence: number * 2, expiry: number % 3, value: value))
    }
    let cursor = table.makeCursor()
    for number in UInt64(1)...5000 {
      let entry = table.find(key, at: number * 2 + 1)
      if entry?.sequence != number * 2 { Issue.record("version \(number)") }
      cursor.seek(key, number * 2 + 1)
      if cursor.current?.sequence != number * 2 { Issue.record("seek \(number)") }
      cursor.seek(before: key, number * 2)
      let following = number == 5000 ? nil : number * 2 + 2
      if cursor.current?.sequence != following { Issue.record("seek before \(number)") }
    }
    #expect(table.find(key, at: 1) == nil)
    #expect(table.allEntries.map(\.sequence) == (1...5000).reversed().map { $0 * 2 })
  }

  /// A million steps through a list would take seconds for each; a test that ends is the proof.
  @Test func oldVersionsAreReachedWithoutWalkingThroughTheNewer() {
    let table = MemTable()
    for number in UInt64(1)...100_000 { table.insert(.init(key: [1], sequence: number)) }
    for number in UInt64(1)...2000 {
      if table.find([1], at: number)?.sequence != number { Issue.record("version \(number)") }
    }
    let cursor = table.makeCursor()
    cursor.seekToLast()
    for number in UInt64(1)...2000 {
      if cursor.current?.sequence != number { Issue.record("step \(number)") }
      cursor.previous()
    }
  }
}
