import Varve
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// A power cut behind the moment when a bucket was taken from a store: it has none.
enum DetachedBucket {
  /// What was lost; nil where nothing was.
  static func failure(preparing prepare: (SimulatedFileSystem) -> Void) throws -> String? {
    let machine = CrashMachine(SimulatedFileSystem(), bucket: SimulatedBucket())
    let store = try machine.open(CrashMachine.Opening())
    try store.keyspace("default").put("kept", [1], durability: .synced)
    try store.flush()
    try store.upload()
    try store.close()
    prepare(machine.disk)
    try SegmentStore.detachBucket(ofStoreAt: "store", on: machine.disk)
    for mode in CrashMode.allCases {
      let image = machine.crashImage(mode, seed: 1)
      if image.disk.contents().keys.contains(where: { $0.hasSuffix("/bucket") }) {
        return "a detached bucket, \(mode): the store has it again"
      }
      let again = try CrashMachine(image.disk).open(CrashMachine.Opening())
      guard try again.keyspace("default").contains("kept") else {
        return "a detached bucket, \(mode): something is gone"
      }
      try again.close()
    }
    return nil
  }
}
