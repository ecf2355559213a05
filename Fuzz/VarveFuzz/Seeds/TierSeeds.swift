import VarveFormat
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// What a bucket and the machine beside it keep of small stores that the engine writes.
enum TierSeeds {
  static func add(to inputs: inout Inputs) throws {
    for seed in 1...4 as ClosedRange<UInt64> {
      let machine = CrashMachine(SimulatedFileSystem(seed: seed), bucket: SimulatedBucket())
      try write(machine, seed)
      for name in machine.bucket?.names ?? [] where !name.description.hasPrefix("file/") {
        inputs.add(machine.bucket?.bytes(of: name) ?? [], to: "bucket", as: "object-\(seed)")
      }
      let archive = Archive(
        (machine.bucket?.names ?? []).map {
          .init(name: $0.description, bytes: machine.bucket?.bytes(of: $0) ?? [])
        })
      inputs.add(archive.bytes, to: "tree", as: "tier-\(seed)")
      try add(machine.disk.contents(), as: "tier-\(seed)", to: &inputs)
    }
  }

  /// A store whose files lie in the bucket, and were read from there; its log, too.
  private static func write(_ machine: CrashMachine, _ seed: UInt64) throws {
    var opening = CrashMachine.Opening()
    opening.identity = seed
    let store = try machine.open(opening)
    var policy = KeyspacePolicy()
    policy.compression = .none
    policy.blockBytes = 4 << 10
    policy.largeValueBytes = 300
    let keyspace = try store.keyspace("raw", policy)
    var random = SeededRandom(seed: seed)
    for round in 0..<2 {
      for number in 0..<6 + 20 * Int(seed / 3) {
        let value = random.text(number % 5 == 4 ? 400 : 30)
        try keyspace.put("key \(number)", value, durability: .buffered)
      }
      if round == 0 { try store.upload() }
    }
    try store.upload()
    try keyspace.put("last", "in a log", durability: .remote)
    try store.evict()
    try keyspace.forEach { _, _ in }
    try store.close()
  }

  private static func add(
    _ files: [String: [UInt8]], as name: String, to inputs: inout Inputs
  ) throws {
    let tie = files["store/" + FileName.bucket] ?? []
    inputs.add(tie, to: "bucket", as: "tie-\(name)")
    let known = try tie.withByteView { try BucketTie(decoding: $0) }
    let slots = SlotArchive(of: files["store/" + FileName.slots] ?? [], storeID: known.storeID)
    inputs.add(slots.bytes, to: "slots", as: name)
    let head = known.head
    for (file, local) in zip(head?.files ?? [], head?.version.bucketFiles ?? []) {
      guard let kept = files["store/" + ColdEnds.name(of: file.name.description)] else { continue }
      var writer = ByteWriter()
      writer.uint64(local.size)
      writer.uint32(UInt32(file.object.tailBytes))
      writer.append(Array(file.object.digest.prefix(16)))
      writer.append(kept)
      inputs.add(writer.bytes, to: "tail", as: "\(name)-\(file.name)")
    }
  }
}
