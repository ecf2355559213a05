import Varve
import VarveTestSupport

/// A store with a bucket that is kept in `format-spec/golden/buckets`, and the operations that made it.
///
/// What they do must never change: another one is another name. See ``GoldenBucketTests``.
struct GoldenBucket: Sendable {
  let name: String
  let operations: @Sendable (inout GoldenMachine) throws -> Void

  /// What today's code makes by the operations.
  func made() throws -> (files: [String: [UInt8]], objects: [String: [UInt8]]) {
    var machine = GoldenMachine()
    try operations(&machine)
    return (machine.files, machine.objects)
  }

  static let all = [GoldenBucket(name: "tiered", operations: tiered)]
}

// MARK: - Operations

extension GoldenBucket {
  /// The checkpoint of the version that was put last, without what came into logs behind it.
  static let checkpoint = "kept"

  /// Every kind of object, and all that a machine keeps of them: what went into logs, what is garbage, a file that
  /// lies here as well, headers and tails of cold ones, one slot.
  private static func tiered(_ machine: inout GoldenMachine) throws {
    let store = try machine.openBesideBucket()
    var policy = KeyspacePolicy()
    (policy.compression, policy.blockBytes, policy.largeValueBytes) = (.none, 4 << 10, 512)
    let keyspace = try store.keyspace("plain", policy)
    for round in 0..<2 {
      for index in 0..<30 {
        let value = machine.random.text(20 + machine.random.below(60))
        try keyspace.put("key \(index * (round + 1))", value, durability: .buffered)
      }
      try keyspace.put("large \(round)", machine.random.bytes(1_500), durability: .buffered)
      try keyspace.put("brief \(round)", "gone", durability: .buffered, expiresIn: 9_999)
      try keyspace.delete("key \(round + 3)", durability: .buffered)
      try store.upload()
    }
    try store.compact()
    try store.upload()
    try store.makeCheckpoint(checkpoint)
    try keyspace.put("in a log", machine.random.text(40), durability: .remote)
    try keyspace.put("large, in a log", machine.random.bytes(900), durability: .remote)
    try store.evict()
    _ = try keyspace.value(for: "key 7") as [UInt8]?
    // As the end of the process leaves it: a close puts the rest.
    machine.kill()
    withExtendedLifetime(store) {}
  }
}
