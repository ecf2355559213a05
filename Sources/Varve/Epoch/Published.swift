import Synchronization

/// The present one of a series of immutable objects: readers load it without counting, writers
/// replace it.
///
/// Inside an epoch the object is lent. What must live longer (a cursor, a snapshot) takes a strong
/// reference inside the epoch, by simply keeping it.
@safe
final class Published<View: AnyObject & Sendable>: Sendable {
  private let present: Atomic<Unmanaged<View>>
  private let epochs: ReadEpochs

  init(_ view: View, in epochs: ReadEpochs) {
    unsafe present = Atomic(Unmanaged.passRetained(view))
    self.epochs = epochs
  }

  // Readers hold this object, so none is inside now.
  deinit { unsafe present.load(ordering: .acquiring).release() }

  /// Lends the present object to `body`, uncounted.
  @inline(__always)
  func read<Value, Failure: Error>(
    _ body: (View) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    let pin = epochs.enter()
    defer { epochs.exit(pin) }
    // Alive until the exit: whoever replaces it retires it.
    return try unsafe unmanaged.lend(body)
  }

  /// The present object, uncounted: for threads inside an epoch, until they leave it.
  @inline(__always)
  var unmanaged: Unmanaged<View> { unsafe present.load(ordering: .sequentiallyConsistent) }

  /// The present object, counted.
  var current: View { read { $0 } }

  /// Publishes another object and retires the one before. `ReadEpochs.collect` drops it in time.
  func replace(with view: View) {
    let before = unsafe present.exchange(
      Unmanaged.passRetained(view), ordering: .sequentiallyConsistent)
    // The reference that `init` or an earlier call took.
    unsafe epochs.retire(before.takeRetainedValue())
  }
}
