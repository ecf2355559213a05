import Varve
import VarveFormat

/// The keys and values of a writer in a ``ThreadStress``: a value says whose it is and of which round.
enum StressValue {
  /// `w0/m` for the mark of writer 0, `w0/3` for its number 3.
  static func key(of writer: Int, slot: Int? = nil) -> [UInt8] {
    [0x77, 0x30 + UInt8(writer), 0x2f, slot.map { 0x30 + UInt8($0) } ?? 0x6d]
  }

  /// The writer of a key, and whether it is a mark.
  static func parts(of key: Span<UInt8>) -> (writer: Int, isMark: Bool)? {
    guard key.count == 4, key[0] == 0x77, key[1] >= 0x30 else { return nil }
    return (Int(key[1]) - 0x30, key[3] == 0x6d)
  }

  /// Now and then a large one.
  private static func count(of round: Int) -> Int {
    round % 9 == 0 ? 3_000 + round % 1_000 : 20 + round % 50
  }

  static func bytes(_ writer: Int, _ keyspace: Int, _ round: Int) -> [UInt8] {
    let text = Array("\(writer):\(keyspace):\(round)|".utf8)
    let count = count(of: round)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + text.count)
    while bytes.count < count { bytes += text }
    bytes.removeLast(bytes.count - count)
    return bytes
  }

  /// Whether all of a value repeats its beginning, as far as its end.
  private static func isWhole(_ value: Span<UInt8>) -> Bool {
    guard let end = value.indices.first(where: { value[$0] == 0x7c }) else { return true }
    return (end + 1..<max(end + 1, value.count)).allSatisfy { value[$0] == value[$0 - end - 1] }
  }

  /// The round of a value; below zero where it is not one that this writer writes there.
  static func round(of value: Span<UInt8>, _ writer: Int, _ keyspace: Int) -> Int {
    var numbers = [0, 0, 0]
    var place = 0
    for index in value.indices {
      if value[index] == 0x7c { break }
      if value[index] == 0x3a {
        place += 1
      } else if place < 3 {
        numbers[place] = numbers[place] &* 10 &+ Int(value[index]) &- 0x30
      }
    }
    guard numbers[0] == writer, numbers[1] == keyspace, value.count == count(of: numbers[2]) else {
      return -1
    }
    return isWhole(value) ? numbers[2] : -1
  }
}
