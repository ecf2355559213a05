import Testing
import VarveTestSupport

@testable import Varve
@testable import VarveFormat

@Suite struct MemTableTests {
  @Test func anEmptyTableHasNothing() {
    let table = MemTable()
    #expect(table.isEmpty)
    #expect(table.find([1], at: 100) == nil)
    #expect(table.find([], at: 100) == nil)
    #expect(table.allEntries.isEmpty)
    #expect(table.smallestSequence == nil)
    #expect(table.largestSequence == nil)
    #expect(table.approximateBytes(from: [], to: [255]) == 0)
  }

  @Test func aReaderSeesTheNewestVersionAtItsSequence() {
    let table = MemTable()
    table.insert(.init(key: [1], sequence: 10, value: [1]))
    table.insert(.init(key: [1], sequence: 20, kind: .delete))
    table.insert(.init(key: [1], sequence: 30, kind: .pointer, expiry: 5, value: [3]))
    #expect(table.find([1], at: 9) == nil)
    #expect(table.find([1], at: 10)?.value == [1])
    #expect(table.find([1], at: 29)?.kind == .delete)
    let newest = table.find([1], at: 1000)
    #expect(newest == .init(key: [1], sequence: 30, kind: .pointer, expiry: 5, value: [3]))
  }

  /// A mapped log can change between its check and this.
  @Test func aRecordThatChangedSinceItWasCheckedIsAnError() throws {
    var encoder = BatchEncoder()
    try [7].withByteView { try encoder.put($0, in: 1, $0) }
    var payload = encoder.withPayload { $0.array }
    payload.removeLast()
    let table = MemTable()
    let failure = payload.withByteView { view -> FormatError? in
      let record = LogRecord(
        type: .batch, firstSequence: SequenceNumber(1), entryCount: 1, payload: view, offset: 64,
        end: 128, watermark: .none)
      do throws(FormatError) { try table.insert(record) } catch { return error }
      return nil
    }
    #expect(failure != nil)
  }

  @Test func theCountsAddUp() {
    let table = MemTable()
    for number in 5..<105 {
      table.insert(
        .init(
          key: [UInt8(number % 60)], sequence: UInt64(number),
          kind: number % 4 == 0 ? .delete : .put, value: number % 4 == 0 ? [] : [1, 2]))
    }
    #expect(table.entryCount == 100)
    #expect(table.deleteCount == 25)
    #expect(table.dataBytes == 100 + 75 * 2)
    #expect(table.smallestSequence == SequenceNumber(5))
    #expect(table.largestSequence == SequenceNumber(104))
  }

  @Test(arguments: KeyShape.allCases)
  func itHoldsWhatASortedArrayHolds(shape: KeyShape) {
    for seed in UInt64(1)...2 {
      var random = SeededRandom(seed: seed)
      var model = MemTableModel()
      let table = MemTable()
      let count = shape == .huge ? 300 : 3000
      let inOrder = shape == .ascending || shape == .descending
      for sequence in 1...count {
        let number = inOrder && random.below(8) > 0 ? sequence : random.below(5000)
        let entry = randomEntry(shape.key(number), UInt64(sequence), &random)
        model.insert(entry)
        table.insert(entry)
      }
      #expect(table.allEntries == model.entries, "seed \(seed)")
      for _ in 0..<1000 {
        let key = shape.key(random.below(6000))
        let sequence = UInt64(random.below(count + 10))
        let found = table.find(key, at: sequence)
        if found != model.find(key, at: sequence) {
          Issue.record("seed \(seed): \(key) at \(sequence): \(String(describing: found))")
        }
      }
    }
  }

  private func randomEntry(
    _ key: [UInt8], _ sequence: UInt64, _ random: inout SeededRandom
  ) -> MemTableModel.Entry {
    var entry = MemTableModel.Entry(key: key, sequence: sequence)
    entry.expiry = random.below(3) == 0 ? random.next() : 0
    if random.below(5) == 0 {
      entry.kind = .delete
    } else {
      entry.value = [UInt8](repeating: UInt8(sequence & 255), count: random.below(40))
    }
    return entry
  }

  @Test func valuesBeginAtMultiplesOfEightBytes() {
    let table = MemTable()
    for length in 0..<70 {
      let key = [UInt8](repeating: 1, count: length)
      table.insert(.init(key: key, sequence: 1, expiry: UInt64(length % 3), value: [9]))
      table.insert(.init(key: key, sequence: 2, expiry: UInt64(length % 2), value: [8]))
      for sequence in UInt64(1)...2 {
        key.withByteView { key in
          guard let value = table.find(key, at: SequenceNumber(sequence))?.value else {
            Issue.record("key of \(length) bytes not found")
            return
          }
          #expect(unsafe UInt(bitPattern: value.start) % 8 == 0)
        }
      }
    }
  }

  @Test func largeValuesGetAMappingOfTheirOwnSize() {
    let table = MemTable()
    let before = table.allocatedBytes
    let value = [UInt8](repeating: 1, count: 10 << 20)
    table.insert(.init(key: [1], sequence: 1, value: value))
    #expect(table.allocatedBytes - before <= value.count + 8192)
    #expect(table.find([1], at: 1)?.value == value)
  }

  @Test func memoryGrowsWithWhatIsStored() {
    let table = MemTable()
    #expect(table.allocatedBytes <= 64 << 10)
    let value = [UInt8](repeating: 1, count: 100)
    for number in 0..<20_000 {
      table.insert(
        .init(key: KeyShape.binary.key(number), sequence: UInt64(number + 1), value: value))
    }
    #expect(table.dataBytes == 20_000 * 104)
    #expect(table.allocatedBytes < 20_000 * 104 * 8 / 5 + (2 << 20))
  }

  @Test func byteEstimatesAreSane() {
    let table = MemTable()
    var model = MemTableModel()
    for number in 0..<5000 {
      let key = KeyShape.ascending.key(number * 7919 % 5000)
      let entry = MemTableModel.Entry(
        key: key, sequence: UInt64(number + 1), value: [UInt8](repeating: 0, count: 80))
      table.insert(entry)
      model.insert(entry)
    }
    for (from, to) in [
      (0, 5000), (100, 4000), (2500, 2600), (10, 11), (10, 10), (20, 10), (0, 600),
    ] {
      let range = (KeyShape.ascending.key(from), KeyShape.ascending.key(to))
      let exact = model.bytes(from: range.0, to: range.1)
      let estimate = table.approximateBytes(from: range.0, to: range.1)
      if exact <= 500 * 100 {
        #expect(estimate == exact)
      } else {
        #expect(estimate > exact * 2 / 3 && estimate < exact * 3 / 2, "\(from)..<\(to)")
      }
    }
  }
}
