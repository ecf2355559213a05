import Testing
import VarveFormat
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@Suite struct BucketWriterTests {
  private static let store = Manifest(storeID: FileID(low: 1, high: 2))

  private static func made(
    _ objects: any ObjectStore, seed: UInt64 = 1
  ) throws(BucketError) -> BucketWriter {
    let claim = BucketClaim(objects, random: SimulatedRandom(seed: seed))
    return try claim.make(for: store, created: 5, as: claim.makeID())
  }

  private static func claimed(
    _ objects: any ObjectStore, seed: UInt64, after predecessor: BucketClaim.Predecessor = .anybody
  ) throws(BucketError) -> BucketWriter {
    let claim = BucketClaim(objects, random: SimulatedRandom(seed: seed))
    return try claim.run(as: claim.makeID(), after: predecessor)
  }

  /// The version after that of `writer`, without files.
  private static func next(_ writer: BucketWriter) -> Manifest {
    var version = writer.head.manifest.version
    version.number += 1
    return version
  }

  private static func code(_ body: () throws -> Void) -> String? {
    do {
      try body()
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test func aStoreIsMadeClaimedAndCommittedInADirectory() throws {
    try withTemporaryDirectory { path in
      let objects = try DirectoryObjectStore(path: path)
      try BucketClaim(objects, random: SystemRandom()).probe()
      let first = try Self.made(objects)
      try first.commit(Self.next(first), [])
      let second = try Self.claimed(objects, seed: 2)
      #expect(second.epoch == 2 && second.head.manifest.number == 3)
      #expect(second.head.manifest.version.number == 2)
      try second.commit(Self.next(second), [])
      #expect(try BucketReader(objects).head() == second.head)
      #expect(try BucketReader(objects).identity()?.created == 5)
    }
  }

  @Test func whoeverTakesOverFencesTheOther() throws {
    let bucket = SimulatedBucket()
    let first = try Self.made(bucket.connect())
    let second = try Self.claimed(bucket.connect(), seed: 2)
    #expect(Self.code { try first.commit(Self.next(first), []) } == "\(BucketError.fenced)")
    #expect(first.isFenced)
    #expect(Self.code { try first.commit(Self.next(first), []) } == "\(BucketError.fenced)")
    try second.commit(Self.next(second), [])
  }

  @Test func whoWasTakenOverFromMayNotClaimByItself() throws {
    let bucket = SimulatedBucket()
    let first = try Self.made(bucket.connect())
    let again = try Self.claimed(bucket.connect(), seed: 2, after: .oneOf([first.id]))
    _ = try Self.claimed(bucket.connect(), seed: 3)
    #expect(
      Self.code { _ = try Self.claimed(bucket.connect(), seed: 4, after: .oneOf([again.id])) }
        == "\(BucketError.fenced)")
  }

  /// Whatever happens to the put of a manifest, the commit is there once, and the writer knows.
  @Test(arguments: [ObjectFault.refused, .answerLost, .requestLost, .late])
  func anAnswerThatIsLostIsFoundOut(_ fault: ObjectFault) throws {
    let bucket = SimulatedBucket()
    let connection = bucket.connect()
    let writer = try Self.made(connection)
    let struck = Monitor(false)
    connection.setFaults { _, kind, _ in
      guard kind == .put else { return nil }
      return struck.withLock { isStruck in
        defer { isStruck = true }
        return isStruck ? nil : fault
      }
    }
    let version = Self.next(writer)
    if Self.code({ try writer.commit(version, []) }) != nil { try writer.commit(version, []) }
    while bucket.hasLateRequests { bucket.deliverLateRequest() }
    try writer.commit(Self.next(writer), [])
    #expect(try BucketReader(connection).head() == writer.head)
  }

  @Test func aCommitWhoseOutcomeIsNotKnownGoesFirst() throws {
    let bucket = SimulatedBucket()
    let connection = bucket.connect()
    let writer = try Self.made(connection)
    connection.setFaults { _, kind, _ in kind == .put ? .late : nil }
    let lost = Self.next(writer)
    #expect(Self.code { try writer.commit(lost, []) } != nil)
    connection.setFaults { _, _, _ in nil }
    var next = lost
    next.number += 1
    try writer.commit(next, [])
    while bucket.hasLateRequests { bucket.deliverLateRequest() }
    #expect(writer.head.manifest.number == 3)
    #expect(try BucketReader(connection).manifest(2)?.manifest.version.number == lost.number)
    #expect(try BucketReader(connection).head()?.manifest.version == next)
  }

  /// What stands behind the newest version that is known may be one's own.
  @Test func anUncertainCommitFencesNobody() throws {
    let bucket = SimulatedBucket()
    let connection = bucket.connect()
    let writer = try Self.made(connection)
    connection.setFaults { _, kind, _ in kind == .put ? .answerLost : .requestLost }
    #expect(Self.code { try writer.commit(Self.next(writer), []) } != nil)
    connection.setFaults { _, _, _ in nil }
    try writer.checkHead()
    #expect(!writer.isFenced)
    #expect(try BucketReader(connection).head() == writer.head)
  }

  /// Whoever knows what was confirmed puts it back, and goes on from there.
  @Test(arguments: ["damaged", "gone", "too large"], ["manifest", "store"])
  func whatLeadsToTheNewestVersionIsPutBack(_ how: String, _ what: String) throws {
    let bucket = SimulatedBucket()
    let writer = try Self.made(bucket.connect())
    try writer.commit(Self.next(writer), [])
    let known = writer.head.manifest
    let name = what == "store" ? BucketLayout.store : BucketLayout.manifest(known.number)
    let before = try #require(bucket.bytes(of: name))
    var bytes: [UInt8]? = before
    bytes?[50] ^= 1
    if how == "too large" { bytes = before + [UInt8](repeating: 0, count: 70_000) }
    bucket.tamper(name, with: how == "gone" ? nil : bytes)
    let claim = BucketClaim(bucket.connect(), random: SimulatedRandom(seed: 2))
    if how != "gone" || what == "store" {
      #expect(throws: BucketError.self) { try claim.run(as: claim.makeID(), after: .anybody) }
    }
    let next = try claim.run(
      as: claim.makeID(), of: Self.store.storeID, after: .oneOf([writer.id]), knowing: known)
    #expect(next.head.manifest.number == known.number + 1)
    #expect(next.head.manifest.predecessorDigest == writer.head.digest)
    if what == "manifest" { #expect(bucket.bytes(of: name) == before) }
    #expect(try BucketReader(bucket.connect()).identity()?.storeID == Self.store.storeID)
    try next.commit(Self.next(next), [])
  }

  /// A place that was emptied, or is another one, is not filled with what lay elsewhere.
  @Test func anEmptyBucketIsNotMended() throws {
    let writer = try Self.made(SimulatedBucket().connect())
    let other = SimulatedBucket()
    let claim = BucketClaim(other.connect(), random: SimulatedRandom(seed: 2))
    #expect(
      Self.code {
        _ = try claim.run(
          as: claim.makeID(), after: .oneOf([writer.id]), knowing: writer.head.manifest)
      } == "\(BucketError.noStore)")
    #expect(other.names.isEmpty)
  }

  /// Where another wrote since, what one knows is of the past.
  @Test func whatIsKnownDoesNotUndoWhatFollowed() throws {
    let bucket = SimulatedBucket()
    let first = try Self.made(bucket.connect())
    let known = first.head.manifest
    let second = try Self.claimed(bucket.connect(), seed: 2)
    try second.commit(Self.next(second), [])
    bucket.tamper(BucketLayout.manifest(known.number), with: nil)
    let claim = BucketClaim(bucket.connect(), random: SimulatedRandom(seed: 3))
    #expect(
      Self.code {
        _ = try claim.run(as: claim.makeID(), after: .oneOf([first.id]), knowing: known)
      } == "\(BucketError.fenced)")
    #expect(try BucketReader(bucket.connect()).head() == second.head)
    #expect(bucket.bytes(of: BucketLayout.manifest(known.number)) == nil)
  }

  @Test func aBucketThatIgnoresConditionsIsRefused() throws {
    let bucket = SimulatedBucket()
    bucket.ignoreConditions()
    let claim = BucketClaim(bucket.connect(), random: SimulatedRandom(seed: 1))
    let said = Self.code { try claim.probe() }
    #expect(said?.contains("conditional writes") == true)
    #expect(bucket.names.isEmpty)
  }

  @Test func anotherStoresBucketIsRefused() throws {
    let bucket = SimulatedBucket()
    _ = try Self.made(bucket.connect())
    let claim = BucketClaim(bucket.connect(), random: SimulatedRandom(seed: 2))
    let other = Manifest(storeID: FileID(low: 9, high: 9))
    #expect(
      Self.code {
        _ = try claim.make(for: other, created: 1, as: claim.makeID())
      } == "\(BucketError.otherStore)")
    #expect(
      Self.code {
        _ = try claim.run(as: claim.makeID(), of: other.storeID, after: .anybody)
      } == "\(BucketError.otherStore)")
  }

  @Test func aDamagedManifestIsNamed() throws {
    let bucket = SimulatedBucket()
    let writer = try Self.made(bucket.connect())
    try writer.commit(Self.next(writer), [])
    let name = BucketLayout.manifest(2)
    var bytes = try #require(bucket.bytes(of: name))
    bytes[100] ^= 1
    bucket.tamper(name, with: bytes)
    let said = Self.code { _ = try Self.claimed(bucket.connect(), seed: 2) }
    #expect(said?.contains(name.description) == true && said?.contains("checksum") == true)
  }

  /// However long it has been there: a reader who just found it may be about to pin it.
  @Test func whatWasTheNewestAMomentAgoStays() throws {
    let bucket = SimulatedBucket()
    let writer = try Self.made(bucket.connect())
    // What lies beside the manifests does not follow them.
    let beside = try #require(ObjectName("\(BucketLayout.manifest(1)).bak"))
    _ = try bucket.connect().put(beside, ObjectContent([1]), if: .always, class: nil)
    bucket.clock.advance(milliseconds: 7_200_000)
    for _ in 0..<3 { try writer.commit(Self.next(writer), [], removed: []) }
    var collector = BucketCollector(for: writer)
    collector.keptManifests = 1
    let newest = writer.head.manifest.number
    #expect(try collector.plan().manifests == Array(1..<newest - 3))
    bucket.clock.advance(milliseconds: 7_200_000)
    #expect(try collector.plan().manifests == Array(1..<newest))
  }

  @Test func whatAProbeLeftGoes() throws {
    let bucket = SimulatedBucket()
    let dying = bucket.connect()
    dying.setFaults { _, kind, _ in kind == .remove ? .diesBefore : nil }
    #expect(throws: BucketError.self) {
      try BucketClaim(dying, random: SimulatedRandom(seed: 1)).probe()
    }
    let writer = try Self.made(bucket.connect())
    // Nor is anything taken for what a probe left that is none of ours.
    let strange = try #require(ObjectName("probe/notes"))
    _ = try bucket.connect().put(strange, ObjectContent([1]), if: .always, class: nil)
    let collector = BucketCollector(for: writer)
    #expect(try collector.plan().orphans.isEmpty)
    bucket.clock.advance(milliseconds: 2 * 86_400_000)
    let plan = try collector.plan()
    #expect(plan.orphans.count == 1)
    try collector.remove(plan)
    #expect(bucket.names.filter { $0.description.hasPrefix("probe/") } == [strange])
  }

  /// What somebody laid beside the manifests is none.
  @Test func whatLiesBesideTheManifestsFencesNobody() throws {
    let bucket = SimulatedBucket()
    let connection = bucket.connect()
    let writer = try Self.made(connection)
    let behind = BucketLayout.manifest(writer.head.manifest.number).description
    for text in [behind + ".bak"] + (10..<40).map({ "\(behind).copy-\($0)" }) + ["manifest/readme"]
    {
      let name = try #require(ObjectName(text))
      _ = try connection.put(name, ObjectContent([1]), if: .always, class: nil)
    }
    try writer.checkHead()
    try writer.commit(Self.next(writer), [], removed: [])
    let other = try Self.claimed(connection, seed: 2)
    try other.checkHead()
    #expect(Self.code { try writer.checkHead() } == "\(BucketError.fenced)")
  }

  @Test func aWriterAtRestAsksNothing() throws {
    let bucket = SimulatedBucket()
    let writer = try Self.made(bucket.connect())
    bucket.forgetCalls()
    try writer.commit(Self.next(writer), [])
    // One put, and the look behind it.
    #expect(bucket.calls.map(\.kind) == [.put, .list])
  }
}
