import VarvePlatform

/// Sends a file that grows on its way to the device step by step, so that the sync at its end does
/// not wait for all of it at once, nor the syncs of others behind it.
struct WriteBehind {
  private static let step: UInt64 = 1 << 20

  /// Everything before it was sent.
  private var sent: UInt64 = 0

  /// Notes that `file` was written up to `end`. Whole steps are sent: a page that is written to again
  /// would go to the device twice.
  mutating func note(_ end: UInt64, of file: any File) {
    let whole = end & ~(Self.step - 1)
    guard whole > sent else { return }
    file.startWriting(sent..<whole)
    sent = whole
  }
}
