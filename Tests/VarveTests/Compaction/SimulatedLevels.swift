import Testing
import VarveFormat
import VarveTestSupport

@testable import Varve

/// A store without files: segments are arrays of entries, and compactions are carried out on them as
/// the real job does, by the same sieve and cutter.
///
/// Each entry counts as 1 KiB, each separated value as 8 KiB. It knows what every reader should find,
/// and how many bytes were written to keep it so.
struct SimulatedLevels {
  struct Entry {
    var key: UInt32
    var sequence: UInt64
    var kind = EntryKind.put
    var expiry: ExpiryTime = 0
    /// The value file that the entry points into.
    var file: UInt64?

    static func ascend(_ left: Entry, _ right: Entry) -> Bool {
      left.key != right.key ? left.key < right.key : left.sequence > right.sequence
    }
  }

  static let entryBytes: UInt64 = 1 << 10
  static let valueBytes: UInt64 = 8 << 10

  let options: CompactionOptions
  var segments: [UInt64: (record: SegmentRecord, entries: [Entry])] = [:]
  var valueFiles: [UInt64: ValueFileRecord] = [:]
  var nextNumber: UInt64 = 1
  var sequence: UInt64 = 0
  var now: ExpiryTime = 1
  var snapshots: [(point: ReadPoint, newest: [UInt32: Entry])] = []
  /// The newest version of each key.
  var newest: [UInt32: Entry] = [:]
  var running: [CompactionPlan] = []
  var starts: [Int: [UInt8]] = [:]
  var dropped: [UInt32: UInt64] = [:]
  /// Whether the store has a bucket, and the value files that are there.
  var hasBucket = false
  var uploaded: Set<UInt64> = []
  /// Value files that a compaction wrote.
  var ordered: Set<UInt64> { Set(valueFiles.values.filter(\.isOrdered).map(\.number)) }
  /// Bytes written by flushes and compactions, values included.
  var flushedBytes: UInt64 = 0
  var compactedBytes: UInt64 = 0
  /// Those of them that were values on their way to another file.
  var movedValueBytes: UInt64 = 0
  /// How many plans of each reason were carried out.
  var plans: [CompactionPlan.Reason: Int] = [:]

  init(segmentBytes: UInt64 = 64 << 10) {
    options = CompactionOptions(segmentBytes: segmentBytes, flushBytes: segmentBytes)
  }

  static func key(_ number: UInt32) -> [UInt8] {
    // The keyspace is a number's highest eight bits.
    [0, 0, 0, UInt8(number >> 24)]
      + (0..<3).map { UInt8(truncatingIfNeeded: number >> (16 - 8 * $0)) }
  }

  var point: ReadPoint { ReadPoint(sequence: SequenceNumber(sequence), time: now) }

  var rules: DropRules {
    DropRules(snapshots.map(\.point) + [point], .dropping(dropped))
  }

  var state: CompactionState {
    CompactionState(
      segments: segments.values.map(\.record), valueFiles: Array(valueFiles.values),
      freshValueFiles: hasBucket ? Set(valueFiles.keys).subtracting(uploaded) : [],
      rules: rules, running: running, starts: starts)
  }

  var segmentBytes: UInt64 { segments.values.reduce(0) { $0 + $1.record.size } }
  var valueFileBytes: UInt64 { valueFiles.values.reduce(0) { $0 + $1.size } }
}

// MARK: - Writing

extension SimulatedLevels {
  /// Commits entries, whose sequence numbers it gives, and flushes them into a segment of level 0.
  mutating func flush(_ entries: [Entry], separatingValues: Bool = false) {
    var added: [Entry] = []
    let file: UInt64? = separatingValues ? takeNumber() : nil
    for entry in entries {
      sequence += 1
      var entry = entry
      entry.sequence = sequence
      if entry.kind != .delete, let file { (entry.kind, entry.file) = (.pointer, file) }
      added.append(entry)
      newest[entry.key] = entry
    }
    added.sort(by: Entry.ascend)
    if let file { addValueFile(file, added) }
    add(added, level: 0)
    flushedBytes += UInt64(added.count) * Self.entryBytes
    removeValueFiles()
  }

  mutating func takeSnapshot() { snapshots.append((point, newest)) }

  private mutating func takeNumber() -> UInt64 {
    defer { nextNumber += 1 }
    return nextNumber
  }

