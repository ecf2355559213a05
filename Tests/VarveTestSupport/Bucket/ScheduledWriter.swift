import VarveFormat
import VarveObjects
import VarvePlatform
import VarveSimulation

/// A machine that takes over, commits, collects, and is taken over from, stalls or dies.
final class ScheduledWriter {
  private let schedule: BucketSchedule
  private let number: Int
  private var random: SplitMix64
  private let source: SimulatedRandom

  init(_ schedule: BucketSchedule, _ number: Int) {
    self.schedule = schedule
    self.number = number
    random = SplitMix64(seed: schedule.seed &* 31 &+ UInt64(number) &+ 1)
    source = SimulatedRandom(seed: random.next())
  }

  func run() {
    for _ in 0..<schedule.options.rounds {
      let connection = connect()
      guard let writer = claim(connection) else { continue }
      for _ in 0..<1 + random.below(6) {
        if random.oneIn(8) { schedule.turns.stall(number, turns: 10 + random.below(60)) }
        guard commit(writer, connection) else { break }
      }
    }
  }

  private func connect() -> any ObjectStore {
    let connection = schedule.bucket.connect()
    let faults = Monitor(SplitMix64(seed: random.next()))
    connection.setFaults { _, _, _ in
      faults.withLock { random in
        switch random.below(100) {
        case 0..<3: .refused
        case 3..<7: .answerLost
        case 7..<10: .requestLost
        case 10..<14: .late
        case 14: random.oneIn(2) ? .diesBefore : .diesAfter
        default: nil
        }
      }
    }
    let (turns, number) = (schedule.turns, number)
    connection.setBeforeEachCall { [weak schedule] _, _ in
      turns.pass(number)
      schedule?.look()
    }
    guard let bug = schedule.options.bug else { return connection }
    return BuggyObjectStore(connection, bug)
  }

  private func claim(_ connection: any ObjectStore) -> BucketWriter? {
    let claim = BucketClaim(connection, random: source)
    for _ in 0..<6 {
      do throws(BucketError) {
        if random.oneIn(8), let writer = try goBack(connection, claim) { return writer }
        do throws(BucketError) { return try claim.run(as: claim.makeID(), after: .anybody) } catch {
          guard case .noStore = error else { throw error }
          let store = Manifest(storeID: BucketSchedule.storeID)
          return try claim.make(for: store, created: 1, as: claim.makeID())
        }
      } catch {
        judge(error)
      }
    }
    return nil
  }

  /// Makes some earlier version the newest; nil where that may not be.
  private func goBack(
    _ connection: any ObjectStore, _ claim: BucketClaim
  ) throws(BucketError) -> BucketWriter? {
    let numbers = try BucketReader(connection).manifestNumbers()
    guard !numbers.isEmpty else { return nil }
    let number = numbers[random.below(numbers.count)]
    do throws(BucketError) {
      let writer = try claim.run(
        as: claim.makeID(), backTo: number, grace: BucketSchedule.grace)
      schedule.record.withLock { $0.tally.returns += 1 }
      return writer
    } catch {
      guard case .noVersion = error else { throw error }
      return nil
    }
  }

  private var removed: Set<BucketFile> = []
  /// The next number of a file, also where the last ones came to nothing.
  private var nextNumber: UInt64 = 1

  /// Whether to go on.
  private func commit(_ writer: BucketWriter, _ connection: any ObjectStore) -> Bool {
    let (version, objects) = next(after: writer.head.manifest, writer.epoch)
    let new = Set(writer.head.manifest.files)
    let files = BucketManifest.files(of: version, objects).filter { !new.contains($0) }
    let isEarly = schedule.options.bug == .manifestFirst
    if !isEarly, !put(files, connection) { return false }
    for _ in 0..<5 {
      do throws(BucketError) {
        let head = try writer.commit(version, objects, removed: removed)
        schedule.record.withLock {
          $0.confirmed.append((head.digest, head.manifest.number))
          $0.tally.commits += 1
        }
        removed = []
        if isEarly, !put(files, connection) { return false }
        if random.oneIn(3) { collect(writer) }
        return true
      } catch {
        judge(error)
        if case .fenced = error {
          schedule.record.withLock { $0.tally.fenced += 1 }
          return false
        }
        // What was to be committed first may be what is there now: begin anew.
        if writer.head.manifest.number >= 2, random.oneIn(2) { return true }
      }
    }
    return true
  }

  /// The next version: a new file or two, and some of the old ones gone.
  private func next(
    after head: BucketManifest, _ epoch: UInt64
  ) -> (Manifest, [BucketObject]) {
    var version = head.version
    var objects = Dictionary(uniqueKeysWithValues: head.files.map { ($0.number, $0.object) })
    version.segments.removeAll { _ in random.oneIn(3) }
    for _ in 0..<1 + random.below(2) {
      let file = max(version.nextFileNumber, nextNumber) + UInt64(random.below(3))
      nextNumber = file + 1
      version.nextFileNumber = nextNumber
      version.lastSequence = SequenceNumber(version.lastSequence.rawValue + 1)
      version.segments.append(Self.segment(file, version.lastSequence))
      let bytes = BucketSchedule.content(number: file, epoch: epoch)
      objects[file] = BucketObject(
        epoch: epoch, digest: bytes.withByteView(SHA256.digest(of:)), tailBytes: 0)
    }
    version.number += 1
    return (version, version.segments.compactMap { objects[$0.number] })
  }

  private static func segment(_ number: UInt64, _ sequence: SequenceNumber) -> SegmentRecord {
    SegmentRecord(
      number: number, id: FileID(low: number, high: 1), level: 0, size: 100,
      smallestKey: [0, 0, 0, 1, 1], largestKey: [0, 0, 0, 1, 2], smallestSequence: sequence,
      largestSequence: sequence, entryCount: 1, rawBytes: 10)
  }

  private func put(_ files: [BucketFile], _ connection: any ObjectStore) -> Bool {
    files.allSatisfy { file in
      let content = ObjectContent(BucketSchedule.content(file))
      return (0..<6).contains { _ in
        (try? connection.put(BucketLayout.file(file), content, if: .always, class: nil)) != nil
      }
    }
  }

  private func collect(_ writer: BucketWriter) {
    var collector = BucketCollector(for: writer)
    collector.grace = schedule.options.bug == .noGrace ? 0 : BucketSchedule.grace
    collector.keptManifests = 2
    do throws(BucketError) {
      let plan = try collector.plan()
      try collector.remove(plan)
      removed.formUnion(plan.files.union(plan.gone))
      schedule.record.withLock { $0.tally.collected += plan.files.count }
    } catch {
      judge(error)
    }
  }

  private func judge(_ error: BucketError) {
    switch error {
    case .request, .fenced, .noStore: break
    default: schedule.violated("writer \(number): \(error)")
    }
  }
}

extension BucketManifest {
  /// The files of a version without value files.
  static func files(of version: Manifest, _ objects: [BucketObject]) -> [BucketFile] {
    zip(version.segments, objects).map { BucketFile(.segment, $0.number, $1) }
  }
}
