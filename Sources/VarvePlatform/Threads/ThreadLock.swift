import CVarveShims

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The system's mutex and condition variable: the ground ``Monitor`` stands on.
///
/// Not recursive: taking it twice on one thread never returns.
@safe
@usableFromInline
package final class ThreadLock: @unchecked Sendable {
  // @unchecked: made for sharing. Behind pointers because their addresses must not change.
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>

  init() {
    unsafe mutex = .allocate(capacity: 1)
    unsafe condition = .allocate(capacity: 1)
    unsafe mutex.initialize(to: pthread_mutex_t())
    unsafe condition.initialize(to: pthread_cond_t())
    let failures = unsafe pthread_mutex_init(mutex, nil) | varve_condition_init(condition)
    precondition(failures == 0, "the system has no room for a mutex")
  }

  deinit {
    unsafe pthread_mutex_destroy(mutex)
    unsafe pthread_cond_destroy(condition)
    unsafe mutex.deallocate()
    unsafe condition.deallocate()
  }

  @usableFromInline
  func lock() {
    let result = unsafe pthread_mutex_lock(mutex)
    precondition(result == 0)
  }

  @usableFromInline
  func unlock() {
    let result = unsafe pthread_mutex_unlock(mutex)
    precondition(result == 0)
  }

  /// Unlocks, sleeps until woken or until `deadline` (nanoseconds of the monotonic clock), and
  /// locks again. False: the deadline has passed. The system may wake a thread for nothing.
  @usableFromInline
  func sleep(until deadline: UInt64) -> Bool {
    let result =
      deadline == .max
      ? unsafe pthread_cond_wait(condition, mutex)
      : unsafe varve_condition_wait(condition, mutex, deadline)
    precondition(result == 0 || result == ETIMEDOUT)
    return result == 0
  }

  @usableFromInline
  func signal() { unsafe pthread_cond_signal(condition) }

  @usableFromInline
  func broadcast() { unsafe pthread_cond_broadcast(condition) }
}
