import CVarveShims
import Synchronization
import VarvePlatform

/// Lets readers use shared objects without counting references, and says when an object that was
/// replaced can go.
///
/// ```
/// epoch      7                                  one more for each retired object
/// slots    [ 0 | 5 | 0 | 7 | ... ]              per thread: the epoch in which it entered, 0 outside
/// retired  (A, 4) (B, 5) (C, 6)                 A can go: everyone inside entered after epoch 4
/// ```
///
/// A reader writes the epoch into its thread's slot, then loads what is published. A writer
/// publishes the replacement, then retires the old object under the present epoch and raises it.
/// All four are sequentially consistent, so either the reader's slot is seen when slots are looked
/// through, or the reader came so late that it loads the replacement. An object retired in epoch e
/// goes once no slot holds e or less. (K. Fraser, "Practical lock-freedom", 2004, section 5.2.3.)
///
/// Entering costs a store of about 10 ns to a line no other thread writes. A reader that stays
/// inside delays deletion and nothing else. Threads beyond the slots enter by a lock instead.
final class ReadEpochs: Sendable {
  private let epoch = Atomic<UInt64>(1)
  private let slots = EpochSlots()
  /// How many threads without a slot are inside, by the epoch in which they entered.
  private let crowd = Monitor<[UInt64: Int]>([:])
  /// Locked before `crowd` where both are.
  private let retired = Monitor<[Retired]>([])

  private struct Retired {
    var object: any AnyObject & Sendable
    /// The last epoch in which a reader can have found the object published.
    var epoch: UInt64
  }
}

/// A reader's stay inside; ended by `ReadEpochs.exit` on the thread that entered.
struct EpochPin {
  /// The thread's slot, negative for a thread without one.
  fileprivate let slot: Int
  fileprivate let epoch: UInt64
}

// MARK: - Readers

extension ReadEpochs {
  /// Enters: what is loaded from a `Published` from now on stays alive until `exit`. Stays nest.
  @inline(__always)
  func enter() -> EpochPin { enter(slot: Int(varve_thread_slot())) }

  /// Enters as a thread with the given slot; a negative one means none was free.
  @inline(__always)
  func enter(slot: Int) -> EpochPin {
    let now = epoch.load(ordering: .acquiring)
    if slot >= 0 {
      slots.enter(slot, now)
    } else {
      enterCrowd(now)
    }
    return EpochPin(slot: slot, epoch: now)
  }

  /// Leaves. What was loaded inside must not be used any more.
  @inline(__always)
  func exit(_ pin: EpochPin) {
    if pin.slot >= 0 {
      slots.exit(pin.slot)
    } else {
      exitCrowd(pin.epoch)
    }
  }
}

// MARK: - Writers

extension ReadEpochs {
  /// Takes an object that is no longer published and drops it once no reader that may have found
  /// it is inside. `collect` does the dropping.
  func retire(_ object: any AnyObject & Sendable) {
    let last = epoch.add(1, ordering: .sequentiallyConsistent).oldValue
    retired.withLock { $0.append(Retired(object: object, epoch: last)) }
  }

  /// Drops the retired objects that no reader can hold any more; their `deinit` runs here, outside
  /// all locks of this type. Returns how many are left.
  @discardableResult
  func collect() -> Int {
    let (free, left) = retired.withLock { retired in
      guard !retired.isEmpty else { return ([] as [Retired], 0) }
      let oldest = oldestInside()
      let free = retired.filter { $0.epoch < oldest }
      if !free.isEmpty { retired.removeAll { $0.epoch < oldest } }
      return (free, retired.count)
    }
    _ = consume free
    return left
  }

  /// The lowest epoch in which a reader that is still inside entered; all ones when none is.
  private func oldestInside() -> UInt64 {
    let crowded = crowd.withLock { $0.keys.min() } ?? .max
    return min(crowded, slots.oldest())
  }
}

// MARK: - Threads without a slot

extension ReadEpochs {
  private func enterCrowd(_ epoch: UInt64) {
    crowd.withLock { $0[epoch, default: 0] += 1 }
  }

  private func exitCrowd(_ epoch: UInt64) {
    crowd.withLock { crowd in
      let left = (crowd[epoch] ?? 1) - 1
      crowd[epoch] = left == 0 ? nil : left
    }
  }
}
