import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// Damaged segments and value files of a store at rest: what is damaged is never returned, what is
/// not goes on. Numbers are those of the list in README.md.
@Suite struct CorruptionBehaviourTests {
  /// Two segments in level 0: 400 entries, then newer versions and deletes of some of them.
  private static func fill(_ tested: TestedStore) throws -> TestedStore.Content {
    let store = try tested.open()
    var entries = NumberedEntries()
    try entries.write(400, to: store, .buffered)
    try store.flush()
    var content = entries.content
    for index in stride(from: 0, to: 400, by: 5) {
      let key = NumberedEntries.key(index)
      if index % 2 == 0 {
        try store.main().delete(key, durability: .buffered)
        content[key] = nil
      } else {
        try store.put(key, [UInt8](repeating: 1, count: 200), .buffered)
        content[key] = [UInt8](repeating: 1, count: 200)
      }
    }
    try store.flush()
    try store.close()
    return content
  }

  /// How many of the keys are unreadable. What is readable must be right.
  private static func unreadable(
    _ store: SegmentStore, _ content: TestedStore.Content, naming name: String
  ) throws -> Int {
    var count = 0
    for index in 0..<400 {
      let key = NumberedEntries.key(index)
      let failure = try storeFailure {
        let isRight = try store.main().value(for: key) == content[key]
        if !isRight { Issue.record("\(key) is wrong") }
      }
      guard let failure else { continue }
      count += 1
      let isSaid = failure.code == .corrupted && failure.file == name && failure.offset != nil
      if !isSaid { Issue.record("\(key): \(failure)") }
    }
    return count
  }

  private static let modes = [StoreOptions.ReadMode.mapped, .buffered]

  // 73, 78
  @Test(arguments: modes)
  func aDamagedBlockCostsItsOwnKeysAndNoOthers(_ mode: StoreOptions.ReadMode) throws {
    let (tested, _) = try TestedStore.simulated()
    let content = try Self.fill(tested)
    let name = try tested.names(.segment)[0]
    try tested.flip(name, at: 100)
    let findings = try tested.findings()
    #expect(findings.map(\.file) == [name] && findings[0].structure == "data block")
    var store = try tested.open { $0.readMode = mode }
    let lost = try Self.unreadable(store, content, naming: name)
    #expect(lost > 0 && lost < 60)
    // Around it everything goes on, the lost keys included.
    for index in 0..<400 { try store.put(NumberedEntries.key(index), [7], .buffered) }
    #expect(try store.main().value(for: NumberedEntries.key(0)) == [7])
    try store.flush()
    try store.close()
    store = try tested.open { $0.readMode = mode }
    for index in 0..<400 {
      #expect(try store.main().value(for: NumberedEntries.key(index)) == [7])
    }
    try store.close()
  }

  // 74, 75
  @Test(arguments: modes)
  func aDamagedEndOfASegmentCostsThatSegmentAndNoOther(_ mode: StoreOptions.ReadMode) throws {
    let (tested, _) = try TestedStore.simulated()
    let content = try Self.fill(tested)
    let name = try tested.names(.segment)[0]
    let whole = try tested.bytes(name)
    for start in [whole.count - 500, whole.count - 20] {
      var bytes = whole
      for index in start..<bytes.count { bytes[index] ^= 0x5a }
      try tested.replace(name, bytes)
      let findings = try tested.findings(.fast)
      #expect(findings.map(\.file) == [name])
      #expect(findings.map(\.structure) == ["footer"])
      let store = try tested.open { $0.readMode = mode }
      let lost = try Self.unreadable(store, content, naming: name)
      // The newer segment answers for the keys it has, deletes included.
      #expect(lost == 400 - 80)
      try store.put("elsewhere", [1])
      #expect(try store.main().value(for: "elsewhere") == [1])
      #expect(try storeFailure { _ = try store.content() }?.code == .corrupted)
    }
  }

