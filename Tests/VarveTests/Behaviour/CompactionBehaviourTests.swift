import Testing
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// What compaction keeps, and what it drops. Numbers are those of the list in README.md.
@Suite struct CompactionBehaviourTests {
  private static func entryCount(_ store: SegmentStore) -> UInt64 {
    store.metrics().levels.reduce(0) { $0 + $1.entries }
  }

  /// 87
  @Test(arguments: StoreSetting.allCases)
  func oldVersionsGoWithTheLastSnapshotThatNeedsThemAndTheSizeShrinks(
    in setting: StoreSetting
  ) throws {
    for valueBytes in [900, 50_000] {
      try setting.withStore { store in
        let keyspace = try store.keyspace("k")
        var random = SeededRandom(seed: 3)
        let big = (0..<20).map { _ in random.bytes(valueBytes) }
        for (key, value) in big.enumerated() { try keyspace.put("key \(key)", value) }
        var snapshots = [try store.snapshot(), try store.snapshot()]
        for key in 0..<20 { try keyspace.put("key \(key)", "tiny") }
        while !snapshots.isEmpty {
          try store.compact()
          #expect(try keyspace.approximateSize() > 20 * UInt64(valueBytes) * 9 / 10)
          let oldest = try snapshots[0].value(for: "key 7", in: keyspace)
          #expect(oldest == big[7])
          snapshots.removeLast()
        }
        try store.compact()
        #expect(try keyspace.approximateSize() < 1_000)
        #expect(try DirectoryCount(store).dataBytes < 3_000)
        #expect(try keyspace.entries().allSatisfy { $0.value == Array("tiny".utf8) })
      }
    }
  }

