import Varve
import VarvePlatform
import VarveSimulation

/// A way in which calls of the file system, or of a bucket, can fail.
///
/// What lies below a file system as the engine sees it cannot fail here: calls that signals interrupt, and
/// reads and writes of a part that go on where they stopped. The platform's loops hide them, and have
/// tests of their own (TransferTests).
struct FaultKind: Sendable {
  let name: String
  /// The calls that it is for; nil for every one.
  var operation: FileSystemError.Operation?
  var effect = Fault.Effect.error(.device)
  /// What becomes of a call of the bucket; nil where it is the file system whose calls fail.
  var request: ObjectFault?
  /// The calls of the bucket that it is for; nil for every one.
  var requests: Set<ObjectCall.Kind>?
  /// What becomes of the cache where a sync of a file fails.
  var failedSync = FailedSync.keepsCache

  static let all: [FaultKind] = [
    FaultKind(name: "EIO", effect: .error(.device)),
    FaultKind(name: "ENOSPC", effect: .error(.full)),
    FaultKind(name: "EMFILE", effect: .error(.tooManyOpen)),
    FaultKind(
      name: "EIO of a sync, and the cache is reverted", operation: .sync, effect: .error(.device),
      failedSync: .revertsCache),
    FaultKind(
      name: "ENOSPC of a sync, and the cache is reverted", operation: .sync, effect: .error(.full),
      failedSync: .revertsCache),
    FaultKind(
      name: "ENOSPC after 1 byte written", operation: .write, effect: .partial(1, .full)),
    FaultKind(
      name: "EIO after 100 bytes written", operation: .write, effect: .partial(100, .device)),
    FaultKind(name: "nothing read, no error", operation: .read, effect: .short(0)),
    FaultKind(name: "7 bytes read, no error", operation: .read, effect: .short(7)),
  ]
}

extension FaultKind {
  private static let changes: Set<ObjectCall.Kind> = [.put, .remove, .copy, .restore]

  /// Those of a bucket. Of a question that is not answered it makes no difference why.
  static let ofBuckets: [FaultKind] = [
    FaultKind(name: "refused", request: .refused),
    FaultKind(name: "the answer is lost", request: .answerLost, requests: changes),
    FaultKind(name: "the request is lost", request: .requestLost, requests: changes),
    FaultKind(name: "the request comes later", request: .late, requests: changes),
    FaultKind(name: "the bucket is full", request: .full, requests: [.put, .copy]),
  ]

  /// Those for operations that take long.
  static let plainest = all.filter {
    ["EIO", "EIO of a sync, and the cache is reverted"].contains($0.name)
  }
}

extension FaultKind {
  /// What a store may say where it is met.
  var codes: Set<StoreError.Code> {
    switch (request, effect) {
    case (.full?, _): [.full]
    case (.some, _): [.unavailable]
    case (nil, .error(.full)), (nil, .partial(_, .full)): [.full, .poisoned]
    case (nil, .error), (nil, .partial): [.inputOutput, .poisoned]
    case (nil, .short): [.inputOutput]
    }
  }
}

/// Which call fails, how, and whether all of its kind do from then on.
struct PlannedFault: Sendable, CustomStringConvertible {
  var kind: FaultKind
  var duration: Fault.Duration
  var occurrence: Int

  var fault: Fault {
    Fault(kind.operation, occurrence: occurrence, effect: kind.effect, lasts: duration)
  }

  /// Decides what a failed sync loses: something else in each run, and the same in each repetition.
  func seed(_ campaign: UInt64) -> UInt64 {
    let kinds = FaultKind.all + FaultKind.ofBuckets
    let index = kinds.firstIndex { $0.name == kind.name } ?? 0
    return campaign &* 1_000_003 &+ UInt64(occurrence * 64 + index * 2)
      &+ (duration == .once ? 0 : 1)
  }

  var description: String {
    "\(kind.name), call \(occurrence), \(duration == .once ? "once" : "for good")"
  }
}
