/// What is done about the checksums of the input.
enum Way: String, CaseIterable, Sendable {
  /// They are checked, and wrong as soon as a bit is changed: what damage does.
  case checked
  /// They are checked, and computed afresh after each change: what an attacker does.
  case resigned
  /// They are zero, of whatever bytes: nothing stands between a change and what is behind it, wherever
  /// the bytes come to lie.
  case off
}
