import Testing
import VarveFormat
import VarveTestSupport

@Suite struct FilterTests {
  private func filter(_ hashes: [UInt64], bitsPerKey: Int) -> [UInt8] {
    let builder = FilterBuilder(bitsPerKey: bitsPerKey)
    for hash in hashes { builder.add(hash) }
    return builder.encoded()
  }

  private func hashes(_ range: Range<Int>) -> [UInt64] {
    range.map { Array("key \($0)".utf8).withByteView(XXH64.hash(of:)) }
  }

  @Test(arguments: [0, 1, 2, 63, 64, 1000, 20_000])
  func noKeyThatWasAddedIsDenied(_ count: Int) throws {
    for bitsPerKey in [1, 5, 10, 32] {
      let added = hashes(0..<count)
      try filter(added, bitsPerKey: bitsPerKey).withByteView { bytes in
        let filter = try Filter(decoding: bytes, at: 0)
        #expect(filter.keyCount == UInt64(count))
        #expect(added.allSatisfy(filter.mayContain))
      }
    }
  }

  @Test(arguments: [(4, 0.25), (8, 0.03), (10, 0.015), (16, 0.003)])
  func fewOtherKeysAreLetThrough(_ bitsPerKey: Int, _ limit: Double) throws {
    let count = 20_000
    try filter(hashes(0..<count), bitsPerKey: bitsPerKey).withByteView { bytes in
      #expect(bytes.count <= count * bitsPerKey / 8 + 128)
      let filter = try Filter(decoding: bytes, at: 0)
      let passed = hashes(count..<(5 * count)).count(where: filter.mayContain)
      let rate = Double(passed) / Double(4 * count)
      #expect(rate < limit, "\(bitsPerKey) bits: \(rate)")
    }
  }

  @Test func aFilterOfAnyOtherLengthIsRefused() {
    let sound = filter(hashes(0..<100), bitsPerKey: 10)
    let others: [[UInt8]] = [Array(sound.dropLast()), sound + [0], Array(sound.prefix(63)), []]
    for bytes in others {
      #expect(throws: FormatError.self) {
        try bytes.withByteView { (view: ByteView) throws in try Filter(decoding: view, at: 0) }
      }
    }
  }
}
