import Glibc
import Testing
import VarveFormat
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// Who puts what into the bucket when several come at once, or come late.
@Suite struct UploadOrderTests {
  /// Values that cannot be laid out are put as they lie.
  @Test func whatCannotBeLaidOutIsPutAllTheSame() throws {
    let machine = TieredStore()
    var sample = Sample(seed: 9)
    var options = machine.connected()
    let failures = Monitor<[StoreError]>([])
    options.onEvent = { event in
      if case .backgroundFailure(let error) = event { failures.withLock { $0.append(error) } }
    }
    let store = try machine.open(options)
    try sample.write(400, to: store)
    try store.flush()
    machine.disk.inject(Fault(.create, "values-", lasts: .forGood))
    try store.upload()
    #expect(failures.withLock { $0.map(\.code) } == [.inputOutput])
    machine.disk.clearFaults()
    let other = try machine.openElsewhere()
    #expect(try sample.difference(from: other) == nil)
    try other.close()
    try store.close()
  }

  /// While one file is sent another thread reads the next: the copies are the same, in their order, and what
  /// cannot be read is told when it is its turn.
  @Test func whatIsReadBeforeItsTurnIsTheSame() throws {
    let disk = SimulatedFileSystem()
    let directory = try disk.openDirectory(at: "/files", create: true)
    var random = SplitMix64(seed: 3)
    var files: [LocalFile] = []
    for number: UInt64 in 1...5 {
      let bytes = random.bytes(300_000)
      let local = LocalFile(
        kind: .values, number: number, id: FileID(low: 1, high: number), size: 300_000)
      let file = try directory.create(local.name.description)
      try bytes.withByteView { view throws(FileSystemError) in try file.write(view, at: 0) }
      try file.close()
      files.append(local)
    }
    func copies(hasThreads: Bool) -> [Result<BucketObject, StoreError>] {
      let ahead = CopiesAhead(files, in: directory, epoch: 7, hasThreads: hasThreads)
      defer { ahead.finish() }
      return files.map { _ in
        Result { () throws(StoreError) in try ahead.take().copy }
      }
    }
    let expected = try copies(hasThreads: false).map { try $0.get() }
    #expect(Set(expected.map(\.digest)).count == files.count)
    #expect(try copies(hasThreads: true).map { try $0.get() } == expected)
    try directory.remove(files[2].name.description)
    for hasThreads in [false, true] {
      let found = copies(hasThreads: hasThreads)
      #expect(found.map { try? $0.get() } == expected.enumerated().map { $0 == 2 ? nil : $1 })
    }
  }

  /// Its upload may be laying values out: nobody may open it before that has come to its end.
  @Test func whoeverLetsGoWaitsForWhatIsLaidOut() throws {
    let machine = TieredStore()
    let store = try machine.open()
    let engine = store.engine
    defer { withExtendedLifetime(store) {} }
    let thread = try engine.compacting.withLock { _ in
      let thread = try WorkerThread(name: "letting go") { engine.dissolve() }
      usleep(50_000)
      #expect(try storeCode { _ = try machine.open() } == .locked)
      return thread
    }
    thread.join()
    try machine.open().close()
  }

  /// Nor is anything laid out while compaction rests.
  @Test func whatRestsIsNotLaidOut() throws {
    let machine = TieredStore()
    var sample = Sample(seed: 9)
    let store = try machine.open()
    store.pauseCompaction()
    try sample.write(400, to: store)
    try store.flush()
    let before = machine.disk.sealedFiles.sorted()
    try store.upload()
    #expect(machine.disk.sealedFiles.sorted() == before)
    store.resumeCompaction()
    try store.close()
  }

  /// Whoever waits for another's upload puts what is there when it is his turn: the version of his coming may be
  /// an earlier one than what the other puts.
  @Test func aVersionIsTakenWhenItIsItsTurn() throws {
    let machine = TieredStore()
    let store = try machine.open()
    let keyspace = try store.keyspace("sample")
    try keyspace.put("first", [1])
    try store.flush()
    let bucket = try #require(store.engine.bucket)
    let thread = try bucket.state.withLock { _ in
      let thread = try WorkerThread(name: "uploading") {
        _ = try? bucket.upload(checks: false, { store.engine.versions.current }, { _ in })
      }
      usleep(50_000)
      try keyspace.put("second", [2])
      try store.flush()
      return thread
    }
    thread.join()
    let other = try machine.openElsewhere()
    #expect(try other.keyspace("sample").value(for: "second") == [2])
    try other.close()
    try store.close()
  }

  @Test func manyUploadAtOnceAndTheNewestStays() throws {
    let machine = TieredStore()
    let store = try machine.open()
    let keyspace = try store.keyspace("sample")
    let threads = try (0..<4).map { thread in
      try WorkerThread(name: "uploading \(thread)") {
        for number in 0..<20 {
          try? keyspace.put("\(thread)", [UInt8(number)])
          _ = try? store.upload()
        }
      }
    }
    for thread in threads { thread.join() }
    let other = try machine.openElsewhere()
    for thread in 0..<4 {
      #expect(try other.keyspace("sample").value(for: "\(thread)") == [19])
    }
    try other.close()
    try store.close()
  }

  /// What a directory as the bucket does not tell of its time is asked for.
  @Test func garbageInADirectoryIsCollected() throws {
    try withTemporaryDirectory { path in
      let machine = TieredStore()
      var options = machine.options
      options.bucket = BucketOptions(try DirectoryObjectStore(path: path))
      options.bucket?.uploadInterval = nil
      var sample = Sample(seed: 1)
      for isFirst in [true, false] {
        let store = try machine.open(options)
        try sample.write(200, to: store)
        try store.compact()
        try store.upload()
        // Also what the opening before left behind.
        if !isFirst { #expect(try store.collectBucket(grace: 0).files > 0) }
        try store.close()
      }
      let store = try machine.open(options)
      let objects = try DirectoryObjectStore(path: path)
      let there = try objects.list("file/", after: nil, limit: 1_000).entries.count
      #expect(try store.bucketStatus().stored.files == there)
      #expect(try store.scrubBucket().isSound)
      try store.close()
    }
  }

  /// A copy of a store that never had a bucket stays what it is where its bucket is another's.
  @Test func whoCannotBeAttachedGoesOnWithout() throws {
    let machine = TieredStore()
    var store = try machine.open(machine.options)
    try store.keyspace("sample").put("key", [1])
    try store.close()
    let copy = machine.disk.killImage()
    store = try machine.open()
    try store.upload()
    try store.close()
    #expect(try storeCode { _ = try machine.open(on: copy) } == .fenced)
    let alone = try machine.open(machine.options, on: copy)
    try alone.keyspace("sample").put("key", [2])
    try alone.close()
  }
}
