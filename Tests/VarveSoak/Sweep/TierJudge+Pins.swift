import Varve
import VarveObjects
import VarveSimulation
import VarveTestSupport

// A pin is not read where the store is: it keeps a version for others, and is asked for when something is to go.

extension TierJudge {
  var isPin: Bool {
    switch place {
    case .file: false
    case .object(let name), .objectElsewhere(let name):
      name.description.hasPrefix(BucketLayout.pins)
    }
  }

  /// What a collection makes of a pin that cannot be read: it may keep anything, so nothing may go.
  func collect(_ store: SegmentStore, _ machine: CrashMachine) -> TierVerdict {
    let before = machine.bucket?.names
    do { try store.collectBucket(grace: 0) } catch {
      return machine.bucket?.names == before ? verdict(of: error, .atRead) : .collected
    }
    return .unnoticed
  }

  /// Goes back to what the pin keeps, which must be refused; nil where it is.
  func restoreFirst(_ machine: CrashMachine) throws -> TierVerdict? {
    let version = BucketVersion.Name.checkpoint(SweptTier.checkpoint)
    do {
      let store = try machine.elsewhere().restore(tier.opening, version: version)
      defer { try? store.close() }
      return try CrashWorkload.content(of: store) == tier.history[0] ? .unnoticed : .wrong
    } catch {
      let found = verdict(of: error, .atRead)
      return found == .atRead ? nil : found
    }
  }
}
