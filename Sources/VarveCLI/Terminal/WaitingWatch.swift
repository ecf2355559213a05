/// For how long nothing has moved while calls are under way. Times are nanoseconds of any one clock.
struct WaitingWatch {
  private var calls = 0
  private var moved: UInt64 = 0

  mutating func begin(at now: UInt64) {
    if calls == 0 { moved = now }
    calls += 1
  }

  mutating func end(at now: UInt64) {
    calls -= 1
    moved = now
  }

  /// Part of what a call is to do was done.
  mutating func move(at now: UInt64) { moved = now }

  /// Nanoseconds; nil where nobody waits.
  func quiet(at now: UInt64) -> UInt64? { calls > 0 ? now - min(now, moved) : nil }
}
