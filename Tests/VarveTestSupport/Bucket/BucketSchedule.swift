import VarveFormat
import VarveObjects
package import VarvePlatform
package import VarveSimulation

/// One run of writers, collectors and readers on a bucket, between any two of whose requests others come,
/// requests are lost, arrive late, or a machine dies, while the bucket's clock goes on.
///
/// What must hold:
///
/// - every commit that was confirmed is an ancestor of what is the newest manifest in the end;
/// - all that the newest manifest names is there, always, byte for byte;
/// - a reader finds all that a manifest names for as long as the grace, and all that it pinned.
package final class BucketSchedule: Sendable {
  package struct Options: Sendable {
    package var writers = 2
    package var readers = 1
    package var rounds = 3
    /// A bug for the judge to find.
    package var bug: Bug?

    package init() {}
  }

  package enum Bug: Sendable, CaseIterable {
    /// Whoever finds a manifest in its place takes it for its own.
    case nonceIgnored
    /// Nobody looks whether a higher number exists.
    case headUnchecked
    /// Garbage goes at once.
    case noGrace
    /// Pins are not asked for.
    case pinsIgnored
    /// A manifest is put before its files.
    case manifestFirst
  }

  /// What happened, for those who count.
  package struct Tally: Sendable {
    package var commits = 0
    package var fenced = 0
    package var collected = 0
    package var reads = 0
    /// Earlier versions that were made the newest again.
    package var returns = 0

    package init() {}

    package static func += (left: inout Tally, right: Tally) {
      left.commits += right.commits
      left.fenced += right.fenced
      left.collected += right.collected
      left.reads += right.reads
      left.returns += right.returns
    }
  }

  struct Record: Sendable {
    var confirmed: [(digest: [UInt8], number: UInt64)] = []
    var violations: [String] = []
    var tally = Tally()
  }

  package let bucket: SimulatedBucket
  package let options: Options
  let seed: UInt64
  let turns: Turns
  let record = Monitor(Record())
  /// Every manifest that was ever in the bucket, by its digest.
  let history = Monitor<[[UInt8]: BucketManifest]>([:])
  /// What was asked of the bucket when it was looked at last, and the newest manifest then.
  private let seen = Monitor<(changes: Int, head: BucketManifest?)>((0, nil))

  static let storeID = FileID(low: 7, high: 8)
  static let grace: UInt64 = 3_600_000

  package init(seed: UInt64, options: Options = Options()) {
    self.seed = seed
    self.options = options
    let bucket = SimulatedBucket()
    self.bucket = bucket
    turns = Turns(of: options.writers + options.readers, seed: seed) { _, random in
      if random.oneIn(6), bucket.hasLateRequests { bucket.deliverLateRequest() }
      bucket.clock.advance(milliseconds: UInt64(random.below(60_000)))
      if random.oneIn(40) { bucket.clock.advance(milliseconds: 2 * Self.grace) }
    }
  }

  /// What went wrong.
  package var violations: [String] { record.withLock { $0.violations } }

  package var tally: Tally { record.withLock { $0.tally } }

  func violated(_ what: String) { record.withLock { $0.violations.append(what) } }

  /// Runs all of it; returns what went wrong.
  package func run() throws(ThreadError) -> [String] {
    var threads: [WorkerThread] = []
    for number in 0..<options.writers + options.readers {
      threads.append(
        try WorkerThread(name: "actor \(number)") { [self] in
          turns.pass(number)
          if number < options.writers {
            ScheduledWriter(self, number).run()
          } else {
            ScheduledReader(self, number).run()
          }
          turns.leave(number)
        })
    }
    for thread in threads { thread.join() }
    while bucket.hasLateRequests { bucket.deliverLateRequest() }
    look()
    judgeChain()
    return violations
  }
}

// MARK: - Judging

extension BucketSchedule {
  /// Takes note of new manifests, and looks whether all is there that the newest names.
  func look() {
    let changes = bucket.changes
    let (before, known) = seen.withLock { $0 }
    guard changes.count > before else { return }
    var head = known
    for name in changes[before...] where name.description.hasPrefix(BucketLayout.manifests) {
      note(name)
      head = nil
    }
    head = head ?? newest()
    seen.withLock { [head] in $0 = (changes.count, head) }
    guard let head else { return }
    for file in head.files where bucket.bytes(of: BucketLayout.file(file)) != Self.content(file) {
      violated("the newest manifest, \(head.number), names \(file.name), which is not there")
    }
  }

  private func note(_ name: ObjectName) {
    guard let number = BucketLayout.manifestNumber(name), let bytes = bucket.bytes(of: name) else {
      return
    }
    let manifest = try? bytes.withByteView { view throws(FormatError) in
      try BucketManifest(decoding: view, named: number)
    }
    history.withLock { $0[bytes.withByteView(SHA256.digest(of:))] = manifest }
  }

  private func newest() -> BucketManifest? {
    let names = bucket.names.filter { $0.description.hasPrefix(BucketLayout.manifests) }
    guard let bytes = names.last.flatMap(bucket.bytes(of:)) else { return nil }
    return history.withLock { $0[bytes.withByteView(SHA256.digest(of:))] }
  }

  private func judgeChain() {
    let names = bucket.names.filter { $0.description.hasPrefix(BucketLayout.manifests) }
    guard let name = names.last, let bytes = bucket.bytes(of: name) else { return }
    var digest = bytes.withByteView(SHA256.digest(of:))
    var chain: Set<[UInt8]> = []
    while let manifest = history.withLock({ $0[digest] }) {
      chain.insert(digest)
      digest = manifest.predecessorDigest
    }
    if digest != BucketManifest.firstPredecessor { violated("the chain of manifests is broken") }
    for (digest, number) in record.withLock({ $0.confirmed }) where !chain.contains(digest) {
      violated("the confirmed manifest \(number) was left out")
    }
  }

  /// The bytes of a file: they follow from its number and epoch.
  static func content(_ file: BucketFile) -> [UInt8] {
    content(number: file.number, epoch: file.object.epoch)
  }

  static func content(number: UInt64, epoch: UInt64) -> [UInt8] {
    Array("file \(number) of epoch \(epoch)".utf8)
  }
}
