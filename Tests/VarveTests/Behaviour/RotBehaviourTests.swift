import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// Bytes that change beneath an open store after they were read and found good: the system drops a page
/// of a mapping and reads it again from a device that has forgotten it. (73, 77)
@Suite struct RotBehaviourTests {
  /// Changes a byte of `value` where it lies in the file, beneath whoever has that mapped.
  private static func rot(_ value: [UInt8], in name: String, of tested: TestedStore) throws {
    let bytes = try tested.bytes(name)
    let places = bytes.indices.filter { bytes[$0...].starts(with: value.prefix(32)) }
    let place = try #require(places.first) + value.count / 2
    let file = try tested.directory.openForWriting(name)
    try file.write([bytes[place] ^ 1], at: UInt64(place))
    try file.close()
  }

  @Test func aBlockThatRotsAfterItWasReadIsNotWrittenUnderAFreshChecksum() throws {
    try FileSystemKind.posix.withTestedStore { tested in
      let store = try tested.open { $0.readMode = .mapped }
      var policy = KeyspacePolicy()
      policy.compression = .none
      let keyspace = try store.keyspace("raw", policy)
      for index in 0..<200 {
        try keyspace.put(
          NumberedEntries.key(index), NumberedEntries.value(index), durability: .buffered)
      }
      try store.flush()
      #expect(try keyspace.entries().count == 200)
      let files = try tested.names(.segment)
      let name = try #require(try tested.names(.segment).first)
      try Self.rot(NumberedEntries.value(100), in: name, of: tested)
      let failure = try storeFailure { try store.compact() }
      #expect(failure?.code == .corrupted && failure?.file == name)
      #expect(try tested.names(.segment) == files)
      // Once it is known nobody gets it any more.
      let read = try storeFailure { _ = try keyspace.value(for: NumberedEntries.key(100)) }
      #expect(read?.code == .corrupted)
      #expect(try keyspace.value(for: NumberedEntries.key(0)) == NumberedEntries.value(0))
      try store.close()
    }
  }

  /// Between the check of a block or value and the last look at it memory may change, too.
  @Test func whatACompactionHoldsChangesNoMore() throws {
    try FileSystemKind.posix.withTestedStore { tested in
      let store = try tested.open { $0.readMode = .mapped }
      let values = try ValuesMostlyGarbage(in: store)
      let short = Array("a short value that lies in a block, and long enough to be found".utf8)
      try values.keyspace.put("a short one", short, durability: .buffered)
      try store.flush()
      let segments = store.engine.versions.current.levelZero.map(\.reader)
      let segment = try #require(segments.max { $0.number < $1.number })
      let pointer = try #require(try segments.flatMap(Self.pointers).first)
      let cursor = try segment.cursor(fillsCache: false)
      try cursor.seekToFirst()
      #expect(cursor.entry?.value.array == short)
      try Self.rot(short, in: segment.name, of: tested)
      #expect(cursor.entry?.value.array == short)

      var claims = ValueClaims()
      let lent = try store.engine.values.store.storedCopy(of: pointer, claiming: &claims)
      let before = lent.bytes.array
      try Self.rot(before, in: FileName(.values, pointer.file).description, of: tested)
      #expect(lent.bytes.array == before)
      withExtendedLifetime(lent.owner) {}
      try store.close()
    }
  }

  private static func pointers(in segment: SegmentReader) throws -> [ValuePointer] {
    var pointers: [ValuePointer] = []
    let cursor = try segment.cursor(fillsCache: false)
    try cursor.seekToFirst()
    while let entry = cursor.entry {
      if entry.kind == .pointer { pointers.append(try ValuePointer(decoding: entry.value, at: 0)) }
      try cursor.next()
    }
    return pointers
  }

