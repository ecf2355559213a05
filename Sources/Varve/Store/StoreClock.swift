import Synchronization
import VarveFormat
import VarvePlatform

/// Wall-clock time that never goes back, so that a clock set back revives nothing that expired.
///
/// *Now* is the larger of the machine's clock and every time seen before, the manifest's included.
final class StoreClock: Sendable {
  let machine: any Clock
  private let floor: Atomic<UInt64>

  init(_ machine: any Clock, floor: ExpiryTime) {
    self.machine = machine
    self.floor = Atomic(floor)
  }

  /// Milliseconds since 1970.
  func now() -> ExpiryTime {
    let wall = machine.wallMilliseconds()
    return max(wall, floor.max(wall, ordering: .relaxed).newValue)
  }

  /// Nanoseconds since some moment of this process.
  func monotonicNanoseconds() -> UInt64 { machine.monotonicNanoseconds() }
}
