/// Time, as the engine is told it.
package protocol Clock: AnyObject, Sendable {
  /// Milliseconds since 1970 (UTC). May step back; the engine guards against that.
  func wallMilliseconds() -> UInt64

  /// Nanoseconds since some moment of this process; never steps back.
  func monotonicNanoseconds() -> UInt64
}

/// Random numbers for identities and salts.
package protocol RandomSource: AnyObject, Sendable {
  func next() -> UInt64
}
