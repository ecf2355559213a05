package import VarveFormat
import VarvePlatform

/// Removes from a bucket what no version needs any more. Only the newest writer may. Spec: bucket.md.
///
/// ```
///   garbage of the head, older than the grace by the bucket's clock
///     └── minus what pinned manifests name
///           └── is the head still ours? ──> remove ──> the next commit leaves it out
/// ```
///
/// What is garbage was named by a manifest that was the newest within the grace, or by none that anybody
/// may still read without a pin. No age alone decides.
package struct BucketCollector: Sendable {
  /// What was removed, or would be.
  package struct Result: Sendable, Equatable {
    /// Garbage; to be left out by the next commit.
    package var files: Set<BucketFile> = []
    /// Garbage that was removed before, by one who had no time to say so; to be left out as well.
    package var gone: Set<BucketFile> = []
    /// Files that no manifest names, and what probes left.
    package var orphans: [ObjectName] = []
    package var manifests: [UInt64] = []
    /// Logs of which the newest version has everything.
    package var logs: [UInt64] = []
  }

  /// How long garbage and manifests stay, at least, in ms of the bucket's clock. Readers on other machines
  /// look for the newest version more often than that.
  package var grace: UInt64 = 3_600_000
  /// How old an object must be that no manifest names: longer than any upload takes.
  package var orphanAge: UInt64 = 86_400_000
  /// Whether what no manifest names goes: not where nobody claimed, since a commit may still be under way.
  package var sweeps = true
  /// So many of the newest manifests stay, at least 1.
  package var keptManifests = 100

  /// Logs stay so long, however short the grace: a writer whose log was put within half of it need not ask
  /// whether it was taken over from.
  static let leastLogGrace: UInt64 = 600_000

  private static let mostInBatch = 1000
  private let writer: BucketWriter

  package init(for writer: BucketWriter) { self.writer = writer }

  private var objects: any ObjectStore { writer.objects }
}

// MARK: - Deciding

extension BucketCollector {
  /// What the bucket can do without now.
  ///
  /// - Parameter busy: names that the writer is just putting.
  package func plan(sparing busy: Set<ObjectName> = []) throws(BucketError) -> Result {
    // What may have been committed is first made certain.
    try writer.settle()
    let now = try BucketTime(objects, random: writer.random).now()
    let head = writer.head.manifest
    let pinned = try pinnedManifests(now)
    let kept = Set(pinned.flatMap(\.files))
    var plan = Result()
    let listed = try BucketReader(objects).entries(BucketLayout.files)
    let names = Set(listed.map(\.name))
    let old = Set(
      head.garbage.filter { garbage in
        // What the head left behind is garbage from when that was known to be there.
        let since = garbage.since == 0 ? writer.confirmed ?? 0 : garbage.since
        return since != 0 && Self.isOlder(since, than: grace, at: now)
          && !kept.contains(garbage.file)
      }.map(\.file))
    plan.files = old.filter { names.contains(BucketLayout.file($0)) }
    plan.gone = Set(
      head.garbage.map(\.file).filter { !names.contains(BucketLayout.file($0)) })
    let known = Set((head.files + head.garbage.map(\.file) + kept).map(BucketLayout.file))
    if sweeps {
      plan.orphans = orphans(listed, now, sparing: known.union(busy)) + (try probes(now))
    }
    plan.manifests = try oldManifests(now, sparing: Set(pinned.map(\.number)))
    plan.logs = try oldLogs(now)
    return plan
  }

  private func pinnedManifests(_ now: UInt64) throws(BucketError) -> [BucketManifest] {
    let reader = BucketReader(objects)
    var manifests: [UInt64: BucketManifest] = [:]
    for pin in try reader.pins() where pin.expires == 0 || pin.expires > now {
      guard manifests[pin.manifest] == nil, let found = try reader.manifest(pin.manifest) else {
        continue
      }
      manifests[pin.manifest] = found.manifest
    }
    return Array(manifests.values)
  }

  private func orphans(
    _ listed: [ObjectListing.Entry], _ now: UInt64, sparing known: Set<ObjectName>
  ) -> [ObjectName] {
    var orphans: [ObjectName] = []
    for entry in listed
    where !known.contains(entry.name) {
      // A later writer's are none of ours; an earlier one names nothing any more.
      guard let epoch = BucketLayout.epoch(of: entry.name), epoch <= writer.epoch else { continue }
      let age = epoch < writer.epoch ? grace : orphanAge
      if Self.isOlder(entry.modified, than: age, at: now) { orphans.append(entry.name) }
    }
    return orphans
  }

  /// What a writer left that died while it tried the bucket out.
  private func probes(_ now: UInt64) throws(BucketError) -> [ObjectName] {
    try BucketReader(objects).entries(BucketLayout.probes)
      .filter {
        BucketLayout.isProbe($0.name) && Self.isOlder($0.modified, than: orphanAge, at: now)
      }
      .map(\.name)
  }

  private func oldManifests(
    _ now: UInt64, sparing pinned: Set<UInt64>
  ) throws(BucketError) -> [UInt64] {
    let manifests = try BucketReader(objects).manifests()
    let most = max(0, manifests.count - keptManifests)
    var old: [UInt64] = []
    for ((number, _), next) in zip(manifests, manifests.dropFirst()).prefix(most) {
      // From the lowest up: where one must stay, those above it do as well. However old it is: until the next
      // one came whoever looked for the newest found it.
      guard Self.isOlder(next.modified, than: grace, at: now), number < writer.head.manifest.number
      else { break }
      if !pinned.contains(number) { old.append(number) }
    }
    return old
  }

  private func oldLogs(_ now: UInt64) throws(BucketError) -> [UInt64] {
    let floor = writer.head.manifest.logFloor
    guard floor > 0 else { return [] }
    var old: [UInt64] = []
    for entry in try BucketReader(objects).entries(BucketLayout.logs) {
      guard let number = BucketLayout.logNumber(entry.name), number < floor else { continue }
      let age = max(grace, Self.leastLogGrace)
      if Self.isOlder(entry.modified, than: age, at: now) { old.append(number) }
    }
    return old
  }

  private static func isOlder(_ time: UInt64, than age: UInt64, at now: UInt64) -> Bool {
    now >= age && time <= now - age
  }
}

// MARK: - Doing

extension BucketCollector {
  /// Removes what was planned, in batches, each after a look whether this is still the newest writer.
  package func remove(_ plan: Result) throws(BucketError) {
    let names =
      plan.files.sorted().map(BucketLayout.file) + plan.orphans
      + plan.manifests.map(BucketLayout.manifest) + plan.logs.map(BucketLayout.log)
    var rest = names[...]
    while !rest.isEmpty {
      let batch = Array(rest.prefix(Self.mostInBatch))
      rest = rest.dropFirst(batch.count)
      try writer.checkHead()
      try objects.request { objects throws(ObjectStoreError) in try objects.remove(batch) }
    }
  }
}

extension BucketLayout {
  /// The epoch in the name of a file; nil where it is none.
  package static func epoch(of name: ObjectName) -> UInt64? {
    let parts = name.description.split(separator: "/")
    guard parts.count == 3, parts[2].utf8.count > 17 else { return nil }
    return UInt64(parts[2].prefix(16), radix: 16)
  }
}
