import Varve
import VarveSimulation
import VarveTestSupport

// Stores that come with a bucket, get one, come from one, and let it go.

extension FaultedOpening {
  static func ofBuckets(
    _ closed: FaultedStore, _ whole: FaultedStore, seed: UInt64
  ) throws -> [FaultedOpening] {
    let killed = try FaultedStore.tieredAndKilled(seed: seed)
    var apart = whole
    apart.mayBeApart = true
    return [
      FaultedOpening(name: "open", store: closed) { try $0.open($1) },
      FaultedOpening(name: "open after a kill", store: killed) { try $0.open($1) },
      FaultedOpening(name: "open for reading", store: closed) {
        try $0.open($1.readOnly)
      },
      FaultedOpening(name: "open without it where it does not answer", store: apart) {
        var opening = $1
        opening.opensWithoutBucket = true
        return try $0.open(opening)
      },
      FaultedOpening(name: "open without it", store: apart) {
        var opening = $1
        opening.hasBucket = false
        return try $0.open(opening)
      },
      FaultedOpening(
        name: "attach", store: try FaultedStore.closed(seed: seed).besideEmptyBucket()
      ) { try $0.open($1) },
      restoring("restore", closed.lost, .newest),
      goingBack(closed.lost),
    ]
  }

  private static func restoring(
    _ name: String, _ lost: FaultedStore, _ version: BucketVersion.Name
  ) -> FaultedOpening {
    var lost = lost
    // Interrupted it is made again, or was made to its end.
    lost.reopen = { machine, opening in
      do { return try machine.restore(opening, version: version) } catch let error as StoreError {
        guard error.code == .exists else { throw error }
        return try machine.open(opening)
      }
    }
    return FaultedOpening(name: name, store: lost) { try $0.restore($1, version: version) }
  }

  private static func goingBack(_ lost: FaultedStore) -> FaultedOpening {
    var store = lost
    let kept = lost.elsewhere.checkpoint?.content ?? [:]
    (store.content, store.durable) = (kept, [kept])
    // One that failed may have come to its end there.
    store.elsewhere.states.append(kept)
    var opening = restoring(
      "go back to a checkpoint", store, .checkpoint(FaultedStore.checkpoint))
    opening.elsewhere = store.elsewhere
    opening.elsewhere?.states = [kept]
    return opening
  }
}
