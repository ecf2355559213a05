import Testing
import Varve
import VarveFormat
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// The machine dies at every call to its disk and at every request to the bucket, while it uploads, evicts,
/// compacts and collects; the power is cut as well. Nothing is lost, and nothing is left over for good.
@Suite struct TierCrashTests {
  /// What a run had acknowledged, and what it had put into the bucket for certain.
  private struct Progress {
    var acknowledged = 0
    var uploaded = 0
  }

  private static let entries = 40

  private static func key(_ number: Int) -> String { "key-\(100 + number % 40)" }

  private static func value(_ number: Int) -> [UInt8] {
    var random = SplitMix64(seed: UInt64(number))
    return Array("\(number):".utf8) + random.bytes(number % 5 == 0 ? 3_000 : 40)
  }

  /// Writes, uploads, evicts, compacts and collects in turn until something fails.
  private static func run(_ machine: TieredStore, _ options: StoreOptions) -> Progress {
    var progress = Progress()
    guard let store = try? machine.open(options), let keyspace = try? store.keyspace("sample")
    else { return progress }
    do {
      for number in 0..<entries {
        try keyspace.put(key(number), value(number), durability: .synced)
        progress.acknowledged = number + 1
        switch number % 20 {
        // The second makes a file that has no copy yet when others are evicted.
        case 5, 11: try store.flush()
        case 9, 19:
          // A bucket that fails stops nobody.
          if (try? store.upload()) != nil { progress.uploaded = number + 1 }
        case 12: try store.evict()
        // What is cold may not be at hand; what failed is tried again.
        case 15: _ = try? store.compact()
        case 3: _ = try? store.collectBucket(grace: 0)
        default: break
        }
      }
      try store.close()
    } catch {}
    return progress
  }

  /// How many entries of the run `store` shows; nil where it shows no beginning of it.
  private static func beginning(of store: SegmentStore) throws -> Int? {
    var found: [String: [UInt8]] = [:]
    if let keyspace = try store.existingKeyspace("sample") {
      for entry in try keyspace.entries() {
        found[String(decoding: entry.key, as: UTF8.self)] = entry.value
      }
    }
    for count in 0...entries {
      var expected: [String: [UInt8]] = [:]
      for number in max(0, count - 40)..<count { expected[key(number)] = value(number) }
      if found == expected { return count }
    }
    return nil
  }

  private static func judge(
    _ machine: TieredStore, _ disk: SimulatedFileSystem, _ progress: Progress, _ place: String
  ) throws {
    while machine.bucket.hasLateRequests { machine.bucket.deliverLateRequest() }
    let store = try machine.open(on: disk)
    let found = try beginning(of: store)
    if found.map({ $0 >= progress.acknowledged }) != true {
      Issue.record("\(place): \(found as Any) of \(progress.acknowledged) entries")
    }
    try store.close()
    guard progress.uploaded > 0 else { return }
    let other = try machine.openElsewhere()
    let restored = try beginning(of: other)
    if restored.map({ $0 >= progress.uploaded }) != true {
      Issue.record("\(place), elsewhere: \(restored as Any) of \(progress.uploaded) entries")
    }
    try collectAll(other, machine, place)
    try other.close()
  }

  /// When all is old enough the bucket has what the newest version names, and nothing else.
  private static func collectAll(
    _ store: SegmentStore, _ machine: TieredStore, _ place: String
  ) throws {
    let expected = try beginning(of: store)
    let keyspace = try store.keyspace("others")
    for number in 0..<2 {
      try keyspace.put("key-\(number)", "value")
      try store.upload()
      machine.bucket.clock.advance(milliseconds: 2 * 86_400_000)
      try store.collectBucket()
    }
    let reader = BucketReader(machine.bucket.connect())
    let named = try reader.head()?.manifest.files.map(BucketLayout.file) ?? []
    let others = [BucketLayout.manifests, BucketLayout.store.description]
    let found = machine.bucket.names.filter { name in
      !others.contains { name.description.hasPrefix($0) }
    }
    if Set(found) != Set(named) {
      Issue.record("\(place): \(Set(found).symmetricDifference(named)) left over or lost")
    }
    #expect(try beginning(of: store) == expected, "\(place), collected")
  }

  @Test func theMachineDiesAtEveryCallToItsDisk() throws {
    let whole = TieredStore()
    #expect(Self.run(whole, whole.connected()).acknowledged == Self.entries)
    let steps = whole.disk.steps
    #expect(steps > 100)
    for step in stride(from: 1, through: steps, by: 31) {
      let machine = TieredStore()
      machine.disk.crash(atStep: step)
      let progress = Self.run(machine, machine.connected())
      let modes: [CrashMode] = [.durableOnly, .everything, .sectors, .unlinkWithoutRename]
      let mode = modes[step % modes.count]
      try Self.judge(
        machine, machine.disk.crashImage(mode, seed: UInt64(step)), progress,
        "step \(step), \(mode)")
    }
  }

  @Test(arguments: [ObjectFault.diesBefore, .diesAfter, .answerLost, .requestLost, .late, .refused])
  func everyRequestFails(_ fault: ObjectFault) throws {
    let whole = TieredStore()
    let connection = whole.bucket.connect()
    _ = Self.run(whole, whole.connected(connection))
    #expect(connection.callCount > 15)
    for call in stride(from: 1, through: connection.callCount, by: 6) {
      let machine = TieredStore()
      let connection = machine.bucket.connect()
      connection.setFaults { number, _, _ in number == call ? fault : nil }
      let progress = Self.run(machine, machine.connected(connection))
      try Self.judge(
        machine, machine.disk.crashImage(.durableOnly), progress, "\(fault) of call \(call)")
    }
  }
}
