/// The keys and values of a comparison, made before anything is timed; keys ascend.
final class Dataset {
  let keys: ByteTable
  let values: ByteTable
  /// Keys that are not there and lie between those that are; none where they cannot be made.
  let absentKeys: ByteTable

  init(keys: ByteTable, values: ByteTable, absentKeys: ByteTable) {
    precondition(keys.count == values.count)
    self.keys = keys
    self.values = values
    self.absentKeys = absentKeys
  }

  var count: Int { keys.count }
  var byteCount: Int { keys.byteCount + values.byteCount }

  /// Record `index` with the value that is `shift` places further.
  func record(_ index: Int, valueShift shift: Int = 0) -> Record {
    Record(key: keys[index], value: values[(index + shift) % count])
  }
}

extension Dataset {
  /// `count` records with keys of 16 digits and half-compressible values: every value is random in
  /// its first half and repeats that in the second.
  convenience init(count: Int, valueBytes: Int) {
    self.init(
      keys: Self.digits((0..<count).map { 2 * $0 }),
      values: Self.halfCompressible(count, valueBytes),
      absentKeys: Self.digits((0..<count).map { 2 * $0 + 1 }))
  }

  private static func digits(_ numbers: [Int]) -> ByteTable {
    let width = 16
    var bytes = [UInt8](repeating: UInt8(ascii: "0"), count: numbers.count * width)
    for (index, number) in numbers.enumerated() {
      var (rest, place) = (number, (index + 1) * width)
      while rest > 0 {
        place -= 1
        bytes[place] += UInt8(rest % 10)
        rest /= 10
      }
    }
    return ByteTable(bytes, each: width)
  }

  private static func halfCompressible(_ count: Int, _ size: Int) -> ByteTable {
    var random = SeededRandom(UInt64(size))
    var bytes = [UInt8](repeating: 0, count: count * size)
    let half = size / 2
    for start in stride(from: 0, to: bytes.count, by: size) {
      for place in 0..<half { bytes[start + place] = UInt8(truncatingIfNeeded: random.next() >> 7) }
      for place in half..<size { bytes[start + place] = bytes[start + place - half] }
    }
    return ByteTable(bytes, each: size)
  }
}
