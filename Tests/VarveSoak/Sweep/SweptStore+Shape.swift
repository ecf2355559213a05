import Varve
import VarveTestSupport

extension SweptStore.Shape {
  var rounds: Int { self == .varied ? 3 : 5 }
  var compressions: [(String, Compression)] {
    self == .varied
      ? [("fast", .lz4), ("plain", .none), ("small", .zstd(level: 3))] : [("plain", .none)]
  }

  /// Writes one round of a keyspace, each entry by itself.
  func write(
    into name: String, of store: SegmentStore, _ content: inout SweptStore.Content, _ round: Int,
    _ random: inout SeededRandom, note: (SweptStore.Content) -> Void
  ) throws {
    let keyspace = try store.keyspace(name)
    for index in 0..<(round == rounds - 1 ? 6 : 40) {
      let entry =
        self == .varied ? varied(index, round, &random) : even(name, index, round, &random)
      guard let (key, value) = entry else { continue }
      if let value {
        // Put twice before it is flushed, a large value is left in its file, and nothing names it any more.
        if self == .even, round == 1 {
          try keyspace.put(key, value.reversed(), durability: .buffered)
        }
        try keyspace.put(key, value, durability: .buffered)
      } else {
        try keyspace.delete(key, durability: .buffered)
      }
      content[name]?[key] = value
      note(content)
    }
    try store.sync()
  }

  private func varied(
    _ index: Int, _ round: Int, _ random: inout SeededRandom
  ) -> (key: [UInt8], value: [UInt8]?)? {
    let key = Array("key \(index * (round + 1))".utf8)
    if (index + round) % 9 == 0 { return (key, nil) }
    return (key, index % 16 == 1 ? random.text(1_300) : random.text(20 + random.below(40)))
  }

  /// Every third value is large. The second round puts some of these, and the rounds after it the small ones.
  private func even(
    _ name: String, _ index: Int, _ round: Int, _ random: inout SeededRandom
  ) -> (key: [UInt8], value: [UInt8]?)? {
    // How well keys compress says nothing of the values.
    if name == "default" { return nil }
    let isLarge = index % 3 == 1
    let isPut = round == 0 || round == rounds - 1 || (round == 1) == isLarge
    guard isPut, round != 1 || index.isMultiple(of: 2) else { return nil }
    return (Array("key \(100 + index)".utf8), random.bytes(isLarge ? 1_300 : 300))
  }
}
