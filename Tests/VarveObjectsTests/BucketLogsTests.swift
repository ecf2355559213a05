import Testing
import VarveFormat
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// Logs behind the newest version: whoever takes over has all that were confirmed, and no other follows.
@Suite struct BucketLogsTests {
  private static func claim(
    _ bucket: SimulatedBucket, seed: UInt64, _ connection: SimulatedObjectStore? = nil
  ) throws(BucketError) -> BucketWriter {
    let claim = BucketClaim(
      connection ?? bucket.connect(), random: SimulatedRandom(seed: seed))
    return try claim.run(as: claim.makeID(), after: .anybody)
  }

  /// A writer who may put logs.
  private static func writer(
    _ bucket: SimulatedBucket, _ connection: SimulatedObjectStore? = nil
  ) throws(BucketError) -> BucketWriter {
    let objects = connection ?? bucket.connect()
    let claim = BucketClaim(objects, random: SimulatedRandom(seed: 1))
    let store = Manifest(storeID: FileID(low: 1, high: 2))
    let writer = try claim.make(for: store, created: 5, as: claim.makeID())
    writer.beginLogs()
    try commit(writer, through: 0)
    return writer
  }

  private static func commit(
    _ writer: BucketWriter, through sequence: UInt64
  ) throws(BucketError) {
    var version = writer.head.manifest.version
    version.number += 1
    version.lastSequence = SequenceNumber(sequence)
    try writer.commit(version, [])
  }

  /// A batch of one entry.
  private static func batch(_ sequence: UInt64) -> BucketLog.Batch {
    var encoder = BatchEncoder()
    try? [UInt8(truncatingIfNeeded: sequence)].withByteView { key throws(FormatError) in
      try encoder.put(key, in: 1, key)
    }
    return BucketLog.Batch(
      first: SequenceNumber(sequence), count: 1, payload: encoder.withPayload { $0.array })
  }

  /// What whoever restores finds behind the newest version.
  private static func found(_ bucket: SimulatedBucket) throws(BucketError) -> [UInt64] {
    let reader = BucketReader(bucket.connect())
    guard let head = try reader.head()?.manifest else { return [] }
    var found: [UInt64] = []
    var number = head.logFloor
    while let log = try reader.log(number) {
      found += log.batches.map(\.first.rawValue)
      number += 1
    }
    return found
  }

  private static func error(_ body: () throws -> Void) -> String? {
    do {
      try body()
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test func whoeverTakesOverHasWhatWasConfirmedAndFencesTheRest() throws {
    let bucket = SimulatedBucket()
    let first = try Self.writer(bucket)
    try first.put([Self.batch(1), Self.batch(2)])
    try first.put([Self.batch(3)])
    let second = try Self.claim(bucket, seed: 2)
    #expect(Self.error { try first.put([Self.batch(4)]) } == "\(BucketError.fenced)")
    #expect(first.isFenced)
    try second.put([Self.batch(4), Self.batch(5)])
    #expect(try Self.found(bucket) == [1, 2, 3, 4, 5])
  }

  @Test func aVersionLeavesBehindWhatItHas() throws {
    let bucket = SimulatedBucket()
    let writer = try Self.writer(bucket)
    for sequence in 1...6 { try writer.put([Self.batch(UInt64(sequence))]) }
    try Self.commit(writer, through: 4)
    #expect(writer.head.manifest.logFloor == 5)
    #expect(try Self.found(bucket) == [5, 6])
    try Self.commit(writer, through: 6)
    #expect(writer.head.manifest.logFloor == 7)
    try writer.put([Self.batch(7)])
    #expect(try Self.found(bucket) == [7])
  }

  /// Whatever happens to a request, a log that was confirmed is there once.
  @Test(arguments: [ObjectFault.refused, .answerLost, .requestLost, .late])
  func anAnswerThatIsLostIsFoundOut(_ fault: ObjectFault) throws {
    for strike in 0..<12 {
      let bucket = SimulatedBucket()
      let connection = bucket.connect()
      let writer = try Self.writer(bucket, connection)
      let begin = connection.callCount
      connection.setFaults { index, _, _ in index == begin + strike ? fault : nil }
      var batches: [BucketLog.Batch] = []
      for sequence in 1...4 {
        batches.append(Self.batch(UInt64(sequence)))
        // Who could not put them comes again with more.
        if Self.error({ try writer.put(batches) }) == nil { batches = [] }
      }
      if !batches.isEmpty { try writer.put(batches) }
      while bucket.hasLateRequests { bucket.deliverLateRequest() }
      #expect(try Self.found(bucket) == [1, 2, 3, 4], "\(fault) \(strike)")
      #expect(!writer.isFenced)
    }
  }

  /// A log on its way when another takes over: either that one has it, or it comes to nothing.
  @Test func aLogThatComesLateIsHadOrRefused() throws {
    for isBefore in [true, false] {
      let bucket = SimulatedBucket()
      let connection = bucket.connect()
      let first = try Self.writer(bucket, connection)
      try first.put([Self.batch(1)])
      connection.setFaults { _, kind, _ in kind == .put ? .late : nil }
      #expect(Self.error { try first.put([Self.batch(2)]) } != nil)
      connection.setFaults { _, _, _ in nil }
      if isBefore { while bucket.hasLateRequests { bucket.deliverLateRequest() } }
      let second = try Self.claim(bucket, seed: 2)
      while bucket.hasLateRequests { bucket.deliverLateRequest() }
      #expect(try Self.found(bucket) == (isBefore ? [1, 2] : [1]))
      let last: UInt64 = isBefore ? 3 : 2
      try second.put([Self.batch(last)])
      #expect(try Self.found(bucket) == Array(1...last))
      let said = Self.error { try first.put([Self.batch(2), Self.batch(3)]) }
      #expect(said == "\(BucketError.fenced)")
    }
  }

  /// One that sleeps until the log that fenced it was collected wakes up fenced all the same.
  @Test func whoSleptIsFencedThoughTheFenceIsGone() throws {
    let bucket = SimulatedBucket()
    let first = try Self.writer(bucket)
    try first.put([Self.batch(1)])
    let second = try Self.claim(bucket, seed: 2)
    try Self.commit(second, through: 1)
    bucket.clock.advance(milliseconds: 7_200_000)
    let collector = BucketCollector(for: second)
    let plan = try collector.plan()
    #expect(plan.logs == [1, 2])
    try collector.remove(plan)
    #expect(Self.error { try first.put([Self.batch(2)]) } == "\(BucketError.fenced)")
    try second.put([Self.batch(2)])
    #expect(try Self.found(bucket) == [2])
  }

  @Test func logsThatAreNeededStay() throws {
    let bucket = SimulatedBucket()
    let writer = try Self.writer(bucket)
    for sequence in 1...3 { try writer.put([Self.batch(UInt64(sequence))]) }
    try Self.commit(writer, through: 2)
    var collector = BucketCollector(for: writer)
    collector.grace = 0
    // However short the grace, a log stays for a while.
    #expect(try collector.plan().logs.isEmpty)
    bucket.clock.advance(milliseconds: 600_000)
    #expect(try collector.plan().logs == [1, 2])
  }
}
