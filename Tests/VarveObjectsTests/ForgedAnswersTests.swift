import Testing
import VarveFormat
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// Servers that make up what would keep a store at work for ever, or let it write what nobody can read.
@Suite struct ForgedAnswersTests {
  /// A bucket with a store that puts logs, and who claims it next.
  private static func bucket(
    changing change: (inout BucketManifest) -> Void = { _ in }
  ) throws -> (SimulatedBucket, BucketClaim) {
    let bucket = SimulatedBucket()
    let claim = BucketClaim(bucket.connect(), random: SimulatedRandom(seed: 1))
    let store = Manifest(storeID: FileID(low: 1, high: 2))
    let writer = try claim.make(for: store, created: 5, as: claim.makeID())
    writer.beginLogs()
    var version = writer.head.manifest.version
    version.number += 1
    try writer.commit(version, [])
    var head = writer.head.manifest
    change(&head)
    bucket.place(head.encoded(), as: BucketLayout.manifest(head.number))
    return (bucket, BucketClaim(bucket.connect(), random: SimulatedRandom(seed: 2)))
  }

  private static func isRefused(_ body: () throws(BucketError) -> Void) -> Bool {
    do throws(BucketError) { try body() } catch {
      if case .damaged(let error, _) = error, case .limit = error.fault { return true }
    }
    return false
  }

  @Test func aListingWithoutEndIsRefused() {
    let asked = Monitor(0)
    let objects = PassingObjectStore(
      SimulatedBucket().connect(),
      listing: { prefix in
        let page = asked.withLock { asked in
          asked += 1
          return asked
        }
        // Where it is believed, not for ever.
        let end = page % 100_000 == 0 ? nil : "\(prefix)\(page)"
        return ObjectListing(entries: [], end: end, serverTime: nil)
      })
    let reader = BucketReader(objects)
    #expect(Self.isRefused { () throws(BucketError) in _ = try reader.entries("file/") })
    #expect(Self.isRefused { () throws(BucketError) in _ = try reader.isFollowed(3) })
    #expect(asked.withLock { $0 } < 40_000)
  }

  @Test func logsThatAreMadeUpForWhoeverEndsThemAreNotFollowedForEver() throws {
    let (bucket, _) = try Self.bucket()
    let forged = Monitor(0)
    let objects = PassingObjectStore(
      bucket.connect(),
      beforePut: { name in
        guard let number = BucketLayout.logNumber(name) else { return }
        let count = forged.withLock { forged in
          forged += 1
          return forged
        }
        guard count < 30_000 else { return }
        let log = BucketLog(
          storeID: FileID(low: 1, high: 2), number: number, epoch: 1,
          writer: FileID(low: 9, high: 9),
          nonce: FileID(low: 8, high: 8), batches: [])
        bucket.place(log.encoded(), as: name)
      })
    let claim = BucketClaim(objects, random: SimulatedRandom(seed: 3))
    #expect(
      Self.isRefused { () throws(BucketError) in
        _ = try claim.run(as: claim.makeID(), after: .anybody)
      })
    #expect(forged.withLock { $0 } < 20_000)
  }

  /// Whoever restores could not read it.
  @Test func behindAForgedFloorNoLogIsConfirmedThatNobodyCanRead() throws {
    let (bucket, claim) = try Self.bucket { $0.logFloor = Limits.fileNumber }
    let writer = try claim.run(as: claim.makeID(), after: .anybody)
    var encoder = BatchEncoder()
    try [1].withByteView { try encoder.put($0, in: 1, $0) }
    let batch = BucketLog.Batch(
      first: SequenceNumber(1), count: 1, payload: encoder.withPayload { $0.array })
    #expect(Self.isRefused { () throws(BucketError) in try writer.put([batch]) })
    let names = bucket.names.compactMap(BucketLayout.logNumber)
    #expect(names.allSatisfy { $0 <= Limits.fileNumber } && !names.isEmpty)
  }
}
