import VarveFormat

@testable import Varve

/// The plain truth about a memtable: all entries in one sorted array.
struct MemTableModel {
  struct Entry: Equatable, CustomStringConvertible {
    var key: [UInt8]
    var sequence: UInt64
    var kind = EntryKind.put
    var expiry: UInt64 = 0
    var value: [UInt8] = []

    var description: String {
      let key = String(decoding: key.prefix(24), as: UTF8.self)
      return "\(key.debugDescription)[\(self.key.count)]@\(sequence) \(kind)"
    }

    func comesBefore(_ otherKey: [UInt8], _ otherSequence: UInt64) -> Bool {
      let order = key.withByteView { key in otherKey.withByteView { key.compare($0) } }
      return order == 0 ? sequence > otherSequence : order < 0
    }
  }

  private(set) var entries: [Entry] = []

  /// The first index at or after (`key`, `sequence`).
  func index(of key: [UInt8], _ sequence: UInt64) -> Int {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].comesBefore(key, sequence) { low = middle + 1 } else { high = middle }
    }
    return low
  }

  mutating func insert(_ entry: Entry) {
    entries.insert(entry, at: index(of: entry.key, entry.sequence))
  }

  func find(_ key: [UInt8], at sequence: UInt64) -> Entry? {
    let index = index(of: key, sequence)
    return index < entries.count && entries[index].key == key ? entries[index] : nil
  }

  func bytes(from: [UInt8], to: [UInt8]) -> Int {
    entries.filter { !$0.comesBefore(from, .max) && $0.comesBefore(to, .max) }
      .reduce(0) { $0 + $1.key.count + $1.value.count }
  }
}

extension MemTableModel.Entry {
  init(_ view: EntryView) {
    self.init(
      key: view.key.array, sequence: view.sequence.rawValue, kind: view.kind, expiry: view.expiry,
      value: view.value.array)
  }
}

extension MemTable {
  func insert(_ entry: MemTableModel.Entry) {
    entry.key.withByteView { key in
      entry.value.withByteView { value in
        insert(
          EntryView(
            key: key, sequence: SequenceNumber(entry.sequence), kind: entry.kind,
            expiry: entry.expiry, value: value))
      }
    }
  }

  func find(_ key: [UInt8], at sequence: UInt64) -> MemTableModel.Entry? {
    key.withByteView { find($0, at: SequenceNumber(sequence)).map(MemTableModel.Entry.init) }
  }

  func approximateBytes(from: [UInt8], to: [UInt8]) -> Int {
    from.withByteView { from in to.withByteView { to in approximateBytes(from: from, to: to) } }
  }

  /// All entries in order, by a walk to the right.
  var allEntries: [MemTableModel.Entry] {
    let cursor = makeCursor()
    var entries: [MemTableModel.Entry] = []
    cursor.seekToFirst()
    while let entry = cursor.current {
      entries.append(entry)
      cursor.next()
    }
    return entries
  }
}

extension MemTableCursor {
  /// A copy of what is under the cursor.
  var current: MemTableModel.Entry? { entry.map(MemTableModel.Entry.init) }

  func seek(_ key: [UInt8], _ sequence: UInt64) {
    key.withByteView { seek($0, SequenceNumber(sequence)) }
  }

  func seek(before key: [UInt8], _ sequence: UInt64) {
    key.withByteView { seek(before: $0, SequenceNumber(sequence)) }
  }
}

/// Kinds of keys that make a tree's life hard.
enum KeyShape: String, CaseIterable {
  case decimal, twoKeyspaces, shortAndEmpty, longSharedPrefix, zeros, binary, ascending, descending,
    huge

  /// The `number`-th key of this shape; different numbers may give one key.
  func key(_ number: Int) -> [UInt8] {
    switch self {
    case .decimal: [0, 0, 0, 1] + digits(number % 700, 16)
    case .twoKeyspaces: [0, 0, 0, UInt8(number % 2)] + digits(number % 900, 9)
    case .shortAndEmpty: [UInt8](repeating: UInt8(97 + number % 2), count: number % 23)
    case .longSharedPrefix: [UInt8](repeating: 120, count: 300) + digits(number % 800, 12)
    case .zeros:
      [UInt8](repeating: 0, count: number % 40) + [UInt8](repeating: 255, count: number % 7)
    case .binary: Array(littleEndianBytes(UInt64(number &* 0x9e37_79b1)).prefix(4))
    case .ascending: digits(number, 20)
    case .descending: digits(1_000_000_000 - number, 20)
    case .huge: [UInt8](repeating: 7, count: 65_535) + digits(number % 150, 4)
    }
  }

  private func digits(_ number: Int, _ width: Int) -> [UInt8] {
    let text = Array(String(number).utf8)
    return [UInt8](repeating: 48, count: max(0, width - text.count)) + text
  }
}

/// The eight bytes of a number, the lowest first.
func littleEndianBytes(_ number: UInt64) -> [UInt8] {
  (0..<8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
}
