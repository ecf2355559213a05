import CVarveShims

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The machine's clocks.
package final class SystemClock: Clock {
  package init() {}

  package func wallMilliseconds() -> UInt64 {
    var now = timespec()
    unsafe _ = clock_gettime(CLOCK_REALTIME, &now)
    // A clock set before 1970 reads as 1970.
    let seconds = UInt64(max(now.tv_sec, 0))
    return seconds * 1000 + UInt64(now.tv_nsec) / 1_000_000
  }

  package func monotonicNanoseconds() -> UInt64 { varve_monotonic_nanoseconds() }
}

/// Random numbers of the system, good enough for keys.
package final class SystemRandom: RandomSource {
  package init() {}

  package func next() -> UInt64 {
    var number: UInt64 = 0
    // Fails only where the kernel is too old to have the call; no identity could be drawn then.
    let result = unsafe varve_random(&number, 8)
    precondition(result == 0, "the system has no random numbers")
    return number
  }
}