  // 76
  @Test func aDamagedDeleteNeverLetsTheOldValueAppear() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    try store.put("deleted", [1])
    try store.put("replaced", [1])
    try store.flush()
    try store.main().delete("deleted")
    try store.put("replaced", [2])
    try store.flush()
    try store.close()
    let name = try #require(try tested.names(.segment).last)
    let size = try tested.bytes(name).count
    var refused = 0
    for offset in 0..<size {
      for mode in Self.modes {
        let image = disk.crashImage(.everything)
        try image.flip(mask: 1 << UInt8(offset % 8), at: offset, of: "store/\(name)")
        let damaged = try TestedStore(image, "store").open {
          $0.readMode = mode
          $0.access = .readOnly
        }
        for (key, value) in [("deleted", nil), ("replaced", [UInt8(2)])] {
          let failure = try storeFailure {
            let isRight = try damaged.main().value(for: key) == value
            if !isRight { Issue.record("\(key) with byte \(offset) of \(size) damaged") }
          }
          if failure != nil { refused += 1 }
        }
      }
    }
    #expect(refused > size)
  }

  // 77
  @Test func aDamagedInputFailsTheCompactionAndLosesNothingElse() throws {
    let (tested, _) = try TestedStore.simulated()
    let content = try Self.fill(tested)
    let name = try tested.names(.segment)[0]
    let whole = try tested.bytes(name)
    try tested.flip(name, at: whole.count / 2)
    let damaged = try tested.files()
    let store = try tested.open()
    let failure = try #require(try storeFailure { try store.compact() })
    #expect(failure.code == .corrupted)
    #expect(failure.file == name && failure.offset != nil)
    let after = try tested.files()
    for segment in try tested.names(.segment) {
      let isKept = damaged[segment] == after[segment]
      #expect(isKept, "\(segment)")
    }
    #expect(try Self.unreadable(store, content, naming: name) < 60)
    try store.close()
    // With the file restored from a copy nothing is missing.
    try tested.replace(name, whole)
    let restored = try tested.open()
    try restored.compact()
    #expect(try restored.content() == content)
    try restored.close()
    #expect(try tested.findings().isEmpty)
  }

  // 77: the same for a value that is to be moved, by background work.
  @Test func aDamagedValueIsReportedAndNotMovedUnderAFreshChecksum() throws {
    let (tested, _) = try TestedStore.simulated()
    var store = try tested.open()
    var random = SeededRandom(seed: 3)
    var content: TestedStore.Content = [:]
    for index in 0..<20 {
      let value = random.bytes(4_000)
      content["value \(index)"] = value
      try store.put("value \(index)", value, .buffered)
    }
    try store.flush()
    try store.close()
    let name = try #require(try tested.names(.values).first)
    try tested.flip(name, at: 30_000)
    store = try tested.open()
    for index in 0..<18 { try store.put("value \(index)", [1], .buffered) }
    for index in 0..<18 { content["value \(index)"] = [1] }
    try store.compact()
    var lost = 0
    for (key, value) in content {
      let failure = try storeFailure {
        let isRight = try store.main().value(for: key) == value
        #expect(isRight)
      }
      if failure != nil { lost += 1 }
    }
    // It was among the values that were overwritten: nobody needs it.
    #expect(lost == 0)
    try store.close()
    #expect(try tested.findings().isEmpty)
  }

  // 77: background work leaves the damaged segment alone, says so once, and goes on with the rest.
  @Test func aDamagedSegmentIsLeftAloneByTheBackground() throws {
    let (tested, _) = try TestedStore.simulated()
    let content = try Self.fill(tested)
    let name = try tested.names(.segment)[0]
    let whole = try tested.bytes(name)
    try tested.flip(name, at: whole.count / 2)
    let store = try tested.open(.inline)
    for round in 0..<12 {
      for index in 0..<40 { try store.put("new \(index)", [UInt8(round)], .buffered) }
      try store.flush()
    }
    let failures = tested.events.withLock { events in
      events.compactMap { event in
        if case .backgroundFailure(let error) = event { error } else { nil }
      }
    }
    #expect(failures.count == 1)
    #expect(failures.first?.code == .corrupted && failures.first?.file == name)
    #expect(try tested.names(.segment).contains(name))
    #expect(try Self.unreadable(store, content, naming: name) < 60)
    #expect(try store.main().value(for: "new 0") == [11])
    try store.close()
  }

  /// A cursor that came upon damage says so until it is sought elsewhere: it never looks like the end.
  @Test(arguments: modes, [ScanOrder.ascending, .descending])
  func aCursorThatThrewDoesNotEndInSilence(
    _ mode: StoreOptions.ReadMode, _ order: ScanOrder
  ) throws {
    let (tested, _) = try TestedStore.simulated()
    var store = try tested.open()
    var entries = NumberedEntries()
    try entries.write(400, to: store, .buffered)
    try store.flush()
    try store.close()
    let name = try tested.names(.segment)[0]
    try tested.flip(name, at: try tested.bytes(name).count / 2)
    store = try tested.open { $0.readMode = mode }
    var cursor = try store.main().cursor(order: order)
    var shown = 0
    var codes: [StoreError.Code?] = []
    for _ in 0..<400 where codes.count < 4 {
      do throws(StoreError) {
        if try cursor.next() { shown += 1 } else { codes.append(nil) }
      } catch {
        codes.append(error.code)
      }
    }
    #expect(shown > 100 && shown < 300)
    #expect(codes == [.corrupted, .corrupted, .corrupted, .corrupted])
    #expect(cursor.key.isEmpty && cursor.value.isEmpty)
    #expect(code { _ = try cursor.previous() } == .corrupted)
    // Sought beyond the damage it goes on.
    for index in [0, 399] {
      #expect(try cursor.seek(to: NumberedEntries.key(index)))
      #expect([UInt8](copying: cursor.value) == NumberedEntries.value(index))
    }
    let isAtEnd = try cursor.next() == (order == .descending)
    #expect(isAtEnd)
    try store.close()
  }

  /// A file that somebody removes, or swaps, beneath an open store.
  @Test(arguments: modes, [FileName.Kind.segment, .values])
  func aFileThatVanishesBeneathAnOpenStoreIsDamage(
    _ mode: StoreOptions.ReadMode, _ kind: FileName.Kind
  ) throws {
    let (tested, _) = try TestedStore.simulated()
    var store = try tested.open()
    try store.put("key", [UInt8](repeating: 3, count: 2_000), .buffered)
    try store.flush()
    try store.close()
    store = try tested.open { $0.readMode = mode }
    let name = try #require(try tested.names(kind).first)
    let whole = try tested.bytes(name)
    for bytes in [nil, Array(whole.dropLast()), []] {
      try tested.directory.remove(name)
      if let bytes { try tested.replace(name, bytes) }
      let failure = try storeFailure { _ = try store.main().value(for: "key") }
      #expect(failure?.code == .corrupted && failure?.file == name, "\(bytes?.count ?? -1)")
      #expect(failure?.offset != nil && failure?.structure != nil, "\(bytes?.count ?? -1)")
      try tested.replace(name, whole)
    }
    #expect(try store.main().value(for: "key")?.count == 2_000)
    try store.close()
  }
}