  /// A part of the index that rots could lead past entries: they would be left out for good.
  @Test(arguments: [SegmentSection.Kind.indexLeaves, .indexTop])
  func anIndexThatRotsAfterItWasReadLeadsNoCompaction(_ kind: SegmentSection.Kind) throws {
    try FileSystemKind.posix.withTestedStore { tested in
      let store = try tested.open { $0.readMode = .mapped }
      for index in 0..<200 {
        try store.put(NumberedEntries.key(index), NumberedEntries.value(index), .buffered)
      }
      try store.flush()
      #expect(try store.content().count == 200)
      let files = try tested.names(.segment)
      let record = try #require(store.engine.versions.current.manifest.segments.first)
      let bytes = try tested.bytes(files[0])
      let footer = try bytes.withByteView { view in
        try SegmentFooter(
          decoding: view.dropping(view.count - SegmentFooter.maximumByteCount),
          fileSize: UInt64(view.count), id: record.id)
      }
      let section = try footer.required(kind)
      // The end of the last separator, which no rule about order gives away; zeros may follow it.
      let part = bytes[Int(section.offset)..<Int(section.end)]
      let place = UInt64(try #require(part.lastIndex { $0 != 0 }))
      let file = try tested.directory.openForWriting(files[0])
      try file.write([bytes[Int(place)] ^ 1], at: place)
      try file.close()
      let failure = try storeFailure { try store.compact() }
      #expect(failure?.code == .corrupted && failure?.file == files[0])
      #expect(try tested.names(.segment) == files)
      // Once it is known nobody is led by it any more.
      for read in [
        { _ = try store.content() }, { _ = try store.main().value(for: NumberedEntries.key(100)) },
      ] {
        let failure = try storeFailure(read)
        #expect(failure?.code == .corrupted && failure?.file == files[0])
        #expect(failure?.structure == "block index")
      }
      // A page that is read again may be whole: so is everything then.
      let mended = try tested.directory.openForWriting(files[0])
      try mended.write([bytes[Int(place)]], at: place)
      try mended.close()
      #expect(try store.content().count == 200)
      try store.close()
    }
  }

  @Test func aValueThatRotsAfterItWasReadIsNotMovedUnderAFreshChecksum() throws {
    try FileSystemKind.posix.withTestedStore { tested in
      let store = try tested.open { $0.readMode = .mapped }
      let values = try ValuesMostlyGarbage(in: store)
      #expect(try values.keyspace.entries().count == 20)
      let files = try tested.names(.values)
      let name = try #require(files.first)
      try Self.rot(values.live[2], in: name, of: tested)
      let failure = try storeFailure { try store.compact() }
      #expect(failure?.code == .corrupted && failure?.file == name)
      #expect(try tested.names(.values) == files)
      let read = try storeFailure { _ = try values.keyspace.value(for: values.liveKeys[2]) }
      #expect(read?.code == .corrupted)
      #expect(try values.keyspace.value(for: values.liveKeys[1]) == values.live[1])
      try store.close()
    }
  }

  /// What cannot be moved stays where it is; everything else is merged as ever.
  @Test(arguments: FileSystemKind.allCases)
  func aDamagedValueDoesNotKeepTheRestFromBeingCompacted(on kind: FileSystemKind) throws {
    try kind.withTestedStore { tested in
      let store = try tested.open()
      let values = try ValuesMostlyGarbage(in: store)
      let name = try #require(try tested.names(.values).first)
      try Self.rot(values.live[2], in: name, of: tested)
      #expect(try store.engine.compactOnce())
      let failures = tested.events.withLock { events in
        events.compactMap { event in
          if case .backgroundFailure(let error) = event { error } else { nil }
        }
      }
      #expect(failures.map(\.file) == [name])
      #expect(try store.engine.compactOnce() == false)
      for round in 0..<8 {
        for index in 0..<30 {
          try values.keyspace.put("value \(index)", [UInt8(round)], durability: .buffered)
        }
        try store.flush()
      }
      while try store.engine.compactOnce() {}
      #expect(store.metrics().levels[0].segments == 0)
      #expect(try values.keyspace.value(for: values.liveKeys[1]) == values.live[1])
      #expect(
        try storeFailure { _ = try values.keyspace.value(for: values.liveKeys[2]) }?.code
          == .corrupted)
      try store.close()
    }
  }
}

/// A value file of twenty values, fourteen of which were replaced before they were flushed.
struct ValuesMostlyGarbage {
  let keyspace: Keyspace
  /// The values that are left, and their keys.
  private(set) var live: [[UInt8]] = []
  private(set) var liveKeys: [String] = []

  init(in store: SegmentStore) throws {
    var policy = KeyspacePolicy()
    policy.compression = .none
    keyspace = try store.keyspace("values", policy)
    var random = SeededRandom(seed: 9)
    for index in 0..<20 {
      let value = random.bytes(4_000)
      try keyspace.put("value \(100 + index)", value, durability: .buffered)
      if index < 14 { continue }
      live.append(value)
      liveKeys.append("value \(100 + index)")
    }
    for index in 0..<14 {
      try keyspace.put("value \(100 + index)", [1], durability: .buffered)
    }
    try store.flush()
  }
}
