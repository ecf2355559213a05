import VarveFormat
import VarveObjects
import VarveTestSupport

/// Every small damage to every object of a bucket and to what a machine keeps of it: is it noticed, and is nothing
/// wrong ever returned?
struct TierSweep {
  /// Takes every so many-th mutation: 1 for all of them.
  let stride: Int
  let seed: UInt64
  /// Slots are larger than everything else, and all alike.
  private static let slotsOneIn = 37

  private struct Job: Sendable {
    var tier: SweptTier
    var place: TierPlace
    var bytes: [UInt8]
    var mutations: ArraySlice<Mutation>
  }

  func run() throws -> Figures {
    let tally = SweepTally(of: try allJobs(), Self.run)
    return Figures(
      isGood: tally.illegal.isEmpty && tally.total > 0,
      members: [
        ("damages beside a bucket", .number(tally.total)),
        ("violations beside a bucket", .number(tally.illegal.count)),
        ("first violations beside a bucket", tally.firstIllegal),
      ] + tally.costs(" beside a bucket") + [
        ("beside a bucket", tally.rows)
      ])
  }

  private func allJobs() throws -> [Job] {
    let tier = try SweptTier(seed: seed)
    let other = try SweptTier(seed: seed &+ 1)
    var jobs: [Job] = []
    for name in tier.tierFiles {
      jobs += try self.jobs(tier, .file(name), tier.files[name], [other.files[name]])
    }
    for (name, bytes) in tier.objects.sorted(by: { $0.key < $1.key }) {
      let siblings = [tier.objects.filter { $0.key != name }, other.objects].flatMap { objects in
        objects.filter { Self.kind($0.key) == Self.kind(name) }.sorted { $0.key < $1.key }
          .map(\.value)
      }
      for place in [TierPlace.object(name), .objectElsewhere(name)] {
        jobs += try self.jobs(tier, place, bytes, siblings)
      }
    }
    return jobs
  }

  private static func kind(_ name: ObjectName) -> Substring {
    name.description.prefix { $0 != "/" }
  }

  private func jobs(
    _ tier: SweptTier, _ place: TierPlace, _ bytes: [UInt8]?, _ others: [[UInt8]?]
  ) throws -> [Job] {
    guard let bytes else { return [] }
    let all =
      try Mutation.all(of: bytes, others: others.compactMap(\.self)) + Mutation.ofWholeFiles(bytes)
      + Mutation.moves(within: bytes)
    let step = place == .file(FileName.slots) ? stride * Self.slotsOneIn : stride
    let taken = all.sample(every: step, seed: seed)
    return Swift.stride(from: 0, to: taken.count, by: 2_000).map {
      Job(
        tier: tier, place: place, bytes: bytes,
        mutations: taken[$0..<min($0 + 2_000, taken.count)])
    }
  }

  private static func run(_ job: Job) -> SweepTally<TierVerdict> {
    var tally = SweepTally<TierVerdict>()
    for (index, mutation) in job.mutations.enumerated() {
      let mutated = mutation.applied(to: job.bytes)
      if mutated == nil, !mutation.isRemoval { continue }
      tally.note("\(job.place.label), \(mutation.name)", "\(job.place), \(mutation.place)") {
        try TierJudge(tier: job.tier, place: job.place, mutated: mutated)
          .judge(SweepReading.Turn(index))
      }
    }
    return tally
  }
}
