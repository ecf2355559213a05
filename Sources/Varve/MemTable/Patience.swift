import CVarveShims

/// How a reader waits between attempts: a moment at first, then by letting others run, so that a
/// writer which lost its processor in the midst of a change can finish it.
struct Patience {
  private static let spins = 32
  private var attempts = 0

  mutating func wait() {
    attempts &+= 1
    guard attempts < Self.spins else { return varve_yield() }
    for _ in 0..<attempts { varve_pause() }
  }
}
