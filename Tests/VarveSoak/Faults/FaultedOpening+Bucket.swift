import Varve
import VarveSimulation
import VarveTestSupport

// Stores that come with a bucket, get one, come from one, and let it go.

extension CrashMachine.Opening {
  /// The same, whoever wrote to the bucket last.
  fileprivate var takingOver: CrashMachine.Opening {
    var opening = self
    opening.takesOver = true
    return opening
  }
}

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
      try goingBack(
        "go back to a checkpoint", closed.lost, to: .checkpoint(FaultedStore.checkpoint)),
      try goingBack("go back to a version", closed.lost, to: .number(closed.earlier?.number ?? 0)),
      try goingBack(
        "go back to a version, abandoned", closed.lost,
        to: .number(closed.earlier?.number ?? 0, isAbandoned: true)),
      takingOver(try closed.takenOver()),
    ]
  }

  /// Back where another machine has taken over since, which knows nothing of what was only here.
  private static func takingOver(_ taken: FaultedStore) -> FaultedOpening {
    var store = taken
    store.reopen = { machine, opening in
      do { return try machine.open(opening) } catch let error as StoreError {
        guard error.code == .fenced else { throw error }
        return try machine.open(opening.takingOver)
      }
    }
    let opening = store.opening
    let check = { @Sendable (machine: CrashMachine) throws in
      // From then on the bucket is its own.
      try machine.killImage().open(opening).close()
    }
    return FaultedOpening(name: "open, takesOver", store: store, check: check) {
      try $0.open($1.takingOver)
    }
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

  private static func goingBack(
    _ name: String, _ lost: FaultedStore, to version: BucketVersion.Name
  ) throws -> FaultedOpening {
    var store = lost
    let found =
      version == .checkpoint(FaultedStore.checkpoint)
      ? lost.elsewhere.checkpoint?.content : lost.earlier?.content
    guard let kept = found else { throw Violation("there is no version to go back to") }
    (store.content, store.durable) = (kept, [kept])
    // One that failed may have come to its end there.
    store.elsewhere.states.append(kept)
    var opening = restoring(name, store, version)
    opening.elsewhere = store.elsewhere
    opening.elsewhere?.states = [kept]
    return opening
  }
}
