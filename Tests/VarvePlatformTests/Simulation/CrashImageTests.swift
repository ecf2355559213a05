import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// What a power cut may and may not do on the simulated disk.
@Suite("Crash images")
struct CrashImageTests {
  let machine = SimulatedFileSystem(seed: 1)
  let directory: any Directory

  init() throws { directory = try machine.openDirectory(at: "store", create: true) }

  /// Makes a file that no crash can take away.
  func settle(_ name: String, _ bytes: [UInt8]) throws -> any File {
    let file = try directory.create(name)
    try file.write(bytes, at: 0)
    try file.sync()
    try directory.sync()
    return file
  }

  /// The different contents of one file in many images; nil where it is missing.
  func outcomes(_ name: String, _ mode: CrashMode, images: UInt64 = 200) -> Set<[UInt8]?> {
    Set((0..<images).map { machine.crashImage(mode, seed: $0).contents()["store/" + name] })
  }

  @Test(arguments: CrashMode.allCases)
  func whatWasSyncedSurvives(_ mode: CrashMode) throws {
    _ = try settle("a", [1, 2, 3])
    let other = try directory.create("b")
    try other.write([9], at: 5000)
    try directory.rename("b", to: "c")
    #expect(outcomes("a", mode) == [[1, 2, 3]])
  }

  @Test func nothingElseSurvivesTheWorst() throws {
    let file = try settle("a", [1])
    try file.write([2, 2], at: 0)
    let synced = try directory.create("b")
    try synced.write([7], at: 0)
    try synced.sync()
    #expect(machine.crashImage(.durableOnly).contents() == ["store/a": [1]])
    #expect(machine.crashImage(.everything).contents() == ["store/a": [2, 2], "store/b": [7]])
  }

  @Test func aRenameThatWasNotSyncedHappensOrNot() throws {
    _ = try settle("a", [1])
    try directory.rename("a", to: "b")
    #expect(outcomes("b", .pages) == [nil, [1]])
    let images = (0..<100).map { machine.crashImage(.pages, seed: $0).contents().keys.sorted() }
    #expect(Set(images) == [["store/a"], ["store/b"]])
    #expect(outcomes("a", .durableOnly) == [[1]])
    try directory.sync()
    #expect(outcomes("b", .durableOnly) == [[1]])
  }

