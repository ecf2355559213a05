import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// Forged files hold any number of flaws: of each file the first 1,000 are told of, and all are counted.
@Suite struct FindingLimitTests {
  private static let flaws = 1_200
  private static let valuesName = HandmadeStore.valuesName

  @Test func ofASegment() throws {
    let forged = try ForgedFindings { _ in
      (0..<Self.flaws).map { OwnedEntry([0, 0, 0, 0] + ForgedFindings.key($0), 1, value: [1]) }
    }
    try forged.expectLimited(HandmadeStore.segmentName, damage: Self.flaws)
  }

  @Test func ofAValueFile() throws {
    let forged = try ForgedFindings(values: Self.flaws) { _ in [] }
    try forged.damageValues()
    let verification = try forged.expectLimited(Self.valuesName, damage: Self.flaws)
    #expect(verification.damagedRecords.count == FindingLimit.most)
  }

  @Test func ofRecordsThatPointersMean() throws {
    let forged = try ForgedFindings(values: Self.flaws) { pointers in
      pointers.enumerated().map { index, pointer in
        var pointer = pointer
        pointer.checksum ^= 1
        return ForgedFindings.entry(index, pointer)
      }
    }
    let verification = try forged.expectLimited(Self.valuesName, damage: Self.flaws)
    #expect(verification.damagedRecords.count == FindingLimit.most)
  }

  @Test(arguments: [false, true])
  func ofValueFilesThatNobodyNames(withManifest: Bool) throws {
    let forged = try ForgedFindings { pointers in
      (0..<Self.flaws).map { index in
        ForgedFindings.entry(index, pointers[0], file: UInt64(100 + index))
      }
    }
    if !withManifest {
      try forged.store.directory.remove(HandmadeStore.manifestName.description)
    }
    // The manifest that is missing; or that it says nothing of what the segment refers to.
    try forged.expectLimited(
      HandmadeStore.segmentName, damage: Self.flaws + 1, ofOthers: withManifest ? 0 : 1)
  }

  @Test func ofALog() throws {
    let forged = try ForgedFindings { _ in [] }
    try forged.writeLog(Self.flaws)
    try forged.expectLimited(HandmadeStore.logName, damage: Self.flaws)
  }

  @Test func noticesHideNoDamage() {
    var limit = FindingLimit()
    for count in 0..<Self.flaws {
      let verdict = limit.take(.notice, of: "a")
      #expect(
        verdict
          == (count < FindingLimit.most
            ? .told : count == FindingLimit.most ? .firstUntold : .untold))
    }
    let damage = [limit.take(.damage, of: "a"), limit.take(.damage, of: "a")]
    #expect(damage == [.told, .untold])
    let other = limit.take(.notice, of: "b")
    #expect(other == .told)
  }

  /// What they find comes before what stands behind them, and is told of once.
  @Test func pointersAreExaminedSomeAtATime() throws {
    let forged = try ForgedFindings { pointers in
      (0..<60).map { ForgedFindings.entry($0, pointers[0], file: 9) }
    }
    try forged.damageLastBlock()
    let (found, _) = try forged.findings { $0.mostPointers = 10 }
    #expect(found.map(\.structure) == ["properties", "value pointer", "data block"])
    let (together, _) = try forged.findings()
    #expect(together.map(\.structure) == ["properties", "data block", "value pointer"])
  }

  @Test func unreadableValueFilesAreToldOfOnce() throws {
    let forged = try ForgedFindings { pointers in
      (0..<60).map { ForgedFindings.entry($0, pointers[0]) }
    }
    forged.disk.inject(Fault(.open, Self.valuesName.description, lasts: .forGood))
    let (found, _) = try forged.findings { $0.mostPointers = 10 }
    let (together, _) = try forged.findings()
    #expect(found == together && found.count <= 2 && !found.isEmpty, "\(found)")
  }
}

/// Logs are judged together, so that all are at hand at once: only so many of their bytes in memory.
@Suite struct MappedLogTests {
  @Test func logsBeyondTheLimitInAllAreMapped() throws {
    let (tested, disk) = try TestedStore.simulated()
    var entries = NumberedEntries()
    try entries.fillLogs(3, of: tested, try tested.open())
    let logs = try tested.names(.log)
    let last = try #require(logs.last)
    let sizes = try logs.map { UInt64(try tested.bytes($0).count) }
    disk.inject(Fault(.map, last, lasts: .forGood))
    func findings(_ most: UInt64?) throws -> [String] {
      let directory = try StoreVerifier(at: tested.path, on: disk).directory
      let verification = StoreVerification(directory, .deep, readsCold: false)
      if let most { verification.mostLogBytes = most }
      var found: [String] = []
      try verification.run(try directory.names()) { found.append($0.file) }
      return found
    }
    let all = sizes.reduce(0, +)
    #expect(try findings(nil) == [] && findings(all) == [])
    #expect(try findings(all - 1) == [last])
    disk.clearFaults()
    // Mapped, they are judged like the others.
    #expect(try findings(0) == [])
    // Nor does it matter whether the system takes one more mapping.
    disk.inject(Fault(.map, last, effect: .error(.tooManyOpen), lasts: .forGood))
    #expect(try findings(0) == [])
  }

  /// The others are not judged as if it were gone.
  @Test func aLogThatCannotBeReadIsAllThatIsToldOf() throws {
    let (tested, disk) = try TestedStore.simulated()
    var entries = NumberedEntries()
    try entries.fillLogs(3, of: tested, try tested.open())
    for log in try tested.names(.log) {
      disk.inject(Fault(.read, log, lasts: .forGood))
      #expect(try tested.findings().map(\.file) == [log])
      disk.clearFaults()
    }
  }
}