  /// 88
  @Test(arguments: StoreSetting.allCases)
  func aDeleteStaysWhileADeeperLevelMayHoldTheKeyAndGoesAtTheBottom(
    in setting: StoreSetting
  ) throws {
    try setting.withStore(background: .none) { store in
      let keyspace = try store.keyspace("k")
      for key in ["a", "hidden", "z"] { try keyspace.put(key, "in the last level") }
      try store.flush(toLevel: 6)
      try keyspace.put("hidden", "one level up")
      try store.flush(toLevel: 5)
      try keyspace.delete("hidden")
      // No segment below reaches as far as this one: its delete has nothing to hide.
      try keyspace.put("zz", "value")
      try keyspace.delete("zz")
      // So many that level 0 comes first.
      for _ in 0..<12 {
        try keyspace.put("m", "value")
        try store.flush()
      }
      #expect(try store.engine.compactOnce())
      // Level 0 went into level 5, above the old value: "hidden" as a delete, "m", and no "zz".
      #expect(store.metrics().levels[0].segments == 0)
      #expect(store.metrics().levels[5].entries == 2)
      #expect(try keyspace.contains("hidden") == false)
      #expect(
        try keyspace.entries().map { String(decoding: $0.key, as: UTF8.self) } == ["a", "m", "z"])
      try store.compact()
      #expect(try keyspace.contains("hidden") == false)
      // Three values and the record of the keyspace.
      #expect(Self.entryCount(store) == 4)
    }
  }

  private enum Act {
    case put(String, String)
    case delete(String)
    case reopen
  }

  /// 88, LevelDB's issue 44: deletes and puts of neighbours, each in a segment of its own.
  @Test(arguments: FileSystemKind.allCases)
  func deletesAreNotPushedBelowWhatTheyHide(on kind: FileSystemKind) throws {
    let first: [Act] = [
      .reopen, .put("b", "v"), .reopen, .delete("b"), .delete("e"), .reopen, .delete("a"), .reopen,
      .put("a", "v"), .reopen, .reopen,
    ]
    let second: [Act] = [
      .reopen, .put("", ""), .reopen, .delete("e"), .put("", ""), .reopen, .put("c", "cv"), .reopen,
      .put("", ""), .reopen, .put("", ""), .reopen, .put("d", "dv"), .reopen, .put("", ""), .reopen,
      .delete("d"), .delete("b"), .reopen,
    ]
    let expected = [[KeyValue("a", "v")], [KeyValue("", ""), KeyValue("c", "cv")]]
    for (acts, content) in zip([first, second], expected) {
      try kind.withStores { open in
        var store = try open()
        for act in acts {
          let keyspace = try store.keyspace("default")
          switch act {
          case .put(let key, let value): try keyspace.put(key, value)
          case .delete(let key): try keyspace.delete(key)
          case .reopen:
            try store.flush()
            try store.close()
            store = try open()
          }
        }
        #expect(try store.keyspace("default").entries() == content)
        while try store.engine.compactOnce() {}
        #expect(try store.keyspace("default").entries() == content)
        try store.compact()
        #expect(try store.keyspace("default").entries() == content)
        try store.close()
      }
    }
  }

  /// 89, LevelDB's issue 178: a manual compaction after half of everything was deleted.
  @Test(arguments: StoreSetting.allCases)
  func nothingComesBackAfterAMassDeleteAndACompaction(in setting: StoreSetting) throws {
    try setting.withStore { store in
      let keyspace = try store.keyspace("k")
      func key(_ prefix: Int, _ index: Int) -> String { "my_key_\(prefix)_\(index)" }
      for prefix in 1...2 {
        for index in 0..<2_500 {
          try keyspace.put(key(prefix, index), "value for range \(prefix)", durability: .buffered)
        }
        try store.flush()
      }
      var batch = WriteBatch()
      for index in 0..<2_500 { batch.delete(key(2, index), in: keyspace) }
      try store.commit(batch)
      for _ in 0..<2 {
        try store.compact()
        #expect(try keyspace.entries().count == 2_500)
        #expect(try keyspace.entries(KeyRange(prefix: Array("my_key_2".utf8))).isEmpty)
        #expect(Self.entryCount(store) == 2_501)
      }
    }
  }

  /// 89, LevelDB's issue 320: ten thousand keys, written and deleted at random under snapshots.
  @Test(arguments: [StoreSetting.allCases[2], StoreSetting.allCases[3]])
  func tenThousandRandomKeysReadAsTheModelSaysAtEverySnapshot(in setting: StoreSetting) throws {
    #expect(setting.kind == .simulated)
    try setting.withStore { store in
      let keyspace = try store.keyspace("k")
      var random = SeededRandom(seed: 4)
      var model = [UInt32: UInt8](minimumCapacity: 10_000)
      var snapshots: [(Snapshot, [UInt32: UInt8])] = []
      var wrong = 0
      for _ in 0..<12_000 {
        let key = UInt32(random.below(10_000))
        if random.below(3) == 0 {
          try keyspace.delete(key, durability: .buffered)
          model[key] = nil
        } else {
          let value = UInt8(random.below(256))
          try keyspace.put(
            key, [UInt8](repeating: value, count: 100 + Int(value)), durability: .buffered)
          model[key] = value
        }
        if random.below(300) == 0 { try store.flush() }
        if random.below(200) == 0 { snapshots.append((try store.snapshot(), model)) }
        guard snapshots.count > random.below(12) else { continue }
        let (snapshot, content) = snapshots.remove(at: random.below(snapshots.count))
        for _ in 0..<40 {
          let key = UInt32(random.below(10_000))
          let found = try snapshot.withValue(for: key, in: keyspace) { $0[0] }
          if found != content[key] { wrong += 1 }
        }
      }
      #expect(wrong == 0)
      try store.compact()
      #expect(try keyspace.entries().count == model.count)
    }
  }

  /// 90
  @Test(arguments: StoreSetting.allCases)
  func compactingTheSameKeyAgainAndAgainDoesNotGatherFiles(in setting: StoreSetting) throws {
    try setting.withStore { store in
      let keyspace = try store.keyspace("k")
      var counts: [DirectoryCount] = []
      for round in 0..<60 {
        try keyspace.put("key", [UInt8](repeating: UInt8(round), count: 5_000))
        if round % 2 == 0 { try store.flush() }
        try store.compact()
        counts.append(try DirectoryCount(store))
      }
      #expect(counts.allSatisfy { $0.segments == 1 && $0.valueFiles == 1 && $0.manifests == 1 })
      #expect(counts.allSatisfy { $0.logs <= 2 })
    }
  }
}