  private mutating func addValueFile(_ number: UInt64, _ entries: [Entry]) {
    let count = UInt64(entries.filter { $0.file == number }.count)
    guard count > 0 else { return }
    valueFiles[number] = ValueFileRecord(
      number: number, id: .zero, size: count * Self.valueBytes, valueCount: count,
      valueBytes: count * Self.valueBytes)
  }

  private mutating func add(_ entries: [Entry], level: UInt8) {
    guard let first = entries.first, let last = entries.last else { return }
    let number = takeNumber()
    let expiring = entries.filter { $0.expiry != 0 }
    let references = Dictionary(grouping: entries.compactMap(\.file), by: \.self)
    let record = SegmentRecord(
      number: number, id: .zero, level: level, size: UInt64(entries.count) * Self.entryBytes,
      smallestKey: Self.key(first.key), largestKey: Self.key(last.key),
      smallestSequence: SequenceNumber(entries.map(\.sequence).min() ?? 0),
      largestSequence: SequenceNumber(entries.map(\.sequence).max() ?? 0),
      entryCount: UInt64(entries.count), keyCount: UInt64(Set(entries.map(\.key)).count),
      deleteCount: UInt64(entries.filter { $0.kind == .delete }.count),
      expiringCount: UInt64(expiring.count), earliestExpiry: expiring.map(\.expiry).min() ?? 0,
      latestExpiry: expiring.map(\.expiry).max() ?? 0,
      rawBytes: UInt64(entries.count) * Self.entryBytes,
      valueReferences: references.map {
        ValueReference(
          file: $0.key, count: UInt64($0.value.count),
          bytes: UInt64($0.value.count) * Self.valueBytes)
      })
    segments[number] = (record, entries)
  }

  /// What the next manifest does: value files that nobody points to leave.
  private mutating func removeValueFiles() {
    let used = Set(segments.values.flatMap(\.record.valueReferences).map(\.file))
    valueFiles = valueFiles.filter { used.contains($0.key) }
  }
}

// MARK: - Compacting

extension SimulatedLevels {
  /// Carries a plan out. Returns how many bytes it wrote while its inputs were still there.
  @discardableResult
  mutating func carryOut(_ plan: CompactionPlan) -> UInt64 {
    plans[plan.reason, default: 0] += 1
    if let start = plan.nextStart { starts[start.level] = start.key }
    switch plan.action {
    case .remove:
      for segment in plan.segments { segments[segment.number] = nil }
    case .move:
      segments[plan.segments[0].number]?.record.level = UInt8(plan.outputLevel)
    case .rewrite:
      let before = compactedBytes
      rewrite(plan)
      removeValueFiles()
      return compactedBytes - before
    }
    removeValueFiles()
    return 0
  }

  private mutating func rewrite(_ plan: CompactionPlan) {
    let entries = plan.segments.flatMap { segments[$0.number]?.entries ?? [] }
    let kept = survivors(of: entries.sorted(by: Entry.ascend), plan)
    var cutter = SegmentCutter(grandparents: plan.grandparents, options)
    let file = takeNumber()
    var output: [[Entry]] = [[]]
    for var entry in kept {
      let bytes = UInt64(output[output.count - 1].count) * Self.entryBytes
      if Self.key(entry.key).withByteView({ cutter.cuts(before: $0, bytes: bytes) }) {
        output.append([])
      }
      if let old = entry.file, plan.relocatedValueFiles.contains(old) {
        entry.file = file
        compactedBytes += Self.valueBytes
        movedValueBytes += Self.valueBytes
      }
      output[output.count - 1].append(entry)
    }
    for segment in plan.segments { segments[segment.number] = nil }
    addValueFile(file, output.flatMap(\.self))
    valueFiles[file]?.isOrdered = true
    for part in output { add(part, level: UInt8(plan.outputLevel)) }
    compactedBytes += UInt64(kept.count) * Self.entryBytes
  }

