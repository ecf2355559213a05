import Varve
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// A copy of a machine, of the moment before its last upload, that goes on without the bucket: its manifests and
/// entries get numbers that the bucket has for something else, and only the note in the file `bucket` tells.
///
/// ```
///   machine   all deleted | uploaded | copied ......... put, uploaded
///   copy                               └── opened without the bucket; put ── cut ── opened with it: refused
/// ```
///
/// What is left of the copy's store has no files, so that its next manifest does not sync the directory for
/// their names first. The note is durable with the name of the log that has the first entry.
enum CopyApart {
  /// What was lost; nil where nothing was.
  static func failure(preparing prepare: (SimulatedFileSystem) -> Void) throws -> String? {
    let machine = CrashMachine(SimulatedFileSystem(), bucket: SimulatedBucket())
    let store = try machine.open(CrashMachine.Opening())
    let keyspace = try store.keyspace("default")
    try keyspace.put("gone", [1], durability: .synced)
    try store.flush()
    try keyspace.delete("gone", durability: .synced)
    try store.flush()
    try store.compact()
    try store.upload()
    let disk = machine.crashImage(.everything).disk
    try keyspace.put("only in the bucket", [2], durability: .synced)
    try store.upload()
    try store.close()
    if let failure = failure(ofImage: machine.killImage(), isBehind: false) {
      return "the machine itself, with its bucket: \(failure)"
    }
    prepare(disk)
    return try failure(ofCopy: CrashMachine(disk, bucket: machine.bucket))
  }

  private static func failure(ofCopy copy: CrashMachine) throws -> String? {
    let failures = Monitor<[String]>([])
    copy.disk.observeSteps { step in
      // One name may be kept and the other lost: in a few of the ways only.
      for (mode, seed) in CrashMode.allCases.flatMap({ mode in (1...8).map { (mode, UInt64($0)) } })
      where failures.withLock({ $0.isEmpty }) {
        guard mode.isRandom || seed == 1 else { continue }
        if let failure = failure(ofImage: copy.crashImage(mode, seed: seed), isBehind: true) {
          failures.withLock {
            $0.append("a copy without its bucket, before \(step), \(mode): \(failure)")
          }
        }
      }
    }
    var opening = CrashMachine.Opening()
    // Other numbers than the machine it is a copy of.
    opening.identity = 11
    opening.hasBucket = false
    let store = try copy.open(opening)
    let keyspace = try store.keyspace("default")
    for number in 0..<3 { try keyspace.put("only here \(number)", [3], durability: .synced) }
    try store.flush()
    copy.disk.observeSteps(nil)
    try store.close()
    return failures.withLock { $0.first }
  }

  /// With its bucket the copy is an earlier state of what is there, whatever its numbers say; whoever is not behind is
  /// let in.
  private static func failure(ofImage image: CrashMachine, isBehind: Bool) -> String? {
    var opening = CrashMachine.Opening()
    opening.identity = 12
    do {
      let store = try image.open(opening)
      let isThere = try store.keyspace("default").contains("only in the bucket")
      try store.close()
      return isThere ? nil : "it went on from an earlier state, and what was put since is gone"
    } catch let error as StoreError where isBehind && error.code == .fenced {
      return nil
    } catch { return "\(error)" }
  }
}