  @Test func aRemovalThatWasNotSyncedHappensOrNot() throws {
    _ = try settle("a", [1])
    try directory.remove("a")
    #expect(outcomes("a", .pages) == [nil, [1]])
    #expect(outcomes("a", .durableOnly) == [[1]])
    try directory.sync()
    for mode in CrashMode.allCases { #expect(outcomes("a", mode) == [nil]) }
  }

  @Test func aDirectoryIsLostWithoutASyncOfItsParent() throws {
    let machine = SimulatedFileSystem()
    machine.ignoringSync { _, name in name == "/" }
    let directory = try machine.openDirectory(at: "/new", create: true)
    try directory.create("a").sync()
    try directory.sync()
    #expect(machine.crashImage(.durableOnly).contents() == [:])
    #expect(machine.crashImage(.everything).contents() == ["new/a": []])
  }

  @Test func changesOfOneNameKeepTheirOrder() throws {
    _ = try settle("a", [1])
    let second = try directory.create("b")
    try second.write([2], at: 0)
    try second.sync()
    try directory.rename("b", to: "a")
    try directory.remove("a")
    let third = try directory.create("a")
    try third.write([3], at: 0)
    try third.sync()
    #expect(outcomes("a", .pages) == [nil, [1], [2], [3]])
    for seed in 0..<200 {
      let found = machine.crashImage(.pages, seed: UInt64(seed)).contents()
      // Only the last creation brings the third file, and nothing may undo it.
      if found["store/a"] == [3] { #expect(found["store/b"] != [3]) }
    }
  }

  @Test func aPrefixHasNoHoles() throws {
    let first = try settle("a", [0])
    let second = try settle("b", [0])
    for number in UInt8(1)...4 {
      try first.write([number], at: 0)
      try second.write([number], at: 0)
    }
    var seen: Set<[UInt8]> = []
    for seed in UInt64(0)..<300 {
      let found = machine.crashImage(.prefix, seed: seed).contents()
      let pair = [found["store/a"]?.first ?? 99, found["store/b"]?.first ?? 99]
      #expect(pair[0] == pair[1] || pair[0] == pair[1] + 1, "seed \(seed)")
      seen.insert(pair)
    }
    #expect(seen.count == 9)
  }
}

// MARK: - Pieces

extension CrashImageTests {
  @Test func pagesAreLostOneByOne() throws {
    let file = try settle("a", [UInt8](repeating: 1, count: 3 * 4096))
    try file.write([UInt8](repeating: 2, count: 3 * 4096), at: 0)
    var seen: Set<[UInt8]> = []
    for bytes in outcomes("a", .pages) {
      let pages = try #require(bytes).chunks(of: 4096)
      #expect(pages.allSatisfy { Set($0).count == 1 })
      seen.insert(pages.map { $0[0] })
    }
    #expect(seen.count == 8)
  }

  @Test func sectorsOfOnePageAreLostOneByOne() throws {
    let file = try settle("a", [UInt8](repeating: 1, count: 4096))
    try file.write([UInt8](repeating: 2, count: 4096), at: 0)
    let found = outcomes("a", .sectors)
    #expect(found.count > 50)
    for bytes in found {
      #expect(try #require(bytes).chunks(of: 512).allSatisfy { Set($0).count == 1 })
    }
  }

  @Test func aPieceIsAsItWasAtSomeMoment() throws {
    let file = try settle("a", [0, 0, 0, 0])
    try file.write([1, 1], at: 0)
    try file.write([2, 2], at: 1)
    // Never the second write without the first: they share a sector.
    #expect(outcomes("a", .sectors) == [[0, 0, 0, 0], [1, 1, 0, 0], [1, 2, 2, 0]])
  }

  @Test func aGrowingFileMayGrowWithoutItsBytes() throws {
    let file = try settle("a", [1])
    try file.write([2, 2, 2], at: 0)
    let expected: Set<[UInt8]?> = [[1], [2], [1, 0, 0], [2, 2, 2]]
    #expect(outcomes("a", .pages) == expected)
    #expect(machine.crashImage(.sizeWithoutData).contents() == ["store/a": [1, 0, 0]])
  }

  @Test func aCutMayBeUndone() throws {
    let file = try settle("a", [1, 2, 3])
    try file.truncate(to: 1)
    #expect(outcomes("a", .durableOnly) == [[1, 2, 3]])
    #expect(outcomes("a", .pages).contains([1]))
    try file.sync()
    for mode in CrashMode.allCases { #expect(outcomes("a", mode) == [[1]]) }
  }

  @Test func theLastWriteIsTorn() throws {
    let file = try settle("a", [UInt8](repeating: 1, count: 2000))
    try file.write([UInt8](repeating: 2, count: 1000), at: 500)
    try file.write([UInt8](repeating: 3, count: 1000), at: 1000)
    let before = [UInt8](repeating: 1, count: 500) + [UInt8](repeating: 2, count: 500)
    let old = [UInt8](repeating: 2, count: 500) + [UInt8](repeating: 1, count: 500)
    for mode in [CrashMode.tornZeros, .tornGarbage, .tornOld] {
      let found = outcomes("a", mode)
      #expect(found.count > 20)
      for bytes in found {
        let bytes = try #require(bytes)
        #expect(Array(bytes[..<1000]) == before)
        let kept = bytes[1000...].prefix { $0 == 3 }.count
        if mode == .tornZeros { #expect(bytes[(1000 + kept)...].allSatisfy { $0 == 0 }) }
        if mode == .tornOld { #expect(Array(bytes[(1000 + kept)...]) == Array(old[kept...])) }
      }
    }
  }

  @Test func tearsFallOnSectorsAndElsewhere() throws {
    _ = try settle("a", []).write([UInt8](repeating: 3, count: 4000), at: 100)
    let ends = Set(outcomes("a", .tornOld, images: 400).map { $0?.count ?? 0 })
    #expect(ends.contains { $0 > 0 && $0 % 512 == 0 })
    #expect(ends.contains { $0 % 512 != 0 })
  }

  @Test func renamesAndRemovalsOvertakeData() throws {
    _ = try settle("old", [1])
    let file = try directory.create("new")
    try file.write([2], at: 0)
    try directory.rename("new", to: "now")
    try directory.remove("old")
    #expect(machine.crashImage(.renameWithoutData).contents() == ["store/now": []])
    #expect(machine.crashImage(.unlinkWithoutRename).contents() == [:])
    _ = try directory.create("other")
    let renamed = machine.crashImage(.renamesOnly).contents()
    #expect(renamed.keys.sorted() == ["store/now", "store/old"])
  }

  @Test(arguments: CrashMode.allCases)
  func aPreparedLogIsZeroWhereNothingWasAppended(_ mode: CrashMode) throws {
    let log = try directory.createLog("log", capacity: 16_384)
    try log.append([UInt8](repeating: 5, count: 6000), at: 0)
    try log.sync()
    try directory.sync()
    try log.append([UInt8](repeating: 6, count: 6000), at: 6000)
    for bytes in outcomes("log", mode, images: 50) {
      let bytes = try #require(bytes)
      #expect(bytes.count == 16_384)
      #expect(bytes[..<6000].allSatisfy { $0 == 5 })
      #expect(bytes[12_000...].allSatisfy { $0 == 0 })
      if mode != .tornGarbage { #expect(bytes[6000..<12_000].allSatisfy { $0 == 0 || $0 == 6 }) }
    }
  }
}

// MARK: - Seeds, steps and syncs that fail

extension CrashImageTests {
  @Test(arguments: CrashMode.allCases)
  func theSeedDecidesAndNothingElse(_ mode: CrashMode) throws {
    for number in 0..<20 {
      try directory.create("f\(number)").write([UInt8](repeating: 1, count: 9000), at: 0)
    }
    let prints = (UInt64(0)..<20).map { machine.crashImage(mode, seed: $0).fingerprint() }
    let again = (UInt64(0)..<20).map { machine.crashImage(mode, seed: $0).fingerprint() }
    #expect(prints == again)
    #expect((Set(prints).count > 1) == mode.isRandom)
  }

  @Test func anImageIsAMachineOfItsOwn() throws {
    let file = try settle("a", [1])
    let lock = try directory.lock("lock", isShared: false)
    let image = machine.crashImage(.everything)
    try file.write([2], at: 0)
    let there = try image.openDirectory(at: "store", create: false)
    #expect(try readAll("a", in: there) == [1])
    try there.lock("lock", isShared: false).release()
    #expect(try there.identity != directory.identity)
    #expect(image.leaks == [])
    lock.release()
  }

  @Test func aDeadMachineRefusesEveryCall() throws {
    let file = try settle("a", [1])
    machine.crash(atStep: machine.steps + 2)
    try file.write([2], at: 0)
    let dead = FileSystemError.Reason.device
    #expect(reason { try file.write([3], at: 0) } == dead)
    #expect(machine.hasCrashed)
    #expect(reason { try file.sync() } == dead)
    #expect(reason { _ = try directory.names() } == dead)
    #expect(reason { _ = try file.size() } == dead)
    #expect(reason { _ = try machine.openDirectory(at: "store", create: false) } == dead)
    // The call in which it died may have had its effect.
    #expect(machine.crashImage(.everything).contents() == ["store/a": [3]])
    #expect(machine.crashImage(.durableOnly).contents() == ["store/a": [1]])
  }

  @Test(arguments: ["create", "rename", "remove", "truncate"])
  func theCallInWhichItDiesMayHaveHappened(_ call: String) throws {
    let file = try settle("a", [1, 2])
    machine.crash(atStep: machine.steps + 1)
    let error = reason {
      switch call {
      case "create": _ = try directory.create("b")
      case "rename": try directory.rename("a", to: "b")
      case "remove": try directory.remove("a")
      default: try file.truncate(to: 1)
      }
    }
    #expect(error == .device)
    let expected: [String: [String: [UInt8]]] = [
      "create": ["store/a": [1, 2], "store/b": []], "rename": ["store/b": [1, 2]], "remove": [:],
      "truncate": ["store/a": [1]],
    ]
    #expect(machine.crashImage(.everything).contents() == expected[call])
    #expect(machine.crashImage(.durableOnly).contents() == ["store/a": [1, 2]])
  }

  @Test func everyCallThatChangesTheDiskIsAStep() throws {
    let start = machine.steps
    machine.recordTrace()
    let file = try directory.create("a")
    try file.write([1], at: 0)
    try file.reserve(10)
    try file.truncate(to: 5)
    try file.sync()
    try file.close()
    try directory.rename("a", to: "b")
    _ = try readAll("b", in: directory)
    try directory.remove("b")
    try directory.sync()
    try directory.lock("lock", isShared: false).release()
    try directory.lock("lock", isShared: false).release()
    #expect(
      machine.trace.map(\.description) == [
        "\(start + 1) create a", "\(start + 2) write a", "\(start + 3) reserve a",
        "\(start + 4) truncate a", "\(start + 5) sync a", "\(start + 6) rename a",
        "\(start + 7) remove b", "\(start + 8) sync directory store", "\(start + 9) lock lock",
      ])
  }

  @Test func observersSeeTheDiskBeforeEachStep() throws {
    let seen = Monitor<[Int]>([])
    machine.observeSteps { [machine] _ in
      let count = machine.crashImage(.everything).contents()["store/a"]?.count ?? -1
      seen.withLock { $0.append(count) }
    }
    let file = try directory.create("a")
    try file.write([1, 2], at: 0)
    try file.sync()
    machine.observeSteps(nil)
    #expect(seen.withLock { $0 } == [-1, 0, 2])
  }

  @Test func anIgnoredSyncMakesNothingDurable() throws {
    let file = try settle("a", [1])
    machine.ignoringSync { operation, name in operation == .sync && name == "a" }
    try file.write([2], at: 0)
    try file.sync()
    #expect(outcomes("a", .durableOnly) == [[1]])
    machine.ignoringSync { _, _ in false }
    try file.sync()
    #expect(outcomes("a", .durableOnly) == [[2]])
  }

  @Test(arguments: FailedSync.allCases)
  func aFailedSyncLosesWhatALaterOneCannotSave(_ behaviour: FailedSync) throws {
    let new = [UInt8](repeating: 2, count: 32 * 4096)
    let file = try settle("a", [UInt8](repeating: 1, count: 32 * 4096))
    machine.setFailedSync(behaviour)
    machine.inject(Fault(.sync, "a"))
    try file.write(new, at: 0)
    #expect(reason { try file.sync() } == .device)
    try file.sync()
    let disk = try #require(machine.crashImage(.everything).contents()["store/a"])
    let pages = Set(disk.chunks(of: 4096).map { $0[0] })
    #expect(pages == [1, 2])
    // Compared first: the report of two unequal long arrays takes minutes.
    let shown = behaviour == .keepsCache ? new : disk
    let isShown = try readAll("a", in: directory) == shown
    #expect(isShown)
    // Only what is written again is written back, and then the cache's whole page.
    let lost = try #require(disk.chunks(of: 4096).firstIndex { $0[0] == 1 })
    try file.write([3], at: UInt64(lost * 4096))
    try file.sync()
    let written = try #require(machine.crashImage(.durableOnly).contents()["store/a"])
    #expect(written[lost * 4096] == 3)
    #expect(written[lost * 4096 + 1] == shown[lost * 4096 + 1])
    #expect(written[..<(lost * 4096)] == disk[..<(lost * 4096)])
  }

  @Test func aFileThatOnlyTheCacheKnowsToBeLongCanBeCut() throws {
    // Whether the failed sync leaves the file short is the machine's seed's to decide.
    for seed in UInt64(0)..<10 {
      let machine = SimulatedFileSystem(seed: seed)
      let directory = try machine.openDirectory(at: "store", create: true)
      let file = try directory.create("a")
      try directory.sync()
      machine.inject(Fault(.sync, "a"))
      try file.write([UInt8](repeating: 2, count: 100_000), at: 0)
      #expect(reason { try file.sync() } == .device)
      try file.truncate(to: 10)
      for mode in CrashMode.allCases {
        let found = machine.crashImage(mode, seed: seed).contents()["store/a"]
        #expect(try #require(found).count <= 100_000)
      }
      try file.sync()
      let cut = try #require(machine.crashImage(.durableOnly).contents()["store/a"])
      #expect(cut.count == 10)
    }
  }

  @Test func aFailedDirectorySyncLosesEntriesForGood() throws {
    for number in 0..<32 { try directory.create("f\(number)").sync() }
    machine.inject(Fault(.syncDirectory, "store"))
    #expect(reason { try directory.sync() } == .device)
    try directory.sync()
    #expect(try directory.names().count == 32)
    let left = machine.crashImage(.everything).contents().count
    #expect(left > 0 && left < 32)
  }
}

extension Array {
  fileprivate func chunks(of count: Int) -> [ArraySlice<Element>] {
    stride(from: 0, to: self.count, by: count).map { self[$0..<Swift.min($0 + count, self.count)] }
      .map { ArraySlice(Array($0)) }
  }
}