  private func survivors(of entries: [Entry], _ plan: CompactionPlan) -> [Entry] {
    let rules = rules
    var sieve = VersionSieve(rules)
    var kept: [Entry] = []
    var key: UInt32?
    func delete(_ key: UInt32, _ sequence: SequenceNumber?) {
      guard let sequence else { return }
      kept.append(Entry(key: key, sequence: sequence.rawValue, kind: .delete))
    }
    func finish() {
      guard let key else { return }
      let mayHaveOlder = Self.key(key).withByteView { plan.deeper.mayHold($0) }
      delete(key, sieve.finish(mayHaveOlder: mayHaveOlder))
    }
    for entry in entries where !rules.dropsKeyspace(entry.key >> 24) {
      if key != entry.key { finish() }
      key = entry.key
      let step = sieve.take(
        SequenceNumber(entry.sequence), entry.kind, expiry: entry.expiry)
      guard case .keep(let hiding) = step else { continue }
      delete(entry.key, hiding)
      kept.append(entry)
    }
    finish()
    return kept
  }

  /// Compacts until nothing asks for it, which must come about.
  mutating func settle(_ location: SourceLocation = #_sourceLocation) {
    let picker = CompactionPicker(options: options)
    for _ in 0..<5_000 {
      guard let plan = picker.plan(for: state) else { return }
      carryOut(plan)
    }
    Issue.record("compaction does not come to an end", sourceLocation: location)
  }
}

// MARK: - What must hold

extension SimulatedLevels {
  /// What is wrong with the levels, if anything.
  var flaw: String? {
    let map = LevelMap(segments.values.map(\.record), options)
    for level in 1..<map.levels.count {
      for (left, right) in zip(map.levels[level], map.levels[level].dropFirst())
      where !left.largestKey.isBelow(right.smallestKey) {
        return "segments \(left.number) and \(right.number) of level \(level) overlap"
      }
    }
    let live = Set(valueFiles.keys)
    for (number, segment) in segments
    where !segment.entries.compactMap(\.file).allSatisfy(live.contains) {
      return "segment \(number) points into a file that is gone"
    }
    return nil
  }

  /// What is wrong with a plan beside those at work, if anything.
  func flaw(of plan: CompactionPlan) -> String? {
    let busy = Set(running.flatMap(\.segments).map(\.number))
    let numbers = plan.segments.map(\.number)
    if numbers.contains(where: busy.contains) { return "takes a busy segment" }
    if Set(numbers).count != numbers.count { return "takes a segment twice" }
    if numbers.contains(where: { segments[$0] == nil }) { return "takes what is not there" }
    if plan.action != .remove,
      running.contains(where: {
        $0.outputLevel == plan.outputLevel && $0.range.overlaps(plan.range)
      })
    {
      return "writes where another writes"
    }
    if plan.isMove, plan.segments.count != 1 { return "moves more than one" }
    if plan.action == .rewrite { return overtaking(plan) }
    return nil
  }

  /// Whether the plan would bring a version below an older one that stays.
  private func overtaking(_ plan: CompactionPlan) -> String? {
    let inputs = Set(plan.segments.map(\.number))
    for input in plan.segments {
      for (number, other) in segments where !inputs.contains(number) {
        let level = Int(other.record.level)
        let isOlder =
          level > input.level
          || level == 0 && input.level == 0 && other.record.number < input.number
        if isOlder, level <= plan.outputLevel,
          KeySpan(other.record).overlaps(KeySpan(input))
        {
          return "\(input.number) overtakes \(number)"
        }
      }
    }
    return nil
  }

  /// The first key that some reader finds otherwise than it should.
  func misread() -> String? {
    var versions: [UInt32: [Entry]] = [:]
    let map = LevelMap(segments.values.map(\.record), options)
    // The order in which a reader asks: level 0 from the newest on, then level by level.
    let order = map.levels[0].reversed() + map.levels.dropFirst().flatMap(\.self)
    for record in order {
      for entry in segments[record.number]?.entries ?? [] {
        versions[entry.key, default: []].append(entry)
      }
    }
    for (point, expected) in snapshots + [(self.point, newest)] {
      for (key, entry) in expected {
        if let drop = dropped[key >> 24], point.sequence.rawValue >= drop { continue }
        let found = versions[key]?.first { $0.sequence <= point.sequence.rawValue }
        let isExpected = Self.shows(entry, at: point.time)
        let isFound = found.map { Self.shows($0, at: point.time) } ?? false
        if isExpected != isFound || isExpected && found?.sequence != entry.sequence {
          return "key \(key) at \(point): \(found as Any), not \(entry)"
        }
      }
    }
    return nil
  }

  private static func shows(_ entry: Entry, at time: ExpiryTime) -> Bool {
    entry.kind != .delete && (entry.expiry == 0 || entry.expiry > time)
  }
}
