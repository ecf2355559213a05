import Testing
import VarveFormat
import VarveTestSupport

@Suite struct BlockIndexTests {
  private func separator(_ last: String, _ next: String, at sequence: UInt64 = 1) -> Separator {
    Array(last.utf8).withByteView { last in
      Array(next.utf8).withByteView { next in
        Separator(last: last, sequence: SequenceNumber(sequence), next: next)
      }
    }
  }

  @Test(arguments: [
    ("abc", "abe", "abd"), ("abc", "abd", "abc"), ("abc1", "abd", "abc2"), ("a", "b", "a"),
    ("a", "c", "b"), ("ab", "abc", "ab"), ("", "a", ""), ("abcdefgh", "x", "b"),
    ("abzz~", "ac", "ab{"),
  ])
  func separatorsAreShortAndBetween(_ last: String, _ next: String, _ expected: String) {
    #expect(separator(last, next) == Separator(key: Array(expected.utf8)))
  }

  @Test func aSeparatorOfVersionsKeepsTheSequenceNumber() {
    let expected = Separator(key: Array("abc".utf8), sequence: SequenceNumber(9))
    #expect(separator("abc", "abc", at: 9) == expected)
  }

  @Test func everySeparatorStandsBetweenItsKeys() {
    let seed: UInt64 = 31
    var random = SeededRandom(seed: seed)
    for _ in 0..<20_000 {
      let keys = (0..<2).map { _ in
        (0..<random.below(6)).map { _ in [0, 1, 2, 254, 255][random.below(5)] as UInt8 }
      }.sorted { $0.lexicographicallyPrecedes($1) }
      guard keys[0] != keys[1] else { continue }
      let found = keys[0].withByteView { last in
        keys[1].withByteView { Separator(last: last, sequence: SequenceNumber(1), next: $0) }
      }
      let isBehind = !found.key.lexicographicallyPrecedes(keys[0])
      let isBefore = found.key.lexicographicallyPrecedes(keys[1])
      if !isBehind || !isBefore || found.key.count > keys[0].count || found.sequence != nil {
        Issue.record("seed \(seed): \(keys) gave \(found)")
      }
    }
  }

  private func handle(_ number: Int) -> BlockHandle {
    BlockHandle(
      offset: UInt64(64 + 8 * number), storedCount: 100, fullCount: 100, checksum: 5, codec: .none,
      itemCount: 1, number: UInt32(number))
  }

  /// Separators as (key, sequence number): many share their first eight bytes, some their key.
  private func randomSeparators(_ random: inout SeededRandom) -> [Separator] {
    let start = random.bytes(random.below(4))
    var separators: [Separator] = []
    for _ in 0...random.below(40) {
      let middles: [[UInt8]] = [[], [7, 7, 7, 7, 7, 7, 7, 7, 7], [0]]
      let middle = middles[random.below(3)]
      let key = start + middle + (0..<random.below(4)).map { _ in UInt8(random.below(3)) }
      let isSplit = random.below(3) == 0
      separators.append(
        Separator(key: key, sequence: isSplit ? SequenceNumber(UInt64(1 + random.below(9))) : nil))
    }
    // Behind all versions is like sequence number zero.
    func place(_ separator: Separator) -> ([UInt8], UInt64) {
      (separator.key, separator.sequence?.rawValue ?? 0)
    }
    separators.sort { left, right in
      let (a, b) = (place(left), place(right))
      return a.0 == b.0 ? a.1 > b.1 : a.0.lexicographicallyPrecedes(b.0)
    }
    return separators
  }

  @Test func nodesFindTheFirstSeparatorAtOrAfterAKey() throws {
    let seed: UInt64 = 12
    var random = SeededRandom(seed: seed)
    for _ in 0..<150 {
      let separators = randomSeparators(&random)
      var builder = IndexNodeBuilder(.leaf)
      for (number, separator) in separators.enumerated() { builder.add(handle(number), separator) }
      let bound = builder.byteCount
      let bytes = builder.finish()
      #expect(bytes.count <= bound + 8 * separators.count)
      try bytes.withByteView { view in
        let node = try IndexNode(decoding: view, .leaf, at: 0)
        for (number, separator) in separators.enumerated() {
          #expect(try node.handle(at: number) == handle(number))
          let found = try node.separator(at: number)
          #expect(node.prefix.array + found.rest.array == separator.key)
          #expect(found.sequence == separator.sequence)
        }
        for _ in 0..<80 { try checkSearch(in: node, separators, seed, &random) }
      }
    }
  }

