import VarveFormat

/// When versions go into the bucket by themselves; pure. Times are nanoseconds of one clock.
///
/// ```
///   last one done ──interval──> due: once nothing is being compacted ──interval──> in any case
/// ```
///
/// What is being compacted would be put there only to be replaced; but who is always busy must come there too.
struct UploadSchedule {
  private let interval: UInt64
  private var due: UInt64

  init(interval: UInt64, now: UInt64) {
    self.interval = interval
    due = now.addingStated(interval)
  }

  func isDue(at now: UInt64, isSettled: Bool) -> Bool {
    now >= due && (isSettled || now - due >= interval)
  }

  mutating func begin(at now: UInt64) { due = now.addingStated(interval) }
}
