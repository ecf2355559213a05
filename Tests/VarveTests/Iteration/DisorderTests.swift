import Testing
import VarveFormat
import VarvePlatform
import VarveTestSupport

@testable import Varve

/// A segment whose entries are out of order although every checksum holds: walks over it end in an error
/// that names the block, and show no key out of order before it.
@Suite struct DisorderTests {
  /// One block: 22 keys from "c" on, then nine versions of "b", which belong before them. A bisection
  /// for what follows "b" then leads to the beginning.
  private static func disordered() throws -> OpenSegment {
    let versions = (0..<9).map { index in
      OwnedEntry([0, 0, 0, 1, 0x62], UInt64(100 - index), value: [1])
    }
    let others = (UInt8(0x63)..<0x79).map { OwnedEntry([0, 0, 0, 1, $0], 1, value: [2]) }
    var policy = SegmentBlockPolicy()
    policy.compression = .none
    let (file, _) = try SegmentFixture.write(versions + others, policy: policy)
    var forger = try SegmentForger(file.bytes)
    let slots = forger.blocks[0].offset + 16 + 31
    let sound = forger.bytes
    for index in 0..<31 {
      let source = slots + 4 * ((index + 9) % 31)
      for byte in 0..<4 { forger.bytes[slots + 4 * index + byte] = sound[source + byte] }
    }
    forger.sign()
    return try SegmentFixture.open(BytesFile(forger.bytes), .mapped)
  }

  /// Steps until the walk ends; the error that ends it.
  private static func walk(
    _ step: (inout VisibleCursor<SegmentCursor>) throws -> Void,
    from start: (inout VisibleCursor<SegmentCursor>) throws -> Void
  ) throws -> StoreError? {
    var cursor = VisibleCursor(
      SegmentCursor(try disordered()), at: ReadPoint(sequence: .max, time: 0), from: nil, to: nil)
    var steps = 0
    do {
      try start(&cursor)
      while cursor.entry != nil, steps < 1000 {
        steps += 1
        try step(&cursor)
      }
    } catch { return error as? StoreError }
    #expect(steps < 1000, "a walk without end")
    return nil
  }

  @Test func aWalkForwardEndsWithTheBlockNamed() throws {
    let error = try #require(
      try Self.walk({ try $0.next() }, from: { try $0.seekToFirst() }))
    #expect(error.code == .corrupted && error.offset == 64)
    #expect(error.file == "segment-0000000000000001" && error.structure == "data block")
  }

  @Test func aWalkBackwardEndsWithTheBlockNamed() throws {
    let error = try #require(
      try Self.walk({ try $0.previous() }, from: { try $0.seekToLast() }))
    #expect(error.code == .corrupted && error.file != nil && error.offset == 64)
  }

  @Test func aCompactionOfItIsRefusedAsDamageOfTheInput() throws {
    let cursor = SegmentCursor(try Self.disordered())
    try cursor.seekToFirst()
    var entries = SurvivingEntries(cursor, DropRules([]), mayHaveOlder: { _ in true })
    let error = #expect(throws: StoreError.self) { while try entries.next() != nil {} }
    #expect(error?.code == .corrupted && error?.file != nil && error?.offset == 64)
    #expect(throws: StoreError.self) { try entries.next() }
  }

  // MARK: - What a forged file can hold

  /// All that a walk at 5 shows, in its order; nil where it is refused.
  private static func shown(
    _ sources: [[OwnedEntry]], forward: Bool
  ) throws -> [OwnedEntry]? {
    let source = MergingCursor(sources.map { ArrayCursor(asTheyAre: $0) })
    var cursor = VisibleCursor(
      source, at: ReadPoint(sequence: SequenceNumber(5), time: 0), from: nil, to: nil)
    var found: [OwnedEntry] = []
    do {
      if forward { try cursor.seekToFirst() } else { try cursor.seekToLast() }
      while let entry = cursor.entry {
        found.append(OwnedEntry(entry))
        if forward { try cursor.next() } else { try cursor.previous() }
      }
    } catch {
      #expect((error as? StoreError)?.code == .corrupted)
      return nil
    }
    return found
  }

  private static func entry(_ key: UInt8, _ sequence: UInt64, _ value: UInt8 = 0) -> OwnedEntry {
    OwnedEntry([0, 0, 0, 1, key], sequence, value: [value])
  }

  @Test func aKeyBehindOneTooNewIsNotShownOutOfOrder() throws {
    let entries = [Self.entry(0x63, 1), Self.entry(0x64, 9), Self.entry(0x62, 1)]
    #expect(try Self.shown([entries], forward: true) == nil)
  }

  @Test func versionsOutOfOrderShowNothingElseBackward() throws {
    let sources = [
      [Self.entry(0x62, 1, 1), Self.entry(0x62, 4, 2)], [Self.entry(0x62, 3, 3)],
    ]
    #expect(try Self.shown(sources, forward: true) == nil)
    #expect(try Self.shown(sources, forward: false) == nil)
  }

  @Test(arguments: [[4, 9], [4, 9, 1], [9, 4, 9]] as [[UInt64]])
  func versionsBesideOnesTooNewAreNoOthersBackward(_ numbers: [UInt64]) throws {
    let entries = numbers.enumerated().map { Self.entry(0x62, $1, UInt8($0)) }
    #expect(try Self.shown([entries], forward: true) == nil)
    #expect(try Self.shown([entries], forward: false) == nil)
  }

  @Test(arguments: [1, 2, 3])
  func oneVersionInSeveralSourcesIsTheSameBackward(_ others: Int) throws {
    let sources = (0...UInt8(others)).map { [Self.entry(0x62, 3, $0), Self.entry(0x63, 1, $0)] }
    let forward = try #require(try Self.shown(sources, forward: true))
    #expect(try Self.shown(sources, forward: false) == forward.reversed())
  }
}