  private func checkSearch(
    in node: IndexNode, _ separators: [Separator], _ seed: UInt64, _ random: inout SeededRandom
  ) throws {
    var key = separators[random.below(separators.count)].key
    if random.below(3) == 0 { key.append(UInt8(random.below(3))) }
    if random.below(4) == 0 { key = Array(key.dropLast()) }
    if random.below(9) == 0 { key = random.bytes(3) }
    let sequence = UInt64(random.below(11))
    let expected =
      separators.firstIndex { separator in
        guard separator.key == key else { return key.lexicographicallyPrecedes(separator.key) }
        return separator.sequence.map { $0.rawValue <= sequence } ?? true
      } ?? separators.count
    let found = try key.withByteView { try node.lowerBound($0, SequenceNumber(sequence)) }
    if found != expected {
      Issue.record("seed \(seed): \(key) \(sequence) at \(found), not \(expected)")
    }
  }

  @Test(arguments: [[0, 1, 1], [0, 2, 1], [0, 2, 3]]) func numbersCountUp(_ numbers: [Int]) throws {
    var leaf = IndexNodeBuilder(.leaf)
    for (place, number) in numbers.enumerated() {
      leaf.add(handle(number), Separator(key: [UInt8(place)]))
    }
    try leaf.finish().withByteView { view in
      let node = try IndexNode(decoding: view, .leaf, at: 0)
      #expect(throws: FormatError.self) {
        for index in 0..<node.count { _ = try node.handle(at: index) }
      }
    }
    var top = IndexNodeBuilder(.top)
    for (place, number) in numbers.enumerated() {
      top.add(handle(number), Separator(key: [UInt8(place)]))
    }
    try top.finish().withByteView { view in
      let node = try IndexNode(decoding: view, .top, at: 0)
      #expect(throws: FormatError.self) { try node.checkNumbers() }
    }
  }

  /// A leaf whose numbers go past the largest would count on from 0, and have numbers that others have.
  @Test(arguments: [(UInt16(1), true), (2, false)])
  func numbersDoNotBeginAgain(_ lastCount: UInt16, _ isRight: Bool) throws {
    let (leaves, most) = (65_537, 65_535)  // together one block less than there are numbers
    var top = IndexNodeBuilder(.top)
    for place in 0...leaves {
      var leaf = handle(place * most)
      leaf.itemCount = place < leaves ? UInt16(most) : lastCount
      top.add(leaf, Separator(key: [16, 8, 0].map { UInt8(place >> $0 & 255) }))
    }
    try top.finish().withByteView { view in
      let node = try IndexNode(decoding: view, .top, at: 0)
      #expect(((try? node.checkNumbers()) != nil) == isRight)
    }
  }

  @Test func noBytesCrashTheDecoder() {
    var random = SeededRandom(seed: 61)
    var builder = IndexNodeBuilder(.leaf)
    for (number, separator) in randomSeparators(&random).enumerated() {
      builder.add(handle(number), separator)
    }
    let sound = builder.finish()
    for _ in 0..<4000 {
      var bytes = sound
      for _ in 0...random.below(3) {
        bytes[random.below(bytes.count)] = [0, 1, 255, UInt8(random.below(256))][random.below(4)]
      }
      bytes.withByteView { view in
        guard let node = try? IndexNode(decoding: view, .leaf, at: 0) else { return }
        for index in -1...node.count {
          _ = try? node.handle(at: index)
          _ = try? node.separator(at: index)
        }
        for _ in 0..<4 {
          _ = random.bytes(6).withByteView { key in try? node.lowerBound(key, .max) }
        }
      }
    }
  }
}
