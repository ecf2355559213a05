import CVarveShims
import Testing
import VarveFormat

/// Searches of the processor's kind, held to plain loops.
@Suite struct ByteSearchTests {
  @Test func equalBytesAreThoseAPlainLoopFinds() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<2_000 {
      let bytes = (0..<16).map { _ in UInt8.random(in: 0...3, using: &random) &* 85 }
      for byte: UInt8 in [0, 1, 85, 170, 255] {
        var expected: UInt32 = 0
        for (index, found) in bytes.enumerated() where found == byte { expected |= 1 << index }
        #expect(unsafe varve_equal_bytes(bytes, byte) == expected, "\(byte) in \(bytes)")
        #expect(unsafe varve_equal_bytes_portable(bytes, byte) == expected, "\(byte) in \(bytes)")
      }
    }
  }

  @Test func asManyNumbersAreBelowAsAPlainLoopCounts() {
    for count in 0...70 {
      // Ascending with some that are equal; the largest numbers of all at the end.
      var large = (0..<count).map { UInt64($0 / 2) &* 0x0101_0101_0101 }
      var small = (0..<count).map { UInt32($0 / 2) &* 0x0101_0101 }
      if count > 2 { (large[count - 1], small[count - 1]) = (.max, .max) }
      for target in [0, .max, .max - 1] + large + large.map({ $0 &+ 1 }) {
        let expected = large.count { $0 < target }
        let found = unsafe large.map(\.littleEndian).withUnsafeBytes {
          unsafe varve_count_below_64($0.baseAddress, count, target)
        }
        #expect(found == expected, "\(target) of \(count)")
      }
      for target in [0, .max, .max - 1] + small + small.map({ $0 &+ 1 }) {
        let expected = small.count { $0 < target }
        let found = unsafe small.map(\.littleEndian).withUnsafeBytes {
          unsafe varve_count_below_32($0.baseAddress, count, target)
        }
        #expect(found == expected, "\(target) of \(count)")
      }
    }
  }

  @Test func bytesBeginWithOthersOnlyWhereEachAgrees() {
    for count in 0...100 {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: 31 &* $0) }
      bytes.withByteView { whole in
        #expect((bytes + [0]).withByteView { !whole.starts(with: $0) }, "longer than \(count)")
        for shared in 0...count {
          let prefix = Array(bytes.prefix(shared))
          #expect(prefix.withByteView { whole.starts(with: $0) }, "\(shared) of \(count)")
          for place in 0..<shared {
            var other = prefix
            other[place] ^= 0x40
            #expect(other.withByteView { !whole.starts(with: $0) }, "\(place) of \(shared)")
          }
        }
      }
    }
  }
}
