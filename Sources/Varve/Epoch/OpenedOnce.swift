import Synchronization

/// An object that is made when it is first asked for and kept from then on: for any number of threads,
/// without a lock.
///
/// Unmanaged, because counting one object from many threads for each read would cost more than the read;
/// `deinit` gives the reference back.
@safe
struct OpenedOnce<Object: AnyObject & Sendable>: ~Copyable, Sendable {
  private let kept = unsafe Atomic<Unmanaged<Object>?>(nil)

  deinit { unsafe kept.load(ordering: .acquiring)?.release() }

  /// The object, alive as long as this is; nil before it was made.
  @inline(__always)
  var present: Unmanaged<Object>? { unsafe kept.load(ordering: .acquiring) }

  /// The object, made where there is none. A failure is not remembered: the next caller tries again.
  /// Threads that come at the same time each make one, and all but one let go of it: a lock for each
  /// file would cost a store more than that ever does.
  func object(
    orMadeBy make: () throws(StoreError) -> Object
  ) throws(StoreError) -> Object {
    if let present = unsafe present { return unsafe present.takeUnretainedValue() }
    let mine = unsafe Unmanaged.passRetained(try make())
    let (isFirst, present) = unsafe kept.compareExchange(
      expected: nil, desired: mine, ordering: .acquiringAndReleasing)
    if isFirst { return unsafe mine.takeUnretainedValue() }
    unsafe mine.release()
    return unsafe present.unsafelyUnwrapped.takeUnretainedValue()
  }
}
