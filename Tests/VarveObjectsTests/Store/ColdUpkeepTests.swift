import Testing
import Varve
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@Suite struct ColdUpkeepTests {
  /// A store whose files all lie in the bucket and nowhere else.
  private static func coldStore(
    _ machine: TieredStore, seed: UInt64
  ) throws -> (SegmentStore, Sample) {
    var sample = Sample(seed: seed)
    let store = try machine.open()
    try sample.write(400, to: store)
    try store.upload()
    try store.evict()
    return (store, sample)
  }

  private static func files(_ machine: TieredStore) -> [ObjectName] {
    machine.bucket.names.filter { $0.description.hasPrefix("file/") }
  }

  @Test func whatIsColdComesBack() throws {
    let machine = TieredStore()
    let (store, sample) = try Self.coldStore(machine, seed: 1)
    let cold = try store.bucketStatus().cold
    #expect(cold.files > 1)
    #expect(try store.prefetch() == cold.bytes)
    #expect(try store.bucketStatus().cold.files == 0)
    machine.bucket.forgetCalls()
    #expect(try sample.difference(from: store) == nil)
    #expect(machine.bucket.calls.isEmpty)
    try store.close()
    #expect(try StoreVerifier(at: "/store", on: machine.disk).run(.deep).isSound)
  }

  @Test func aDamagedCopyDoesNotComeBack() throws {
    let machine = TieredStore()
    let (store, _) = try Self.coldStore(machine, seed: 2)
    for name in Self.files(machine) {
      var bytes = try #require(machine.bucket.bytes(of: name))
      bytes[bytes.count / 2] ^= 1
      machine.bucket.tamper(name, with: bytes)
    }
    do throws(StoreError) {
      try store.prefetch()
      Issue.record("it came")
    } catch {
      #expect(error.code == .corrupted && error.message.contains("damaged"), "\(error)")
    }
    #expect(try store.bucketStatus().local.files == 0)
    try store.close()
  }

  /// Neither the first file nor one in the middle keeps the others away.
  @Test(arguments: [ObjectStoreError.Code.damaged, .absent, .archived])
  func oneBadCopyKeepsNoOtherAway(_ code: ObjectStoreError.Code) throws {
    for place in 0..<2 {
      let machine = TieredStore()
      let (store, _) = try Self.coldStore(machine, seed: 8)
      let cold = try store.bucketStatus().cold
      // By number, which begins behind the folder and the epoch.
      let files = Self.files(machine).sorted {
        $0.description.dropFirst(25) > $1.description.dropFirst(25)
      }
      #expect(files.count == cold.files && files.count > 1)
      try Self.spoil(files[place], code, machine)
      do throws(StoreError) {
        try store.prefetch()
        Issue.record("it came")
      } catch {
        #expect(error.code == (code == .archived ? .archived : .corrupted), "\(error)")
        #expect(error.message.contains(files[place].description), "\(error)")
      }
      #expect(try store.bucketStatus().cold.files == 1)
      #expect(try store.bucketStatus().local.files == files.count - 1)
      try store.close()
    }
  }

  private static func spoil(
    _ name: ObjectName, _ code: ObjectStoreError.Code, _ machine: TieredStore
  ) throws {
    var bytes = try #require(machine.bucket.bytes(of: name))
    bytes[bytes.count / 2] ^= 1
    switch code {
    case .archived:
      try machine.bucket.connect().copy(name, to: name, class: StorageClass("GLACIER"))
    default: machine.bucket.tamper(name, with: code == .absent ? nil : bytes)
    }
  }

  @Test func theVerifierTellsWhatItCouldNotSee() throws {
    let machine = TieredStore()
    let (store, _) = try Self.coldStore(machine, seed: 3)
    let count = try store.bucketStatus().cold.files
    try store.close()
    var notices = 0
    let blind = try StoreVerifier(at: "/store", on: machine.disk).run(.deep) { finding in
      if finding.message.contains("only in the bucket") { notices += 1 }
    }
    #expect(blind.isSound && notices == count && blind.onlyInBucket == count)
    let connection = machine.bucket.connect()
    let seeing = try StoreVerifier(at: "/store", bucket: connection, on: machine.disk).run(.deep)
    #expect(seeing.isSound && seeing.notices == 0 && seeing.entries > 100)
    #expect(seeing.onlyInBucket == 0)
  }

  /// Where what the store knows of its bucket is damaged, nobody says what lies only there: no other file is.
  @Test(arguments: [false, true]) func damageOfTheTieIsNoDamageOfColdFiles(isSeeing: Bool) throws {
    let machine = TieredStore()
    let (store, _) = try Self.coldStore(machine, seed: 3)
    let count = try store.bucketStatus().cold.files
    try store.close()
    try machine.disk.flip(mask: 1, at: 100, of: "/store/bucket")
    var damaged: Set<String> = []
    let connection = isSeeing ? machine.bucket.connect() : nil
    let report = try StoreVerifier(at: "/store", bucket: connection, on: machine.disk).run(.deep) {
      if $0.severity == .damage { damaged.insert($0.file) }
    }
    #expect(damaged == ["bucket"] && report.onlyInBucket == count)
  }

  /// Not one for each part of it that was looked for.
  @Test func aCopyThatIsMissingOrCutIsOneFinding() throws {
    let machine = TieredStore()
    let (store, _) = try Self.coldStore(machine, seed: 3)
    try store.close()
    let files = Self.files(machine)
    for name in files {
      let bytes = try #require(machine.bucket.bytes(of: name))
      machine.bucket.tamper(name, with: Array(bytes.dropLast()))
      try Self.expectFindings(of: [name], machine)
      machine.bucket.tamper(name, with: bytes)
    }
    for count in 1...files.count {
      machine.bucket.tamper(files[count - 1], with: nil)
      try Self.expectFindings(of: Array(files[..<count]), machine)
    }
  }

  private static func expectFindings(of names: [ObjectName], _ machine: TieredStore) throws {
    for depth in [IntegrityDepth.fast, .deep] {
      var messages: [String] = []
      let verifier = try StoreVerifier(
        at: "/store", bucket: machine.bucket.connect(), on: machine.disk)
      let report = try verifier.run(depth) { messages.append($0.message) }
      #expect(report.damage == names.count && messages.count == names.count, "\(messages)")
      for name in names {
        #expect(messages.contains { $0.contains(name.description) }, "\(name): \(messages)")
      }
    }
  }

  @Test func garbageGoesWhenItsGraceIsOver() throws {
    let machine = TieredStore()
    var (store, sample) = try Self.coldStore(machine, seed: 4)
    let before = Set(Self.files(machine))
    try sample.write(400, to: store)
    try store.compact()
    try store.upload()
    // Whether the grace has begun is known from the next commit on.
    try sample.write(10, to: store)
    try store.upload()
    let planned = try store.collectBucket(isDry: true)
    #expect(planned.files == 0)
    machine.bucket.clock.advance(milliseconds: 2 * 3_600_000)
    #expect(try store.collectBucket(isDry: true).files > 0)
    #expect(before.isSubset(of: Self.files(machine)))
    try store.collectBucket()
    #expect(before.isDisjoint(with: Self.files(machine)))
    #expect(try sample.difference(from: store) == nil)
    try store.close()
    let elsewhere = try machine.openElsewhere()
    #expect(try sample.difference(from: elsewhere) == nil)
    try elsewhere.close()
  }

  @Test func whatACheckpointOrAReaderNeedsStays() throws {
    let machine = TieredStore()
    var (store, sample) = try Self.coldStore(machine, seed: 5)
    try store.makeCheckpoint("before")
    let kept = Set(Self.files(machine))
    try sample.write(400, to: store)
    try store.compact()
    try store.upload()
    // A reader of an old version, whose files have left the machine since.
    var cursor = try store.keyspace("sample").cursor()
    _ = try cursor.next()
    let expected = sample.expected
    let second = Set(Self.files(machine)).subtracting(kept)
    try sample.write(400, to: store)
    try store.compact()
    try store.upload()
    try store.evict()
    machine.bucket.clock.advance(milliseconds: 2 * 3_600_000)
    try sample.write(10, to: store)
    try store.upload()
    try store.collectBucket()
    #expect(kept.union(second).isSubset(of: Self.files(machine)))
    var seen = 0
    while try cursor.next() { seen += 1 }
    #expect(seen >= expected.count - 1)
    // Neither is needed any more.
    cursor = try store.keyspace("sample").cursor()
    try store.removeCheckpoint("before")
    try store.flush()
    try store.collectBucket()
    #expect(kept.union(second).isDisjoint(with: Self.files(machine)))
    #expect(try sample.difference(from: store) == nil)
    try store.close()
  }

  /// The other machine commits while this one is restored: nothing it had confirmed is lost.
  @Test func whatIsCommittedDuringARestoreIsNotLost() throws {
    let machine = TieredStore()
    let (other, _) = try Self.coldStore(machine, seed: 6)
    var confirmed = 0
    let connection = machine.bucket.connect()
    let turn = Monitor(0)
    let late = Monitor<[String]>([])
    connection.setBeforeEachCall { _, _ in
      let number = turn.withLock { number in
        number += 1
        return number
      }
      guard number <= 6 else { return }
      // Between any two requests of the one that takes over.
      let isWritten = (try? other.keyspace("sample").put("late-\(number)", "1")) != nil
      if isWritten, (try? other.upload()) != nil { late.withLock { $0.append("late-\(number)") } }
    }
    let store = try machine.openElsewhere(on: SimulatedFileSystem(), machine.connected(connection))
    for key in late.withLock({ $0 }) {
      #expect(try store.keyspace("sample").value(for: key) != nil, "\(key) was confirmed")
      confirmed += 1
    }
    #expect(confirmed > 0)
    try store.keyspace("sample").put("after", "2")
    try store.upload()
    try store.close()
    try other.close()
  }

  /// A reader of an old version comes to a file for the first time when it has left the machine, and then
  /// the newest version.
  @Test func aFileIsThereForWhoeverComesLate() throws {
    let machine = TieredStore()
    var sample = Sample(seed: 7)
    var store = try machine.open()
    try sample.write(450, to: store)
    try store.close()
    store = try machine.open()
    let expected = sample.expected
    // Has looked at nothing yet.
    var cursor = try store.keyspace("sample").cursor()
    try store.upload()
    try store.evict()
    try sample.write(450, to: store)
    try store.compact()
    try store.upload()
    var seen = 0
    while try cursor.next() { seen += 1 }
    #expect(seen == expected.count)
    try store.close()
  }
}
