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
    // Alive until the exit: whoever replaces it retires it. The standard library's call rethrows
    // any error; a result keeps the type.
    let result = unsafe present.load(ordering: .sequentiallyConsistent)
      ._withUnsafeGuaranteedRef { view in
        Result { () throws(Failure) in try body(view) }
      }
    epochs.exit(pin)
    return try result.get()
  }

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
