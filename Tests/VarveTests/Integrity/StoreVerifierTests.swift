import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

@Suite("Store verifier")
struct StoreVerifierTests {
  @Test("finds nothing in a sound store", arguments: FileSystemKind.allCases)
  func findsNothing(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, fileSystem, _ in
      let store = try HandmadeStore(in: directory)
      #expect(try store.findings(.fast, on: fileSystem) == [])
      #expect(try store.findings(.deep, on: fileSystem) == [])
      let report = try StoreVerifier(at: directory.path, on: fileSystem).run(.deep)
      #expect(report.files == 4)
      #expect(report.entries == 42)
      #expect(report.values == 1)
      #expect(report.logRecords == 2)
      #expect(report.blocks > 2)
      #expect(report.isSound)
    }
  }

  static let coveredFiles = [
    HandmadeStore.manifestName, HandmadeStore.segmentName, HandmadeStore.valuesName,
    HandmadeStore.logName,
  ]

  @Test("finds a flip of any byte and names its file", arguments: coveredFiles)
  func findsEveryFlip(in name: FileName) throws {
    try FileSystemKind.simulated.withDirectory { directory, fileSystem, _ in
      let store = try HandmadeStore(in: directory)
      let original = try readAll(name.description, in: directory)
      for offset in original.indices {
        var bytes = original
        bytes[offset] ^= 1 << UInt8(offset % 8)
        try store.write(bytes, to: name)
        let damage = try store.findings(.deep, on: fileSystem).filter { $0.severity == .damage }
        let isNamed = damage.contains { $0.file == name.description }
        let isSaidOnce = Set(damage.map(\.description)).count == damage.count
        if !isSaidOnce { Issue.record("the flip at \(offset) is found twice: \(damage)") }
        if !isNamed { Issue.record("the flip at \(offset) of \(original.count) is not found") }
      }
    }
  }

  @Test("finds a value file cut or swapped, fast")
  func checksValueFiles() throws {
    try FileSystemKind.simulated.withDirectory { directory, fileSystem, _ in
      let store = try HandmadeStore(in: directory)
      let name = HandmadeStore.valuesName
      let original = try readAll(name.description, in: directory)
      try store.write(Array(original.dropLast()), to: name)
      let cut = try store.findings(.fast, on: fileSystem)
      let size = original.count
      #expect(cut.map(\.message) == ["has \(size - 1) bytes; the manifest says \(size)"])
      let header = FileHeader(.values, identity: FileID(low: 77, high: 78)).encoded()
      try store.write(header + original.dropFirst(64), to: name)
      let swapped = try store.findings(.fast, on: fileSystem)
      #expect(swapped.map(\.message) == ["is another value file than the manifest names"])
    }
  }

  @Test("finds a damaged end of a value file, fast and deep once each")
  func checksTheEndOfValueFiles() throws {
    try FileSystemKind.simulated.withDirectory { directory, fileSystem, _ in
      let store = try HandmadeStore(in: directory)
      let name = HandmadeStore.valuesName
      let original = try readAll(name.description, in: directory)
      for place in original.count - 32..<original.count {
        var bytes = original
        bytes[place] ^= 2
        try store.write(bytes, to: name)
        for depth in [IntegrityDepth.fast, .deep] {
          let found = try store.findings(depth, on: fileSystem)
          #expect(found.map(\.file) == [name.description], "\(place), \(depth)")
          let offset = try #require(found.first?.offset)
          #expect(offset >= original.count - 32 && offset < original.count)
        }
      }
    }
  }

  @Test("finds a missing or cut file of every kind, fast", arguments: FileSystemKind.allCases)
  func findsMissingFiles(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, fileSystem, _ in
      let store = try HandmadeStore(in: directory)
      let names = [
        HandmadeStore.segmentName, HandmadeStore.valuesName, HandmadeStore.logName,
      ]
      for name in names {
        let original = try readAll(name.description, in: directory)
        try store.write(Array(original.dropLast(8)), to: name)
        let cut = try store.findings(.fast, on: fileSystem)
        #expect(cut.map(\.file) == [name.description])
        try directory.remove(name.description)
        let missing = try store.findings(.fast, on: fileSystem)
        #expect(missing.map(\.file) == [name.description])
        #expect(missing.allSatisfy { $0.severity == .damage })
        try store.write(original, to: name)
      }
      #expect(try store.findings(.deep, on: fileSystem) == [])
    }
  }

  @Test(
    "finds a keyspace record that nobody can read, behind a right checksum",
    arguments: [HandmadeStore.segmentName, HandmadeStore.logName])
  func findsBadKeyspaceRecords(in file: FileName) throws {
    var record = KeyspaceRecord(number: 7).encoded()
    let bad: [([UInt8], [UInt8])] = [
      (SystemKeyspace.recordKey("a"), Array(record.dropLast())),
      (SystemKeyspace.recordKey(""), record), (Array("x".utf8), record),
      (SystemKeyspace.nextNumberKey, [1, 0, 0, 0]),
    ]
    let good: [([UInt8], [UInt8])] = [
      (SystemKeyspace.recordKey("a"), record), (SystemKeyspace.nextNumberKey, [8, 0, 0, 0]),
    ]
    record[25] = 1
    for (key, value) in bad + [(SystemKeyspace.recordKey("a"), record)] + good {
      let disk = SimulatedFileSystem()
      let store = try HandmadeStore(
        in: try disk.openDirectory(at: "store", create: true),
        system: .init(file: file, key: key, value: value))
      let found: [IntegrityFinding] = try store.findings(.deep, on: disk)
      let isGood = good.contains { $0.0 == key && $0.1 == value }
      #expect(found.map(\.file) == (isGood ? [] : [file.description]))
      #expect(found.allSatisfy { $0.structure == "keyspace record" && ($0.offset ?? 0) >= 64 })
      let opened = try? SegmentStore.open(
        at: "store", options: .small,
        components: StoreComponents(
          fileSystem: disk, clock: SimulatedClock(), random: SimulatedRandom(seed: 7),
          background: .inline))
      #expect((opened != nil) == isGood)
      try opened?.close()
    }
  }

  @Test("finds each changed byte of a value that a crash left in a file without an end")
  func findsDamageToUnsealedValues() throws {
    let disk = SimulatedFileSystem()
    let store = try CrashWorkload.open(disk)
    let keyspace = try store.keyspace("default")
    try keyspace.put("large", [UInt8](repeating: 5, count: 4_000), durability: .buffered)
    try store.sync()
    // Its record says that the large value is durable.
    try keyspace.put("small", "value")
    let crashed = disk.crashImage(.everything)
    try store.close()
    let path = try #require(crashed.contents().keys.first { $0.contains("values-") })
    let bytes = try #require(crashed.contents()[path])
    let header = Int(ValuePlace.firstValue) - ValueRecord.headerBytes
    for place in [Int](header..<Int(ValuePlace.firstValue) + 2) {
      let image = crashed.crashImage(.everything)
      var damaged = bytes
      damaged[place] ^= 4
      try image.place(damaged, at: path)
      var found: [IntegrityFinding] = []
      try StoreVerifier(at: "store", on: image).run(.deep) { found.append($0) }
      let damage = found.filter { $0.severity == .damage }
      #expect(damage.count == 1 && path.hasSuffix(damage[0].file), "byte \(place): \(found)")
      #expect(throws: StoreError.self) { try CrashWorkload.open(image).close() }
    }
  }

  @Test("goes on behind a flaw: two damaged blocks are two findings")
  func findsSeveral() throws {
    try FileSystemKind.simulated.withDirectory { directory, fileSystem, _ in
      let store = try HandmadeStore(in: directory)
      var bytes = try readAll(HandmadeStore.segmentName.description, in: directory)
      bytes[100] ^= 1
      bytes[700] ^= 1
      try store.write(bytes, to: HandmadeStore.segmentName)
      let found = try store.findings(.deep, on: fileSystem)
      #expect(found.count == 2)
      #expect(found.allSatisfy { $0.structure == "data block" })
      #expect(found.compactMap(\.offset).sorted() == found.compactMap(\.offset))
    }
  }

  @Test("examines segments by their own headers where the manifest is unreadable")
  func survivesABrokenManifest() throws {
    try FileSystemKind.simulated.withDirectory { directory, fileSystem, _ in
      let store = try HandmadeStore(in: directory)
      for name in [HandmadeStore.manifestName, HandmadeStore.segmentName] {
        var bytes = try readAll(name.description, in: directory)
        bytes[bytes.count / 2] ^= 1
        try store.write(bytes, to: name)
      }
      let files = Set(try store.findings(.fast, on: fileSystem).map(\.file))
      #expect(
        files == [HandmadeStore.manifestName.description, HandmadeStore.segmentName.description])
    }
  }

  @Test("finds one flaw where only the manifest is damaged or missing")
  func blamesOnlyTheManifest() throws {
    try FileSystemKind.simulated.withDirectory { directory, fileSystem, _ in
      let store = try HandmadeStore(in: directory)
      let name = HandmadeStore.manifestName.description
      var bytes = try readAll(name, in: directory)
      bytes[bytes.count / 2] ^= 1
      try store.write(bytes, to: HandmadeStore.manifestName)
      #expect(try store.findings(.deep, on: fileSystem).map(\.file) == [name])
      try directory.remove(name)
      let missing = try store.findings(.deep, on: fileSystem)
      #expect(missing.map(\.file) == ["manifest"])
      #expect(missing.map(\.severity) == [.damage])
      try directory.remove(HandmadeStore.valuesName.description)
      #expect(
        try store.findings(.deep, on: fileSystem).map(\.file)
          == ["manifest", HandmadeStore.valuesName.description])
    }
  }

  @Test("tells leftovers from damage, and leaves strange files alone")
  func notesLeftovers() throws {
    try FileSystemKind.simulated.withDirectory { directory, fileSystem, _ in
      let store = try HandmadeStore(in: directory)
      try store.write([1, 2, 3], to: FileName(.segment, 1))
      for name in ["manifest-0000000000000002.new", "notes.txt"] {
        try directory.create(name).close()
      }
      let found = try store.findings(.deep, on: fileSystem)
      #expect(found.allSatisfy { $0.severity == .notice })
      #expect(
        found.map(\.file) == ["manifest-0000000000000002.new", "segment-0000000000000001"])
    }
  }

  @Test("says that a directory is no store, and that a store is locked")
  func saysWhatHinders() throws {
    try FileSystemKind.simulated.withDirectory { directory, fileSystem, path in
      let missing = #expect(throws: StoreError.self) {
        try StoreVerifier(at: path, on: fileSystem).run(.fast)
      }
      #expect(missing?.code == .notFound)
      let store = try HandmadeStore(in: directory)
      let lock = try directory.lock(FileName.lock, isShared: false)
      let locked = #expect(throws: StoreError.self) {
        try StoreVerifier(at: path, on: fileSystem)
      }
      #expect(locked?.code == .locked)
      lock.release()
      #expect(try store.findings(.fast, on: fileSystem) == [])
    }
  }
}
